package cloudfront

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"premiumhls/internal/cfn"
	"time"
)

// template is a distribution as a template has it, its references resolved.
const template = `[
{"LogicalID":"OAC","PhysicalID":"E1","Type":"AWS::CloudFront::OriginAccessControl","Properties":{"OriginAccessControlConfig":{
  "Name":"n","SigningBehavior":"always","SigningProtocol":"sigv4","OriginAccessControlOriginType":"s3"}}},
{"LogicalID":"KeyA","PhysicalID":"KA","Type":"AWS::CloudFront::PublicKey","Properties":{"PublicKeyConfig":{"Name":"a","CallerReference":"c","EncodedKey":"PEM"}}},
{"LogicalID":"Group","PhysicalID":"G1","Type":"AWS::CloudFront::KeyGroup","Properties":{"KeyGroupConfig":{"Name":"g","Items":["KA"]}}},
{"LogicalID":"Cache","PhysicalID":"C1","Type":"AWS::CloudFront::CachePolicy","Properties":{"CachePolicyConfig":{"Name":"c","MinTTL":"0","MaxTTL":31536000,"DefaultTTL":86400,
  "ParametersInCacheKeyAndForwardedToOrigin":{"EnableAcceptEncodingGzip":"true","EnableAcceptEncodingBrotli":false,
   "HeadersConfig":{"HeaderBehavior":"whitelist","Headers":["Origin"]},"CookiesConfig":{"CookieBehavior":"none"},"QueryStringsConfig":{"QueryStringBehavior":"all"}}}}},
{"LogicalID":"Request","PhysicalID":"O1","Type":"AWS::CloudFront::OriginRequestPolicy","Properties":{"OriginRequestPolicyConfig":{"Name":"o",
   "HeadersConfig":{"HeaderBehavior":"allViewerAndWhitelistCloudFront","Headers":["CloudFront-Viewer-Address"]},"CookiesConfig":{"CookieBehavior":"all"},"QueryStringsConfig":{"QueryStringBehavior":"none"}}}},
{"LogicalID":"Response","PhysicalID":"R1","Type":"AWS::CloudFront::ResponseHeadersPolicy","Properties":{"ResponseHeadersPolicyConfig":{"Name":"r",
   "CorsConfig":{"AccessControlAllowCredentials":"true","AccessControlAllowOrigins":{"Items":["https://app.example"]},"AccessControlAllowMethods":{"Items":["GET"]},
     "AccessControlAllowHeaders":{"Items":["Range"]},"AccessControlMaxAgeSec":"600","OriginOverride":true},
   "SecurityHeadersConfig":{"ContentTypeOptions":{"Override":true},"StrictTransportSecurity":{"AccessControlMaxAgeSec":"63072000","IncludeSubdomains":true,"Preload":"true","Override":"true"},
     "FrameOptions":{"FrameOption":"DENY","Override":false},"ReferrerPolicy":{"ReferrerPolicy":"no-referrer","Override":true},
     "ContentSecurityPolicy":{"ContentSecurityPolicy":"default-src 'self'","Override":true},"XSSProtection":{"Protection":true,"ModeBlock":true,"Override":true}},
   "CustomHeadersConfig":{"Items":[{"Header":"X-A","Value":"1","Override":true}]},"RemoveHeadersConfig":{"Items":[{"Header":"Server"}]}}}},
{"LogicalID":"D","PhysicalID":"EDIST","Type":"AWS::CloudFront::Distribution","Attributes":{"DomainName":"d111.cloudfront.net"},"Properties":{"Tags":[],"DistributionConfig":{
  "Enabled":"true","IPV6Enabled":true,"HttpVersion":"http2and3","DefaultRootObject":"index.html","Aliases":["video.example"],"PriceClass":"PriceClass_100","Comment":"c",
  "ViewerCertificate":{"AcmCertificateArn":"a"},"Logging":{"Bucket":"b"},
  "Origins":[
   {"Id":"public","DomainName":"b.s3.amazonaws.com","OriginPath":"/public","OriginAccessControlId":"E1","S3OriginConfig":{"OriginAccessIdentity":""}},
   {"Id":"premium","DomainName":"b.s3.amazonaws.com","OriginAccessControlId":"E1","S3OriginConfig":{"OriginAccessIdentity":""}},
   {"Id":"api","DomainName":"api.example","CustomOriginConfig":{"OriginProtocolPolicy":"https-only"},"OriginCustomHeaders":[{"HeaderName":"X-Origin-Secret","HeaderValue":"s"}]}],
  "CacheBehaviors":[
   {"PathPattern":"/premium/*","TargetOriginId":"premium","ViewerProtocolPolicy":"redirect-to-https","AllowedMethods":["GET","HEAD","OPTIONS"],"CachedMethods":["GET","HEAD"],
    "CachePolicyId":"C1","OriginRequestPolicyId":"O1","ResponseHeadersPolicyId":"R1","TrustedKeyGroups":["G1"],"Compress":"true","SmoothStreaming":false,"LambdaFunctionAssociations":[]},
   {"PathPattern":"/api/*","TargetOriginId":"api","ViewerProtocolPolicy":"https-only","AllowedMethods":["GET","HEAD","OPTIONS","PUT","PATCH","POST","DELETE"],
    "CachePolicyId":"4135ea2d-6df8-44a3-9df3-4b5a84be39ad","OriginRequestPolicyId":"b689b0a8-53d0-40ab-baf2-68738e2966ac","ResponseHeadersPolicyId":"67f7725c-6f97-4210-82d7-5512b31e9d03"}],
  "DefaultCacheBehavior":{"TargetOriginId":"public","ViewerProtocolPolicy":"redirect-to-https","CachePolicyId":"658327ea-f89d-4fab-a63d-7e88639e58f6","Compress":true},
  "CustomErrorResponses":[{"ErrorCode":"404","ResponseCode":200,"ResponsePagePath":"/404.html","ErrorCachingMinTTL":"10"}],
  "Restrictions":{"GeoRestriction":{"RestrictionType":"whitelist","Locations":["NL"]}}}}}
]`

