package stacks_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// The managed policies that the stack uses (CloudFront developer guide, "Use
// managed cache policies" and its siblings).
const (
	cachingOptimized          = "658327ea-f89d-4fab-a63d-7e88639e58f6"
	cachingDisabled           = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	elementalMediaPackage     = "08627262-05a9-4f76-9ded-b50ca2e3a84f"
	allViewerExceptHostHeader = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
	securityHeadersPolicy     = "67f7725c-6f97-4210-82d7-5512b31e9d03"
)

func distributionConfig(t *testing.T, a assembly) map[string]any {
	t.Helper()
	return get(t, a.Only(t, "AWS::CloudFront::Distribution").Properties, "DistributionConfig").(map[string]any)
}

// behaviors returns the behaviors by their patterns.
func behaviors(t *testing.T, a assembly) map[string]map[string]any {
	t.Helper()
	config := distributionConfig(t, a)
	found := map[string]map[string]any{"*": config["DefaultCacheBehavior"].(map[string]any)}
	for _, b := range config["CacheBehaviors"].([]any) {
		found[get(t, b, "PathPattern").(string)] = b.(map[string]any)
	}
	return found
}

// functionCode returns the code that a behavior runs on an event, or "".
func functionCode(t *testing.T, a assembly, behavior map[string]any, event string) string {
	t.Helper()
	list, _ := behavior["FunctionAssociations"].([]any)
	for _, item := range list {
		if get(t, item, "EventType") != event {
			continue
		}
		id := get(t, item, "FunctionARN", "Fn::GetAtt", 0).(string)
		r, ok := a.Template.Resources[id]
		if !ok || get(t, r.Properties, "FunctionConfig", "Runtime") != "cloudfront-js-2.0" || r.Properties["AutoPublish"] != true {
			t.Fatalf("%s is %s", id, text(r.Properties))
		}
		return text(r.Properties["FunctionCode"])
	}
	return ""
}

// What the flat-rate plans Free and Pro refuse is not in the template, unless
// a setting asks for it.
func TestTemplateFitsEveryPlan(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		for _, kind := range []string{"CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy", "KeyValueStore", "RealtimeLogConfig", "CloudFrontOriginAccessIdentity"} {
			if n := len(a.Resources("AWS::CloudFront::" + kind)); n != 0 {
				t.Errorf("%d of %s", n, kind)
			}
		}
		config := distributionConfig(t, a)
		if config["PriceClass"] != nil {
			t.Errorf("PriceClass is %v", config["PriceClass"])
		}
		all := behaviors(t, a)
		if len(all) > 4 {
			t.Errorf("%d behaviors: the Free plan has 5, of which one is for links", len(all))
		}
		for pattern, b := range all {
			for _, legacy := range []string{"ForwardedValues", "MinTTL", "MaxTTL", "DefaultTTL", "FieldLevelEncryptionId", "RealtimeLogConfigArn"} {
				if b[legacy] != nil {
					t.Errorf("%s has %s", pattern, legacy)
				}
			}
			if b["ResponseHeadersPolicyId"] != securityHeadersPolicy {
				t.Errorf("%s has the response headers policy %v", pattern, b["ResponseHeadersPolicyId"])
			}
		}
	})
}

func TestBehaviorPolicies(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes map[string]any
		video   string
	}{
		{"no allowed origins", nil, cachingOptimized},
		{"allowed origins", map[string]any{"allowedOrigins": []any{"https://www.example.org"}}, elementalMediaPackage},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := behaviors(t, synthesize(t, test.changes))
			if patterns := slices.Sorted(maps.Keys(all)); !slices.Equal(patterns, []string{"*", "/api/*", "/premium/*"}) {
				t.Fatalf("behaviors %v", patterns)
			}
			for pattern, want := range map[string][2]any{
				"*": {test.video, nil}, "/premium/*": {test.video, nil}, "/api/*": {cachingDisabled, allViewerExceptHostHeader},
			} {
				if got := [2]any{all[pattern]["CachePolicyId"], all[pattern]["OriginRequestPolicyId"]}; got != want {
					t.Errorf("%s has policies %v, want %v", pattern, got, want)
				}
			}
		})
	}
}

