package cfn_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"premiumhls/internal/cfn"
)

var environment = cfn.Environment{
	Region: "eu-central-1", AccountID: "111122223333", StackName: "PremiumHls",
	StackID: "arn:aws:cloudformation:eu-central-1:111122223333:stack/PremiumHls/1", Partition: "aws", URLSuffix: "amazonaws.com",
}

// resources is a stack in which every resource's Ref is "<id>-id" and which
// knows the attributes Arn, Meta.Url, Number and Names.
type resources struct{}

func (resources) Ref(id string) (string, error) { return id + "-id", nil }

func (resources) Attribute(id, name string) (any, error) {
	switch name {
	case "Arn", "Meta.Url":
		return id + "-" + name, nil
	case "Number":
		return json.Number("7"), nil
	case "Names":
		return []string{"a", "b"}, nil
	}
	return nil, fmt.Errorf("%s has no attribute %q", id, name)
}

// templateOf is a template with the resources Bucket and Other, one more of
// which value is the property P, and parameters, mappings and conditions.
func templateOf(value string) string {
	return `{
  "Parameters": {
    "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/x/version"},
    "Stage": {"Type": "String", "Default": "prod"},
    "Count": {"Type": "Number", "Default": 3},
    "Hosts": {"Type": "CommaDelimitedList", "Default": "a.example, b.example"},
    "NoDefault": {"Type": "String"}
  },
  "Mappings": {"Settings": {"eu-central-1": {"Price": "PriceClass_100", "Zones": ["a", "b"]}}},
  "Conditions": {
    "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "IsTest": {"Fn::Not": [{"Condition": "IsProd"}]},
    "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsTest"}]},
    "Neither": {"Fn::And": [{"Condition": "IsTest"}, {"Condition": "IsProd"}]},
    "Either": {"Fn::Or": [{"Condition": "IsTest"}, {"Condition": "IsProd"}]},
    "Three": {"Fn::Equals": [3, {"Ref": "Count"}]}
  },
  "Resources": {
    "Bucket": {"Type": "AWS::S3::Bucket"},
    "Other": {"Type": "AWS::S3::Bucket"},
    "Absent": {"Type": "AWS::S3::Bucket", "Condition": "IsTest"},
    "It": {"Type": "X::Y::Z", "Properties": {"P": ` + value + `}}
  }
}`
}

func parse(t *testing.T, text string) *cfn.Template {
	t.Helper()
	parsed, err := cfn.Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return parsed
}

