package cloudformation_test

import (
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"premiumhls/local/cloudformation"
)

func TestGeneric(t *testing.T) {
	g := cloudformation.Generic{Environment: environment}
	tests := []struct {
		resourceType string
		properties   map[string]any
		id           string // pattern
		attribute    string
		value        string // pattern
	}{
		{"AWS::S3::Bucket", nil, `^premiumhls-media-[0-9a-z]{12}$`, "RegionalDomainName", `^premiumhls-media-[0-9a-z]{12}\.s3\.eu-central-1\.amazonaws\.com$`},
		{"AWS::S3::Bucket", map[string]any{"BucketName": "mine"}, `^mine$`, "Arn", `^arn:aws:s3:::mine$`},
		{"AWS::CloudFront::Distribution", nil, `^E[0-9A-Z]{13}$`, "DomainName", `^d[0-9a-z]{13}\.cloudfront\.net$`},
		{"AWS::CloudFront::PublicKey", nil, `^K[0-9A-Z]{13}$`, "Id", `^K[0-9A-Z]{13}$`},
		{"AWS::CloudFront::KeyGroup", nil, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`, "Id", `-`},
		{"AWS::Lambda::Function", nil, `^PremiumHls-Media-[0-9A-Z]{12}$`, "Arn", `^arn:aws:lambda:eu-central-1:111122223333:function:PremiumHls-Media-`},
		{"AWS::IAM::Role", nil, `^PremiumHls-Media-`, "Arn", `^arn:aws:iam::111122223333:role/PremiumHls-Media-`},
		{"AWS::ApiGatewayV2::Api", nil, `^[0-9a-z]{10}$`, "ApiEndpoint", `^https://[0-9a-z]{10}\.execute-api\.eu-central-1\.amazonaws\.com$`},
		{"AWS::ApiGatewayV2::Stage", map[string]any{"StageName": "$default"}, `^\$default$`, "", ``},
		{"AWS::Cognito::UserPool", nil, `^eu-central-1_[0-9A-Z]{9}$`, "ProviderURL", `^https://cognito-idp\.eu-central-1\.amazonaws\.com/eu-central-1_`},
		{"AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/x"}, `^/x$`, "Arn", `:log-group:/x:\*$`},
		{"AWS::CloudWatch::Dashboard", map[string]any{"DashboardName": "watch"}, `^watch$`, "", ``},
		{"AWS::KinesisFirehose::DeliveryStream", nil, `^PremiumHls-Media-`, "Arn", `^arn:aws:firehose:eu-central-1:111122223333:deliverystream/PremiumHls-Media-`},
		{"AWS::Logs::DeliverySource", map[string]any{"Name": "edge"}, `^edge$`, "Arn", `^arn:aws:logs:eu-central-1:111122223333:delivery-source:edge$`},
		{"AWS::Logs::DeliveryDestination", map[string]any{"Name": "edge"}, `^edge$`, "Arn", `^arn:aws:logs:eu-central-1:111122223333:delivery-destination:edge$`},
		{"AWS::Logs::Delivery", nil, `^[0-9A-Z]{16}$`, "Arn", `^arn:aws:logs:eu-central-1:111122223333:delivery:[0-9A-Z]{16}$`},
		{"AWS::Glue::Database", map[string]any{"DatabaseInput": map[string]any{"Name": "logs"}}, `^logs$`, "", ``},
		{"AWS::Glue::Table", map[string]any{"TableInput": map[string]any{"Name": "edge"}}, `^edge$`, "", ``},
		{"AWS::Athena::WorkGroup", map[string]any{"Name": "logs"}, `^logs$`, "", ``},
		{"AWS::Athena::NamedQuery", map[string]any{"Name": "Who?"}, `^[0-9a-f]{8}-`, "NamedQueryId", `^[0-9a-f]{8}-`},
		{"AWS::WAFv2::WebACL", nil, `^PremiumHls-Media-`, "Arn", `^arn:aws:wafv2:eu-central-1:111122223333:PremiumHls-Media-`},
	}
	for _, test := range tests {
		t.Run(test.resourceType, func(t *testing.T) {
			resource := cloudformation.Resource{LogicalID: "Media", Type: test.resourceType, Properties: test.properties}
			state, err := g.Create(t.Context(), resource)
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(test.id).MatchString(state.PhysicalID) {
				t.Errorf("physical id %q, want %s", state.PhysicalID, test.id)
			}
			value, _ := state.Attributes[test.attribute].(string)
			if !regexp.MustCompile(test.value).MatchString(value) {
				t.Errorf("%s = %q, want %s", test.attribute, value, test.value)
			}
			if again, err := g.Update(t.Context(), resource, state); err != nil || !reflect.DeepEqual(again, state) {
				t.Errorf("a second time %v, %v, want %v", again, err, state)
			}
			resource.LogicalID = "Other"
			other, err := g.Create(t.Context(), resource)
			if err != nil || (test.properties == nil && other.PhysicalID == state.PhysicalID) {
				t.Errorf("another resource is %v, %v", other, err)
			}
		})
	}
}