// The page has what no managed policy sets. Segments run no function, and the
// API runs one only where cookies are bound to addresses.
func TestEdgeFunctions(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		// No cookie can be bound to an IPv6 address.
		bound := distributionConfig(t, a)["IPV6Enabled"] == false
		functions := 0
		for pattern, b := range behaviors(t, a) {
			list, _ := b["FunctionAssociations"].([]any)
			functions += len(list)
			switch pattern {
			case "*":
				code := functionCode(t, a, b, "viewer-response")
				if embeds := functionCode(t, a, b, "viewer-request") != ""; embeds != (a.Only(t, "AWS::ApiGatewayV2::Api").Properties["CorsConfiguration"] != nil) || strings.Contains(code, "signed-in") != embeds {
					t.Errorf("without the same allowed origins: a path of embeds is %t, and the function %s", embeds, code)
				}
				for _, header := range []string{"content-security-policy", "cross-origin-opener-policy", "cross-origin-resource-policy", "permissions-policy"} {
					if !strings.Contains(code, header) {
						t.Errorf("the page has no %s", header)
					}
				}
			case "/api/*":
				if code := functionCode(t, a, b, "viewer-request"); strings.Contains(code, "x-viewer-address") != bound {
					t.Errorf("bindViewerAddress is %t, and the function %q", bound, code)
				}
			default:
				if len(list) != 0 {
					t.Errorf("%s runs functions: %s", pattern, text(list))
				}
			}
		}
		if made := len(a.Resources("AWS::CloudFront::Function")); made != functions {
			t.Errorf("%d functions, of which %d are used", made, functions)
		}
	})
}

// An error is never cached, and no error's body is replaced.
func TestErrorsAreNotCached(t *testing.T) {
	var codes []string
	for _, e := range distributionConfig(t, synthesize(t, nil))["CustomErrorResponses"].([]any) {
		codes = append(codes, text(get(t, e, "ErrorCode")))
		if ttl := text(get(t, e, "ErrorCachingMinTTL")); ttl != "0" || len(e.(map[string]any)) != 2 {
			t.Errorf("%s", text(e))
		}
	}
	if want := []string{"400", "403", "404", "405", "414", "416", "500", "501", "502", "503", "504"}; !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
}

// CORS advertises what the behaviors and routes accept, to the listed origins.
func TestAllowedOrigins(t *testing.T) {
	a := synthesize(t, map[string]any{"allowedOrigins": []any{"https://www.example.org"}})
	got := text(get(t, a.Only(t, "AWS::S3::Bucket").Properties, "CorsConfiguration", "CorsRules"))
	if want := `[{"AllowedHeaders":["Range"],"AllowedMethods":["GET","HEAD"],"AllowedOrigins":["https://www.example.org"],"ExposedHeaders":["Content-Length","Content-Range"],"MaxAge":3600}]`; got != want {
		t.Errorf("the bucket has %s, want %s", got, want)
	}
	got = text(get(t, a.Only(t, "AWS::ApiGatewayV2::Api").Properties, "CorsConfiguration"))
	if want := `{"AllowCredentials":true,"AllowHeaders":["Authorization","Content-Type"],"AllowMethods":["GET","POST","DELETE"],"AllowOrigins":["https://www.example.org"],"ExposeHeaders":["Retry-After"],"MaxAge":3600}`; got != want {
		t.Errorf("the API has %s, want %s", got, want)
	}
	b := synthesize(t, nil)
	if b.Only(t, "AWS::S3::Bucket").Properties["CorsConfiguration"] != nil || b.Only(t, "AWS::ApiGatewayV2::Api").Properties["CorsConfiguration"] != nil {
		t.Error("CORS without allowed origins")
	}
}