func resources(t testing.TB) []cfn.Resolved {
	t.Helper()
	pem, err := json.Marshal(rsaKey.pem)
	if err != nil {
		t.Fatal(err)
	}
	var r []cfn.Resolved
	if err := json.Unmarshal([]byte(strings.Replace(template, `"PEM"`, string(pem), 1)), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRead(t *testing.T) {
	d, err := Read(resources(t))
	if err != nil {
		t.Fatal(err)
	}
	if d.Domain != "d111.cloudfront.net" || !d.Enabled || !d.IPv6 || d.DefaultRootObject != "index.html" || len(d.Behaviors) != 3 ||
		!slices.Equal(d.Aliases, []string{"video.example"}) || d.GeoRestriction.Type != "whitelist" || d.HTTPVersion != "http2and3" ||
		*d.CustomErrorResponses[0].CachingMinTTL != 10*time.Second || d.CustomErrorResponses[0].ResponsePagePath != "/404.html" || d.CustomErrorResponses[0].ResponseCode != 200 || d.CustomErrorResponses[0].ErrorCode != 404 {
		t.Errorf("%+v", d)
	}
	premium, api, public := d.Behaviors[0], d.Behaviors[1], d.Behaviors[2]
	if !premium.Signed || premium.PublicKeys["KA"].key == nil || premium.PathPattern != "/premium/*" || !premium.Origin.S3 || premium.Origin.Path != "" ||
		!premium.CachePolicy.Gzip || premium.CachePolicy.Brotli || !premium.Sends("origin") || !premium.Names("CloudFront-Viewer-Address") ||
		!premium.sendsParameter("a") || !premium.sendsCookie("a") || !premium.Compress {
		t.Errorf("%+v", premium)
	}
	headers := map[string]string{}
	for _, h := range premium.ResponseHeaders.Headers {
		headers[h.Name] = h.Value
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
		"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'self'", "X-Xss-Protection": "1; mode=block", "X-A": "1"} {
		if headers[name] != want {
			t.Errorf("%s is %q, want %q", name, headers[name], want)
		}
	}
	if c := premium.ResponseHeaders.CORS; !c.Credentials || !c.Override || c.MaxAge != "600" || c.Origins[0] != "https://app.example" {
		t.Errorf("%+v", c)
	}
	if api.Signed || len(api.AllowedMethods) != 7 || api.Origin.CustomHeaders[0].Value != "s" || api.Origin.S3 || !api.Sends("Authorization") || api.Sends("Host") ||
		len(api.ResponseHeaders.Headers) != 5 {
		t.Errorf("%+v", api)
	}
	if public.Signed || public.PathPattern != "*" || public.Origin.Path != "/public" || !slices.Equal(public.AllowedMethods, []string{"GET", "HEAD"}) ||
		!public.CachePolicy.Brotli {
		t.Errorf("%+v", public)
	}
}

// edit changes one property of the template's resources by its path; nil
// removes it.
func edit(t *testing.T, resources []cfn.Resolved, logicalID, path string, value any) {
	t.Helper()
	for _, r := range resources {
		if r.LogicalID != logicalID {
			continue
		}
		var at any = r.Properties
		steps := strings.Split(path, ".")
		for _, step := range steps[:len(steps)-1] {
			switch v := at.(type) {
			case map[string]any:
				at = v[step]
			case []any:
				at = v[step[0]-'0']
			}
		}
		m, ok := at.(map[string]any)
		if !ok {
			t.Fatalf("%s of %s is no object", path, logicalID)
		}
		if m[steps[len(steps)-1]] = value; value == nil {
			delete(m, steps[len(steps)-1])
		}
	}
}

func TestReadKeepsEmptyTrustSigned(t *testing.T) {
	for _, groups := range []any{[]any{}, []any(nil), "null"} {
		r := resources(t)
		edit(t, r, "D", "DistributionConfig.CacheBehaviors.0.TrustedKeyGroups", groups)
		if groups == "null" {
			behaviors := r[6].Properties["DistributionConfig"].(map[string]any)["CacheBehaviors"].([]any)
			behaviors[0].(map[string]any)["TrustedKeyGroups"] = nil
		}
		d, err := Read(r)
		if err != nil || !d.Behaviors[0].Signed || len(d.Behaviors[0].PublicKeys) != 0 {
			t.Errorf("%v: %v, %+v", groups, err, d.Behaviors)
		}
	}
}

func TestReadRejects(t *testing.T) {
	const premium, config = "DistributionConfig.CacheBehaviors.0.", "DistributionConfig."
	for _, c := range []struct {
		resource, path string
		value          any
		failing        string // the property in the error; empty is the last of path
	}{
		{"D", premium + "LambdaFunctionAssociations", []any{map[string]any{"EventType": "viewer-request"}}, ""},
		{"D", premium + "FunctionAssociations", []any{map[string]any{"EventType": "viewer-request", "FunctionARN": "arn"}}, ""},
		{"D", premium + "FieldLevelEncryptionId", "x", ""},
		{"D", premium + "TrustedSigners", []any{"self"}, ""},
		{"D", premium + "TrustedSigners", []any{}, ""},
		{"D", premium + "ForwardedValues", map[string]any{"QueryString": true}, ""},
		{"D", premium + "SmoothStreaming", "true", ""},
		{"D", premium + "GrpcConfig", map[string]any{"Enabled": true}, "Enabled"},
		{"D", premium + "SomethingNew", true, ""},
		{"D", premium + "CachePolicyId", nil, ""},
		{"D", premium + "CachePolicyId", "other", ""},
		{"D", premium + "OriginRequestPolicyId", "other", ""},
		{"D", premium + "ResponseHeadersPolicyId", "other", ""},
		{"D", premium + "TrustedKeyGroups", []any{"other"}, ""},
		{"D", premium + "TrustedKeyGroups", []any{map[string]any{"Ref": "Group"}}, ""},
		{"D", premium + "TargetOriginId", "other", ""},
		{"D", premium + "ViewerProtocolPolicy", "any", ""},
		{"D", premium + "ViewerProtocolPolicy", nil, ""},
		{"D", premium + "AllowedMethods", []any{"BREW"}, ""},
		{"D", premium + "PathPattern", strings.Repeat("a", 256), ""},
		{"D", premium + "PathPattern", map[string]any{"Ref": "x"}, ""},
		{"D", premium + "Compress", "maybe", ""},
		{"D", config + "WebACLId", "arn", ""},
		{"D", config + "OriginGroups", map[string]any{"Quantity": 1}, ""},
		{"D", config + "ContinuousDeploymentPolicyId", "x", ""},
		{"D", config + "ConnectionMode", "tenant-only", ""},
		{"D", config + "SomethingNew", "x", ""},
		{"D", config + "DefaultCacheBehavior", nil, ""},
		{"D", config + "Origins.0.OriginAccessControlId", nil, ""},
		{"D", config + "Origins.0.OriginAccessControlId", "other", ""},
		{"D", config + "Origins.0.OriginPath", "/public/", ""},
		{"D", config + "Origins.0.S3OriginConfig", map[string]any{"OriginAccessIdentity": "x"}, "OriginAccessIdentity"},
		{"D", config + "Origins.0.VpcOriginConfig", map[string]any{"VpcOriginId": "x"}, ""},
		{"D", config + "Restrictions", map[string]any{"GeoRestriction": map[string]any{"RestrictionType": "some"}}, "RestrictionType"},
		{"D", config + "CustomErrorResponses", []any{map[string]any{"ErrorCode": "many"}}, "ErrorCode"},
		{"OAC", "OriginAccessControlConfig.SigningBehavior", "no-override", ""},
		{"KeyA", "PublicKeyConfig.EncodedKey", "x", ""},
		{"Group", "KeyGroupConfig.Items", []any{"KB"}, ""},
		{"Cache", "CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.HeaderBehavior", "allViewer", ""},
		{"Cache", "CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.CookiesConfig.CookieBehavior", "some", ""},
		{"Request", "OriginRequestPolicyConfig.HeadersConfig", map[string]any{"HeaderBehavior": "whitelist", "Headers": []any{"Authorization"}}, "Headers"},
		{"Request", "OriginRequestPolicyConfig.HeadersConfig.Headers", []any{"CloudFront-Viewer-JA3-Fingerprint"}, ""},
		{"Response", "ResponseHeadersPolicyConfig.ServerTimingHeadersConfig", map[string]any{"Enabled": true, "SamplingRate": 1}, "Enabled"},
		{"Response", "ResponseHeadersPolicyConfig.CorsConfig.AccessControlAllowOrigins", map[string]any{"Items": []any{"*"}}, "AccessControlAllowCredentials"},
		{"Response", "ResponseHeadersPolicyConfig.SecurityHeadersConfig.New", "x", ""},
	} {
		if c.failing == "" {
			c.failing = c.path[strings.LastIndex(c.path, ".")+1:]
		}
		t.Run(fmt.Sprintf("%s.%s=%.40v", c.resource, c.path, c.value), func(t *testing.T) {
			r := resources(t)
			edit(t, r, c.resource, c.path, c.value)
			if _, err := Read(r); err == nil || !strings.Contains(err.Error(), "."+c.failing+": ") {
				t.Errorf("error %v, want one about the property %s", err, c.failing)
			}
		})
	}
	t.Run("no distribution", func(t *testing.T) {
		if _, err := Read(resources(t)[:6]); err == nil {
			t.Error("read")
		}
	})
	t.Run("two distributions", func(t *testing.T) {
		r := resources(t)
		if _, err := Read(append(r, r[6])); err == nil {
			t.Error("read")
		}
	})
}

// FuzzRead changes one property of a template. What is read without an error
// is at least as closed as the template says: a behavior that names key groups
// is signed, with keys of these groups alone, and no behavior is lost.
func FuzzRead(f *testing.F) {
	const premium, config = "DistributionConfig.CacheBehaviors.0.", "DistributionConfig."
	for _, seed := range [][3]string{
		{"D", premium + "TrustedKeyGroups", `[]`}, {"D", premium + "TrustedKeyGroups", `null`}, {"D", premium + "TrustedKeyGroups", `"G1"`}, {"D", premium + "TrustedKeyGroups", `["G2"]`},
		{"D", premium + "TrustedSigners", `["self"]`}, {"D", premium + "PathPattern", `"*"`}, {"D", premium + "Compress", `"true"`}, {"D", premium + "AllowedMethods", `["GET","HEAD"]`},
		{"D", premium + "ViewerProtocolPolicy", `"allow-all"`}, {"D", config + "Enabled", `false`}, {"D", config + "Aliases", `["*.example.com"]`}, {"D", config + "CacheBehaviors", `[]`},
		{"D", config + "Origins.0.OriginPath", `"/"`}, {"D", config + "DefaultCacheBehavior.TrustedKeyGroups", `["G1"]`}, {"Group", "KeyGroupConfig.Items", `[]`},
		{"Group", "KeyGroupConfig.Items", `["KA","KA"]`}, {"KeyA", "PublicKeyConfig.EncodedKey", `""`}, {"Cache", "CachePolicyConfig.MinTTL", `1e400`},
		{"Request", "OriginRequestPolicyConfig.HeadersConfig", `{"HeaderBehavior":"allViewer"}`}, {"Response", "ResponseHeadersPolicyConfig.CorsConfig", `{}`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, logicalID, path, value string) {
		var v any
		r := resources(t)
		if json.Unmarshal([]byte(value), &v) != nil || !change(r, logicalID, strings.Split(path, "."), v) {
			return
		}
		d, err := Read(r)
		if err != nil {
			return // it is refused
		}
		written := r[6].Properties["DistributionConfig"].(map[string]any)
		behaviors, _ := written["CacheBehaviors"].([]any)
		behaviors = append(slices.Clone(behaviors), written["DefaultCacheBehavior"])
		if len(d.Behaviors) != len(behaviors) {
			t.Fatalf("%d behaviors of %d are read", len(d.Behaviors), len(behaviors))
		}
		for i, b := range behaviors {
			groups, trusts := b.(map[string]any)["TrustedKeyGroups"]
			if d.Behaviors[i].Signed != trusts {
				t.Fatalf("%s of %s as %s: behavior %s is signed: %t", path, logicalID, value, d.Behaviors[i].PathPattern, d.Behaviors[i].Signed)
			}
			listed, _ := groups.([]any)
			for id := range d.Behaviors[i].PublicKeys {
				if id != "KA" || !slices.Contains(listed, any("G1")) {
					t.Fatalf("%s of %s as %s: behavior %s trusts %s", path, logicalID, value, d.Behaviors[i].PathPattern, id)
				}
			}
		}
	})
}

// change sets a property by its path, and reports whether there is such a
// place.
func change(resources []cfn.Resolved, logicalID string, path []string, value any) bool {
	for _, r := range resources {
		if r.LogicalID != logicalID {
			continue
		}
		var at any = r.Properties
		for _, step := range path[:len(path)-1] {
			switch v := at.(type) {
			case map[string]any:
				at = v[step]
			case []any:
				i, err := strconv.Atoi(step)
				if err != nil || i < 0 || i >= len(v) {
					return false
				}
				at = v[i]
			}
		}
		if m, ok := at.(map[string]any); ok && m != nil {
			m[path[len(path)-1]] = value
			return true
		}
	}
	return false
}
