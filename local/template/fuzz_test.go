package template_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"premiumhls/local/template"
)

// FuzzParse holds for any input: nothing panics, the same input resolves to
// the same values or the same error, an order has every resource after what it
// depends on, and a resolved value has no intrinsic left in it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Resources":{"A":{"Type":"T"}}}`))
	for _, value := range []string{
		`"x"`, `{"Ref": "Bucket"}`, `{"Ref": "AWS::NoValue"}`, `{"Ref": "Bucket", "b": {"Ref": "AWS::NoValue"}}`,
		`{"Fn::GetAtt": ["Bucket", "Arn"]}`, `{"Fn::GetAtt": "Bucket.Arn"}`,
		`{"Fn::Sub": ["${a}${!b}${Bucket.Arn}", {"a": {"Ref": "Other"}}]}`,
		`{"Fn::Join": ["", [{"Ref": "Hosts"}, 1]]}`, `{"Fn::Select": [0, {"Fn::Split": ["/", {"Ref": "Bucket"}]}]}`,
		`{"Fn::If": ["IsProd", {"Fn::Base64": "x"}, {"Ref": "AWS::NoValue"}]}`,
		`{"Fn::FindInMap": ["Settings", {"Ref": "AWS::Region"}, "Zones"]}`, `[null]`, `{"Fn::GetAZs": ""}`,
	} {
		f.Add([]byte(templateOf(value)))
	}
	f.Add([]byte(`{"Conditions":{"A":{"Condition":"A"}},"Resources":{"A":{"Type":"T","DependsOn":"A"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := template.Parse(data)
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
		first, second := resolveAll(parsed), resolveAll(parsed)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("resolved twice: %v, then %v", first, second)
		}
		for id, value := range first {
			if found := intrinsicIn(value); found != "" {
				t.Fatalf("%s has %s after resolving", id, found)
			}
		}
	})
}

// resolveAll is what each resource resolves to: its properties, or an error's text.
func resolveAll(parsed *template.Template) map[string]any {
	resolver, err := template.NewResolver(parsed, environment, resources{})
	if err != nil {
		return map[string]any{"": err.Error()}
	}
	all := map[string]any{}
	for id := range parsed.Resources {
		properties, err := resolver.Properties(id)
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