func TestProperties(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"a literal", `{"a": [1, true, "x", {"b": 1.50}]}`, `{"a": [1, true, "x", {"b": 1.50}]}`},
		{"a large integer stays as written", `12345678901234567890`, `12345678901234567890`},
		{"an IAM condition is no intrinsic", `{"Condition": {"Bool": {"x": "y"}}}`, `{"Condition": {"Bool": {"x": "y"}}}`},
		{"Ref of a resource", `{"Ref": "Bucket"}`, `"Bucket-id"`},
		{"Ref of a parameter", `{"Ref": "Stage"}`, `"prod"`},
		{"Ref of a number parameter is a string", `{"Ref": "Count"}`, `"3"`},
		{"Ref of a list parameter", `{"Ref": "Hosts"}`, `["a.example", "b.example"]`},
		{"pseudo parameters", `[{"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}, {"Ref": "AWS::StackName"}, {"Ref": "AWS::StackId"}, {"Ref": "AWS::Partition"}, {"Ref": "AWS::URLSuffix"}]`,
			`["eu-central-1", "111122223333", "PremiumHls", "arn:aws:cloudformation:eu-central-1:111122223333:stack/PremiumHls/1", "aws", "amazonaws.com"]`},
		{"NoValue removes a property", `{"a": {"Ref": "AWS::NoValue"}, "b": 1}`, `{"b": 1}`},
		{"NoValue removes an element", `[1, {"Ref": "AWS::NoValue"}, 2]`, `[1, 2]`},
		{"NoValue through Fn::If", `{"a": {"Fn::If": ["IsTest", 1, {"Ref": "AWS::NoValue"}]}}`, `{}`},
		{"GetAtt as a list", `{"Fn::GetAtt": ["Bucket", "Arn"]}`, `"Bucket-Arn"`},
		{"GetAtt as a string", `{"Fn::GetAtt": "Bucket.Arn"}`, `"Bucket-Arn"`},
		{"GetAtt of an attribute with a period", `[{"Fn::GetAtt": ["Bucket", "Meta.Url"]}, {"Fn::GetAtt": "Bucket.Meta.Url"}]`, `["Bucket-Meta.Url", "Bucket-Meta.Url"]`},
		{"Join", `{"Fn::Join": ["-", ["a", {"Ref": "Bucket"}, 1, true]]}`, `"a-Bucket-id-1-true"`},
		{"Join of nothing", `{"Fn::Join": ["-", []]}`, `""`},
		{"Join leaves NoValue out", `{"Fn::Join": ["-", ["a", {"Ref": "AWS::NoValue"}, "b"]]}`, `"a-b"`},
		{"Join of a list attribute", `{"Fn::Join": ["+", {"Fn::GetAtt": ["Bucket", "Names"]}]}`, `"a+b"`},
		{"Join of a list parameter", `{"Fn::Join": ["+", {"Ref": "Hosts"}]}`, `"a.example+b.example"`},
		{"Sub", `{"Fn::Sub": "s3://${Bucket}/${Bucket.Arn}/${Bucket.Meta.Url}/${AWS::Region}/${Stage}"}`, `"s3://Bucket-id/Bucket-Arn/Bucket-Meta.Url/eu-central-1/prod"`},
		{"Sub with variables, which come first", `{"Fn::Sub": ["${a}-${Bucket}-${a}", {"a": {"Ref": "Other"}, "Bucket": 1}]}`, `"Other-id-1-Other-id"`},
		{"Sub keeps a literal", `{"Fn::Sub": "${!Bucket} $ $$ {x} ${Bucket}"}`, `"${Bucket} $ $$ {x} Bucket-id"`},
		{"Sub does not read its result again", `{"Fn::Sub": ["${a}", {"a": "${Bucket}"}]}`, `"${Bucket}"`},
		{"Sub of a number", `{"Fn::Sub": "${Bucket.Number}"}`, `"7"`},
		{"Sub of Sub of Sub is not read twice as often each time", doubling("", 60), `""`},
		{"Select", `{"Fn::Select": [1, ["a", {"Ref": "Bucket"}]]}`, `"Bucket-id"`},
		{"Select with a string index", `{"Fn::Select": ["0", ["a", "b"]]}`, `"a"`},
		{"Select from Split", `{"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::Join": ["", ["https://", {"Ref": "Bucket"}, "/x"]]}]}]}`, `"Bucket-id"`},
		{"Split", `{"Fn::Split": [",", "a,,b"]}`, `["a", "", "b"]`},
		{"If", `[{"Fn::If": ["IsProd", "y", "n"]}, {"Fn::If": ["IsTest", "y", "n"]}, {"Fn::If": ["Both", "y", "n"]}, {"Fn::If": ["Neither", "y", "n"]}, {"Fn::If": ["Either", "y", "n"]}, {"Fn::If": ["Three", "y", "n"]}]`, `["y", "n", "n", "n", "y", "y"]`},
		{"If leaves the other branch alone", `{"Fn::If": ["IsProd", "y", {"Ref": "Nowhere"}]}`, `"y"`},
		{"FindInMap", `{"Fn::FindInMap": ["Settings", {"Ref": "AWS::Region"}, "Price"]}`, `"PriceClass_100"`},
		{"FindInMap of a list", `{"Fn::FindInMap": ["Settings", "eu-central-1", "Zones"]}`, `["a", "b"]`},
		{"Base64", `{"Fn::Base64": {"Fn::Sub": "${Stage}!"}}`, `"cHJvZCE="`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver, err := cfn.NewResolver(parse(t, templateOf(test.value)), environment, resources{})
			if err != nil {
				t.Fatal(err)
			}
			properties, err := resolver.Properties("It")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := canonical(t, properties["P"]), canonical(t, json.RawMessage(test.want)); got != want {
				t.Errorf("P = %s, want %s", got, want)
			}
		})
	}
}

