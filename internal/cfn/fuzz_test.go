package cfn_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"premiumhls/internal/cfn"
)

// FuzzParse holds for any input: nothing panics, the same input resolves to
// the same values or the same error, an order has every resource after what it
// asked for when it was resolved, a resolved value has no intrinsic left in it,
// and what had none in it is as it was written. The input is a template, or the
// value of a property in one.
func FuzzParse(f *testing.F) {
	f.Add(`{"Resources":{"A":{"Type":"T"}}}`, true)
	for _, value := range []string{
		`"x"`, `{"Ref": "Bucket"}`, `{"Ref": "AWS::NoValue"}`, `{"Ref": "Bucket", "b": {"Ref": "AWS::NoValue"}}`,
		`{"Fn::GetAtt": ["Bucket", "Arn"]}`, `{"Fn::GetAtt": "Bucket.Arn"}`,
		`{"Fn::Sub": ["${a}${!b}${Bucket.Arn}", {"a": {"Ref": "Other"}}]}`,
		`{"Fn::Join": ["", [{"Ref": "Hosts"}, 1]]}`, `{"Fn::Select": [0, {"Fn::Split": ["/", {"Ref": "Bucket"}]}]}`,
		`{"Fn::If": ["IsProd", {"Fn::Base64": "x"}, {"Ref": "AWS::NoValue"}]}`,
		`{"Fn::FindInMap": ["Settings", {"Ref": "AWS::Region"}, "Zones"]}`, `[null]`, `{"Fn::GetAZs": ""}`,
		`{"a": [1, true, "x", {"b": 1.50}], "c": {}}`, `{"Condition": {"Bool": {"x": "y"}}}`, `[{"Fn::Sub": "${Other}"}, {"Fn::Sub": ["${Bucket.Arn}", {"x": {"Ref": "Other"}}]}]`,
		`{"Fn::GetAtt": ["Bucket", {"Ref": "Stage"}]}`, `{"Fn::Join": ["", {"Fn::GetAtt": ["Bucket", "Names"]}]}`, `{"Fn::If": ["IsTest", {"Ref": "Bucket"}, {"Ref": "Other"}]}`,
	} {
		f.Add(value, false)
	}
	f.Add(`{"Conditions":{"A":{"Condition":"A"}},"Resources":{"A":{"Type":"T","DependsOn":"A"}}}`, true)
	f.Add(`{"Resources":{"A":{"Type":"T","Properties":{"x":{"Ref":"B"}}},"B":{"Type":"T","DependsOn":["A"]}}}`, true)
	f.Add(`{"Resources":{"A":{"Type":"T","Properties":{"x":{"Fn::GetAtt":["B","Arn"]}}},"B":{"Type":"T"}},"Outputs":{"O":{"Value":{"Ref":"A"}}}}`, true)
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		if !whole {
			text = templateOf(text)
		}
		parsed, err := cfn.Parse([]byte(text))
		if err != nil {
			return
		}
		if order, err := parsed.Order(); err == nil {
			before := map[string]bool{}
			for _, id := range order {
				for _, other := range parsed.Dependencies(id) {
					if !before[other] {
						t.Fatalf("%s comes before %s, which it depends on", id, other)
					}
				}
				before[id] = true
			}
			if len(order) != len(parsed.Resources) {
				t.Fatalf("the order has %d of %d resources", len(order), len(parsed.Resources))
			}
		}
		first, second := resolveAll(t, parsed), resolveAll(t, parsed)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("resolved twice: %v, then %v", first, second)
		}
		for id, value := range first {
			if found := intrinsicIn(value); found != "" {
				t.Fatalf("%s has %s after resolving", id, found)
			}
			properties, isResolved := value.(map[string]any)
			if written := parsed.Resources[id].Properties; isResolved && len(written) > 0 && intrinsicIn(written) == "" && !reflect.DeepEqual(properties, written) {
				t.Fatalf("%s has no intrinsic, and %v resolves to %v", id, written, properties)
			}
		}
	})
}

// asking are resources that note which of them were asked for.
type asking struct {
	resources
	asked map[string]bool
}

func (a asking) Ref(id string) (string, error) {
	a.asked[id] = true
	return a.resources.Ref(id)
}

func (a asking) Attribute(id, name string) (any, error) {
	a.asked[id] = true
	return a.resources.Attribute(id, name)
}

// resolveAll is what each resource resolves to: its properties, or an error's text.
func resolveAll(t *testing.T, parsed *cfn.Template) map[string]any {
	t.Helper()
	values := asking{asked: map[string]bool{}}
	resolver, err := cfn.NewResolver(parsed, environment, values)
	if err != nil {
		return map[string]any{"": err.Error()}
	}
	all := map[string]any{}
	for id := range parsed.Resources {
		clear(values.asked)
		properties, err := resolver.Properties(id)
		for other := range values.asked {
			if other != id && !slices.Contains(parsed.Dependencies(id), other) {
				t.Fatalf("%s asks for %s, which is not among what it waits for", id, other)
			}
		}
		if err != nil {
			all[id] = err.Error()
			continue
		}
		all[id] = properties
	}
	if outputs, err := resolver.Outputs(); err != nil {
		all["outputs"] = err.Error()
	} else {
		all["outputs"] = outputs
	}
	return all
}

func intrinsicIn(value any) string {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			if found := intrinsicIn(element); found != "" {
				return found
			}
		}
	case map[string]any:
		for key, element := range v {
			if key == "Ref" || strings.HasPrefix(key, "Fn::") {
				return key
			}
			if found := intrinsicIn(element); found != "" {
				return found
			}
		}
	case nil, string, bool, json.Number, []string, map[string]string:
	default:
		return "a value of an unknown type"
	}
	return ""
}
