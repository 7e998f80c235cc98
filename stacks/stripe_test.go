package stacks_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"premiumhls/internal/cfn"
)

// What the setting stripe adds to the template, and nothing else.
func TestStripeAdds(t *testing.T) {
	with := synthesize(t, variants["stripe"])
	settings := maps.Clone(variants["stripe"])
	delete(settings, "stripe")
	without := synthesize(t, settings)
	var added []string
	for id, r := range with.Template.Resources {
		if _, ok := without.Template.Resources[id]; !ok {
			added = append(added, r.Type)
		}
	}
	slices.Sort(added)
	want := []string{
		"AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Route",
		"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm",
		"AWS::DynamoDB::Table", "AWS::IAM::Policy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::Lambda::Function",
		"AWS::Lambda::Permission", "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "Custom::PurchaseKey",
	}
	if !slices.Equal(added, want) {
		t.Errorf("added\n%s\nwant\n%s", strings.Join(added, "\n"), strings.Join(want, "\n"))
	}
	for id := range without.Template.Resources {
		if _, ok := with.Template.Resources[id]; !ok {
			t.Errorf("%s is gone", id)
		}
	}
	for _, name := range []string{"stripe", "Stripe", "purchase-key", "/api/purchases", "Sales"} {
		if strings.Contains(text(without.Template), name) {
			t.Errorf("without stripe the template has %q", name)
		}
	}
}

// Only the route for Stripe's events has no authorizer, and it has a throttle of
// its own.
func TestStripeRoutes(t *testing.T) {
	a := synthesize(t, variants["stripe"])
	open := map[string]string{}
	for id, r := range a.Resources("AWS::ApiGatewayV2::Route") {
		if r.Properties["AuthorizationType"] != "JWT" {
			open[r.Properties["RouteKey"].(string)] = id
		}
	}
	if len(open) != 1 || open["POST /api/stripe"] == "" {
		t.Errorf("routes without an authorizer: %v", open)
	}
	stage := a.Only(t, "AWS::ApiGatewayV2::Stage")
	if got, want := text(stage.Properties["RouteSettings"]), `{"POST /api/stripe":{"ThrottlingBurstLimit":100,"ThrottlingRateLimit":50}}`; got != want {
		t.Errorf("route settings %s, want %s", got, want)
	}
	// API Gateway rejects settings of a route that does not exist.
	if !slices.Contains(stage.DependsOn, open["POST /api/stripe"]) {
		t.Errorf("the stage depends on %v", stage.DependsOn)
	}
}

// Sales are data: the table stays when the stack goes.
func TestSalesTable(t *testing.T) {
	a := synthesize(t, variants["stripe"])
	var table cfn.Resource
	for id, r := range a.Resources("AWS::DynamoDB::Table") {
		if strings.HasPrefix(id, "Sales") {
			table = r
			// A changed id replaces the table. Written down on 2026-11-26.
			if want := "Sales1863061C"; id != want {
				t.Errorf("logical id %s, want %s", id, want)
			}
		}
	}
	if table.DeletionPolicy != "Retain" || table.Properties["DeletionProtectionEnabled"] != true {
		t.Errorf("%s, %v", table.DeletionPolicy, table.Properties["DeletionProtectionEnabled"])
	}
	if got := text(table.Properties["PointInTimeRecoverySpecification"]); got != `{"PointInTimeRecoveryEnabled":true}` {
		t.Errorf("point-in-time recovery %s", got)
	}
	if got := text(table.Properties["KeySchema"]); got != `[{"AttributeName":"sale","KeyType":"HASH"},{"AttributeName":"item","KeyType":"RANGE"}]` {
		t.Errorf("keys %s", got)
	}
}