func TestPropertiesRefuses(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"an unknown intrinsic", `[{"a": {"Fn::GetAZs": ""}}]`, "resource It: Properties.P[0].a.Fn::GetAZs: the function is not supported"},
		{"an import", `{"Fn::ImportValue": "x"}`, "Properties.P.Fn::ImportValue: the function is not supported"},
		{"an intrinsic with company", `{"Fn::Sub": "x", "b": 1}`, "Properties.P.Fn::Sub: an intrinsic function must be alone"},
		{"a Ref with company", `{"Ref": "Bucket", "b": {"Ref": "AWS::NoValue"}}`, "Properties.P.Ref: an intrinsic function must be alone"},
		{"an unknown logical id", `{"a": {"Ref": "Nowhere"}}`, `resource It: Properties.P.a.Ref: "Nowhere" is not a resource or parameter of the template`},
		{"an unknown logical id in Sub", `{"Fn::Sub": "${Nowhere}"}`, `Properties.P.Fn::Sub.${Nowhere}: "Nowhere" is not`},
		{"an unknown logical id in GetAtt", `{"Fn::GetAtt": ["Nowhere", "Arn"]}`, `"Nowhere" is not`},
		{"an unknown attribute", `{"Fn::GetAtt": ["Bucket", "Nothing"]}`, `Properties.P.Fn::GetAtt: Bucket has no attribute "Nothing"`},
		{"an unknown pseudo parameter", `{"Ref": "AWS::NotificationARNs"}`, `"AWS::NotificationARNs" is not`},
		{"a parameter as an attribute", `{"Fn::GetAtt": ["Stage", "Arn"]}`, `"Stage" is not`},
		{"a resource left out", `{"Ref": "Absent"}`, `resource "Absent" does not exist: its condition IsTest is false`},
		{"an SSM parameter without a value", `{"Ref": "BootstrapVersion"}`, "BootstrapVersion is read from SSM"},
		{"a parameter without a value", `{"Ref": "NoDefault"}`, "NoDefault has neither a value nor a default"},
		{"null", `{"a": null}`, "Properties.P.a: must not be null"},
		{"GetAtt without an attribute", `{"Fn::GetAtt": "Bucket"}`, "must be Resource.Attribute"},
		{"Ref of a list", `{"Ref": ["Bucket"]}`, "must be a string, is a list"},
		{"Join of an object", `{"Fn::Join": ["", [{"a": 1}]]}`, "Properties.P.Fn::Join[1][0]: must be a string, number or boolean, is an object"},
		{"Join of a string", `{"Fn::Join": ["", "abc"]}`, "Fn::Join[1]: must be a list, is a string"},
		{"Join with three arguments", `{"Fn::Join": ["", [], []]}`, "must be a list of 2, has 3"},
		{"Sub of a list attribute", `{"Fn::Sub": "${Bucket.Names}"}`, "must be a string, number or boolean"},
		{"Sub with an open brace", `{"Fn::Sub": "${Bucket"}`, "has a ${ without its }"},
		{"Sub of an empty name", `{"Fn::Sub": "${}"}`, `has the variable ""`},
		{"Sub of NoValue", `{"Fn::Sub": "${AWS::NoValue}"}`, "AWS::NoValue cannot stand here"},
		{"Sub that grows without end", doubling("x", 30), "longer than 1048576 bytes"},
		{"Select outside", `{"Fn::Select": [2, ["a", "b"]]}`, "the index 2 is outside the list of 2"},
		{"Select below", `{"Fn::Select": [-1, ["a", "b"]]}`, "the index -1 is outside the list of 2"},
		{"Select by a name", `{"Fn::Select": ["x", ["a"]]}`, "must be a whole number"},
		{"Split by nothing", `{"Fn::Split": ["", "a"]}`, "the delimiter must be a string that is not empty"},
		{"If of an unknown condition", `{"Fn::If": ["Nope", 1, 2]}`, `unknown condition "Nope"`},
		{"FindInMap of an unknown key", `{"Fn::FindInMap": ["Settings", "us-east-1", "Price"]}`, "the mapping Settings has no value at us-east-1, Price"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resolver, err := cfn.NewResolver(parse(t, templateOf(test.value)), environment, resources{})
			if err != nil {
				t.Fatal(err)
			}
			properties, err := resolver.Properties("It")
			if err == nil {
				t.Fatalf("P = %v, want an error with %q", properties["P"], test.want)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want one with %q", err, test.want)
			}
		})
	}
}