func TestUnknownAttributeDoesNotDeploy(t *testing.T) {
	s := cloudformation.New(cloudformation.Options{Environment: environment})
	err := s.Deploy(t.Context(), parse(t, `"Media": {"Type": "AWS::S3::Bucket"}, "B": {"Type": "T", "Properties": {"x": {"Fn::GetAtt": ["Media", "Domain"]}}}`))
	if want := `resource B: Properties.x.Fn::GetAtt: the resource "Media" (AWS::S3::Bucket) has no attribute "Domain"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

// parameters is a parameter store.
type parameters struct {
	values map[string]string
	err    error
}

func (p *parameters) Put(name, value string) error {
	if p.err != nil {
		return p.err
	}
	p.values[name] = value
	return nil
}

func (p *parameters) Delete(name string) error {
	delete(p.values, name)
	return nil
}

func TestParameter(t *testing.T) {
	store := &parameters{values: map[string]string{}}
	s := cloudformation.New(cloudformation.Options{
		Environment: environment, Default: newWorld(),
		Providers: map[string]cloudformation.Provider{"AWS::SSM::Parameter": cloudformation.Parameter{Environment: environment, Store: store}},
	})
	parameter := func(properties string) string {
		return `"P": {"Type": "AWS::SSM::Parameter", "Properties": {` + properties + `}},
			"User": {"Type": "T", "Properties": {"x": [{"Ref": "P"}, {"Fn::GetAtt": ["P", "Value"]}, {"Fn::GetAtt": ["P", "Type"]}]}}`
	}
	deploy(t, s, parameter(`"Name": "/x/signer", "Type": "String", "Value": "1"`))
	if want := map[string]string{"/x/signer": "1"}; !reflect.DeepEqual(store.values, want) {
		t.Errorf("parameters %v, want %v", store.values, want)
	}
	if got, want := s.Resources("T")[0].Properties["x"], []any{"/x/signer", "1", "String"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Ref, Value, Type = %v, want %v", got, want)
	}
	deploy(t, s, parameter(`"Name": "/x/signer", "Type": "String", "Value": "2"`))
	deploy(t, s, parameter(`"Name": "/y/signer", "Type": "String", "Value": "2"`))
	if want := map[string]string{"/y/signer": "2"}; !reflect.DeepEqual(store.values, want) {
		t.Errorf("parameters %v, want %v", store.values, want)
	}
	for name, test := range map[string][2]string{
		"SecureString": {`"Name": "/x", "Type": "SecureString", "Value": "1"`, `Type: invalid value "SecureString": must be String or StringList`},
		"no value":     {`"Name": "/x", "Type": "String"`, "Value: must be a non-empty string"},
		"too long":     {`"Name": "/x", "Type": "String", "Value": "` + strings.Repeat("x", 4097) + `"`, "4097 bytes: must be at most 4096"},
		"aws":          {`"Name": "/aws/x", "Type": "String", "Value": "1"`, "cannot begin with aws"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.Deploy(t.Context(), parse(t, parameter(test[0]))); err == nil || !strings.Contains(err.Error(), test[1]) {
				t.Errorf("error %v, want one with %q", err, test[1])
			}
			if want := map[string]string{"/y/signer": "2"}; !reflect.DeepEqual(store.values, want) {
				t.Errorf("parameters %v, want %v", store.values, want)
			}
		})
	}
	deploy(t, s, parameter(`"Type": "String", "Value": "`+strings.Repeat("x", 8192)+`", "Tier": "Advanced"`))
	for name := range store.values {
		if !regexp.MustCompile(`^CFN-P-[0-9A-Z]{12}$`).MatchString(name) || len(store.values) != 1 {
			t.Errorf("the parameter without a name is %s", name)
		}
	}
	store.err = errors.New("disk full")
	if err := s.Deploy(t.Context(), parse(t, parameter(`"Type": "String", "Value": "3"`))); !errors.Is(err, store.err) {
		t.Errorf("error %v, want that of the store", err)
	}
}