// doubling nests n Fn::Sub, each twice as long as the one inside.
func doubling(innermost string, n int) string {
	value := `"` + innermost + `"`
	for range n {
		value = `{"Fn::Sub": ["${a}${a}", {"a": ` + value + `}]}`
	}
	return value
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no JSON", `Resources:`, "parsing JSON"},
		{"two documents", `{"Resources":{"A":{"Type":"T"}}}{}`, "data after the template"},
		{"a list", `[]`, "the template must be an object, is a list"},
		{"no resources", `{}`, "no Resources"},
		{"a section in another case", `{"resources":{"A":{"Type":"T"}}}`, "no Resources"},
		{"a macro", `{"Transform":"X","Resources":{"A":{"Type":"T"}}}`, "macros are not supported"},
		{"no type", `{"Resources":{"A":{}}}`, "Resources.A has no Type"},
		{"a type that is no string", `{"Resources":{"A":{"Type":1}}}`, "Resources.A.Type must be a string, is a number"},
		{"a logical id with a period", `{"Resources":{"A.B":{"Type":"T"}}}`, `"A.B" is not 1 to 255 letters and digits`},
		{"a loop macro", `{"Resources":{"Fn::ForEach::A":[]}}`, `"Fn::ForEach::A" is not`},
		{"properties that are a list", `{"Resources":{"A":{"Type":"T","Properties":[]}}}`, "Resources.A.Properties must be an object, is a list"},
		{"an unknown DependsOn", `{"Resources":{"A":{"Type":"T","DependsOn":"B"}}}`, `DependsOn names "B"`},
		{"a DependsOn of numbers", `{"Resources":{"A":{"Type":"T","DependsOn":[1]}}}`, "Resources.A.DependsOn[0]: must be a string, is a number"},
		{"an unknown deletion policy", `{"Resources":{"A":{"Type":"T","DeletionPolicy":"Keep"}}}`, `unknown policy "Keep"`},
		{"an unknown condition", `{"Resources":{"A":{"Type":"T","Condition":"C"}}}`, `resource A: unknown condition "C"`},
		{"an output's unknown condition", `{"Resources":{"A":{"Type":"T"}},"Outputs":{"O":{"Value":"x","Condition":"C"}}}`, `output O: unknown condition "C"`},
		{"an output without a value", `{"Resources":{"A":{"Type":"T"}},"Outputs":{"O":{}}}`, "Outputs.O has no Value"},
		{"an intrinsic in a mapping", `{"Resources":{"A":{"Type":"T"}},"Mappings":{"M":{"a":{"b":{"Ref":"A"}}}}}`, "Mappings.M.a.b: must be a string"},
		{"a name used twice", `{"Resources":{"A":{"Type":"T"}},"Parameters":{"A":{"Type":"String"}}}`, "resource A: a parameter has the same name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := cfn.Parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestConditionsRefuse(t *testing.T) {
	tests := []struct{ name, conditions, want string }{
		{"a circle", `{"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}`, "conditions depend on each other in a circle: A -> B -> A"},
		{"a resource", `{"A": {"Fn::Equals": [{"Ref": "It"}, "x"]}}`, `Conditions.A.Fn::Equals[0].Ref: "It" is a resource, and a condition cannot refer to one`},
		{"an unknown condition", `{"A": {"Condition": "B"}}`, `unknown condition "B"`},
		{"an unknown function", `{"A": {"Fn::Contains": [["a"], "a"]}}`, "Conditions.A.Fn::Contains: the function is not supported in a condition"},
		{"an And of one", `{"A": {"Fn::And": [{"Fn::Equals": ["a", "a"]}]}}`, "takes 2 to 10 conditions, has 1"},
		{"a literal", `{"A": true}`, "Conditions.A: must be one condition function"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parsed := parse(t, `{"Conditions": `+test.conditions+`, "Resources": {"It": {"Type": "T"}}}`)
			_, err := cfn.NewResolver(parsed, environment, resources{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestParameterValues(t *testing.T) {
	parsed := parse(t, templateOf(`[{"Ref": "BootstrapVersion"}, {"Ref": "Stage"}, {"Fn::If": ["IsProd", "y", "n"]}]`))
	env := environment
	env.Parameters = map[string]string{"BootstrapVersion": "21", "Stage": "test"}
	resolver, err := cfn.NewResolver(parsed, env, resources{})
	if err != nil {
		t.Fatal(err)
	}
	properties, err := resolver.Properties("It")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := canonical(t, properties["P"]), `["21","test","n"]`; got != want {
		t.Errorf("P = %s, want %s", got, want)
	}
	if !resolver.Included("Absent") || !resolver.Included("Bucket") || resolver.Included("Nowhere") {
		t.Error("Included does not follow the condition")
	}
}

func TestOutputs(t *testing.T) {
	parsed := parse(t, `{
  "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
  "Resources": {"A": {"Type": "T"}},
  "Outputs": {
    "Url": {"Value": {"Fn::Join": ["", ["https://", {"Fn::GetAtt": ["A", "Arn"]}]]}, "Export": {"Name": "x"}},
    "Left": {"Value": {"Ref": "Nowhere"}, "Condition": "No"}
  }}`)
	resolver, err := cfn.NewResolver(parsed, environment, resources{})
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := resolver.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"Url": "https://A-Arn"}; !reflect.DeepEqual(outputs, want) {
		t.Errorf("Outputs = %v, want %v", outputs, want)
	}

	parsed = parse(t, `{"Resources": {"A": {"Type": "T"}}, "Outputs": {"List": {"Value": {"Fn::Split": [",", "a,b"]}}}}`)
	resolver, err = cfn.NewResolver(parsed, environment, resources{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = resolver.Outputs(); err == nil || !strings.Contains(err.Error(), "output List: Value: must be a string") {
		t.Errorf("error %v, want one about the list", err)
	}
}

func TestDependenciesAndOrder(t *testing.T) {
	parsed := parse(t, `{
  "Parameters": {"P": {"Type": "String", "Default": "x"}},
  "Conditions": {"C": {"Fn::Equals": ["a", "a"]}},
  "Resources": {
    "A": {"Type": "T", "Properties": {"x": {"Fn::Sub": ["${B}${C.Arn}${own}${!E}${P}${AWS::Region}", {"own": {"Ref": "D"}}]}}, "DependsOn": ["Z"]},
    "B": {"Type": "T", "Properties": {"x": [{"y": {"Fn::GetAtt": "D.Arn"}}]}},
    "C": {"Type": "T", "Properties": {"x": {"Fn::If": ["C", {"Fn::GetAtt": ["D", "Arn"]}, {"Ref": "E"}]}}, "Metadata": {"m": {"Ref": "A"}}},
    "D": {"Type": "T"}, "E": {"Type": "T"}, "Z": {"Type": "T", "DependsOn": "E"}
  }}`)
	for id, want := range map[string][]string{"A": {"B", "C", "D", "Z"}, "B": {"D"}, "C": {"D", "E"}, "D": nil, "Z": {"E"}} {
		if got := parsed.Dependencies(id); !reflect.DeepEqual(got, want) {
			t.Errorf("Dependencies(%s) = %v, want %v", id, got, want)
		}
	}
	order, err := parsed.Order()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"D", "B", "E", "C", "Z", "A"}; !reflect.DeepEqual(order, want) {
		t.Errorf("Order = %v, want %v", order, want)
	}
}

func TestOrderPrintsTheCycle(t *testing.T) {
	tests := []struct{ name, resources, want string }{
		{"two", `{"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T", "Properties": {"x": {"Ref": "A"}}}}`, "A -> B -> A"},
		{"itself", `{"A": {"Type": "T", "Properties": {"x": {"Fn::Sub": "${A.Arn}"}}}}`, "A -> A"},
		{"entered from outside", `{"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T", "DependsOn": "C"}, "C": {"Type": "T", "DependsOn": "B"}}`, "circle: B -> C -> B"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse(t, `{"Resources": `+test.resources+`}`).Order()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.template.json")
	if _, err := cfn.Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names %s", err, path)
	}
	if err := os.WriteFile(path, []byte(templateOf(`"x"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, err := cfn.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := parsed.Resources["It"].Properties["P"]; got != "x" {
		t.Errorf("P = %v, want x", got)
	}
}

func canonical(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
