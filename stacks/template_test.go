package stacks_test

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"premiumhls/internal/link"
	"premiumhls/internal/signersettings"
)

func TestTemplateLints(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("install cfn-lint (pip install cfn-lint) to lint the template")
	}
	eachVariant(t, func(t *testing.T, a assembly) {
		if output, err := exec.Command(lint, a.File).CombinedOutput(); err != nil || len(output) > 0 {
			t.Errorf("%v\n%s", err, output)
		}
	})
}

func TestSynthesisWorksWithNothingGiven(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	a := synthesizeExactly(t, map[string]any{})
	if _, ok := a.Template.Outputs["Site"]; !ok {
		t.Error("no address to open")
	}
}

func TestNoPrivateKeyInTemplate(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		if all := text(a.Template); strings.Contains(all, "PRIVATE KEY") {
			t.Error("the template holds a private key")
		}
		for id, r := range a.Resources("AWS::Lambda::Function") {
			for name := range environment(r.Properties) {
				if regexp.MustCompile(`(?i)secret|pem|private`).MatchString(name) {
					t.Errorf("%s has %s in its environment", id, name)
				}
			}
		}
	})
}

func environment(function map[string]any) map[string]any {
	e, _ := function["Environment"].(map[string]any)
	v, _ := e["Variables"].(map[string]any)
	return v
}

// signerDocument returns the settings in the environment of a signer. Names of
// resources in it are missing: they are known when the stack is deployed.
func signerDocument(t *testing.T, environment map[string]any) map[string]any {
	t.Helper()
	value, ok := environment[signersettings.Variable]
	if !ok {
		return nil
	}
	text, ok := value.(string)
	if !ok {
		for _, part := range get(t, value, "Fn::Join", 1).([]any) {
			if s, ok := part.(string); ok {
				text += s
			}
		}
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return document
}

func TestBucketIsPrivate(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		for id, r := range a.Resources("AWS::S3::Bucket") {
			for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
				if get(t, r.Properties, "PublicAccessBlockConfiguration", block) != true {
					t.Errorf("%s does not have %s", id, block)
				}
			}
			if r.Properties["BucketName"] != nil || r.Properties["WebsiteConfiguration"] != nil {
				t.Errorf("%s has a name, or is a website", id)
			}
			if got := get(t, r.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm"); got != "AES256" {
				t.Errorf("%s is encrypted with %v", id, got)
			}
		}
	})
}

// CloudFront alone may read the bucket, this distribution alone of all
// distributions, and no request without TLS.
func TestBucketPolicyAllowsOnlyTheDistribution(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		readers := 0
		for id, r := range a.Resources("AWS::S3::BucketPolicy") {
			deniesPlainText := false
			for _, raw := range get(t, r.Properties, "PolicyDocument", "Statement").([]any) {
				statement := raw.(map[string]any)
				switch principal := text(statement["Principal"]); {
				case statement["Effect"] == "Deny":
					deniesPlainText = deniesPlainText || text(statement["Condition"]) == `{"Bool":{"aws:SecureTransport":"false"}}`
				case strings.Contains(principal, "*"):
					t.Errorf("%s admits everyone: %s", id, text(statement))
				case strings.Contains(principal, "cloudfront.amazonaws.com"):
					readers++
					if got := text(statement["Action"]); got != `["s3:GetObject","s3:ListBucket"]` {
						t.Errorf("CloudFront may %s", got)
					}
					if got := text(get(t, statement, "Condition", "StringEquals", "AWS:SourceArn")); !strings.Contains(got, `:distribution/",{"Ref":"Distribution`) {
						t.Errorf("CloudFront may read for %s", got)
					}
				}
			}
			if !deniesPlainText {
				t.Errorf("%s does not ask for TLS", id)
			}
		}
		if readers != 1 {
			t.Errorf("%d statements admit CloudFront, want one", readers)
		}
	})
}

func TestPremiumBehaviorTrustsTheKeyGroup(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		config := get(t, a.Only(t, "AWS::CloudFront::Distribution").Properties, "DistributionConfig").(map[string]any)
		premium := "/premium/*"
		for _, r := range a.Resources("AWS::Lambda::Function") {
			if folder, ok := signerDocument(t, environment(r.Properties))["premiumPath"].(string); ok {
				premium = "/" + folder + "/*"
			}
		}
		signed := 0
		for _, raw := range config["CacheBehaviors"].([]any) {
			b := raw.(map[string]any)
			if b["PathPattern"] != premium && b["PathPattern"] != premium+link.Suffix {
				continue
			}
			if b["PathPattern"] == premium {
				signed++
			} else if signed > 0 {
				t.Errorf("%s comes after %s, which has its paths", b["PathPattern"], premium)
			}
			if got := text(b["TrustedKeyGroups"]); got != `[{"Ref":"KeyGroup1D84D94F"}]` {
				t.Errorf("premium trusts %s", got)
			}
			if got := text(b["AllowedMethods"]); got != `["GET","HEAD"]` {
				t.Errorf("premium allows %s", got)
			}
		}
		if signed != 1 {
			t.Errorf("%d behaviors for %s", signed, premium)
		}
		if n := len(config["CacheBehaviors"].([]any)); n > 4 {
			t.Errorf("%d behaviors and the default one: the Free plan has five", n)
		}
		// The public origin cannot reach a premium object.
		target := get(t, config, "DefaultCacheBehavior", "TargetOriginId")
		for _, raw := range config["Origins"].([]any) {
			if origin := raw.(map[string]any); origin["Id"] == target && origin["OriginPath"] != "/public" {
				t.Errorf("the public origin begins at %v", origin["OriginPath"])
			}
		}
	})
}

// openRoutes need no token, for a reason.
var openRoutes = map[string]string{
	"POST /api/stripe":       "Stripe signs its events",
	"GET /premium/{proxy+}":  "the distribution has checked the link, and the function checks that it was the distribution",
	"HEAD /premium/{proxy+}": "the same",
}

func TestEveryRouteNeedsAToken(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		routes := a.Resources("AWS::ApiGatewayV2::Route")
		if len(routes) == 0 {
			t.Fatal("no routes")
		}
		for id, r := range routes {
			if openRoutes[r.Properties["RouteKey"].(string)] != "" {
				continue
			}
			if r.Properties["AuthorizationType"] != "JWT" || r.Properties["AuthorizerId"] == nil {
				t.Errorf("%s is open", id)
			}
		}
		authorizer := get(t, a.Only(t, "AWS::ApiGatewayV2::Authorizer").Properties, "JwtConfiguration").(map[string]any)
		if len(authorizer["Audience"].([]any)) == 0 || authorizer["Issuer"] == nil {
			t.Errorf("the authorizer takes any token: %s", text(authorizer))
		}
		stage := a.Only(t, "AWS::ApiGatewayV2::Stage").Properties
		if got := text(stage["DefaultRouteSettings"]); got != `{"ThrottlingBurstLimit":4000,"ThrottlingRateLimit":2000}` {
			t.Errorf("throttled at %s", got)
		}
		for id, r := range a.Resources("AWS::Lambda::Permission") {
			if r.Properties["SourceArn"] == nil {
				t.Errorf("%s admits any API", id)
			}
		}
	})
}

func TestEverySettingReachesTheTemplate(t *testing.T) {
	a := synthesize(t, variants["everything"])
	config := get(t, a.Only(t, "AWS::CloudFront::Distribution").Properties, "DistributionConfig").(map[string]any)
	for name, want := range map[string]string{
		"Aliases":           `["video.example.com","www.example.com"]`,
		"IPV6Enabled":       `false`,
		"Restrictions":      `{"GeoRestriction":{"Locations":["DE","FR"],"RestrictionType":"whitelist"}}`,
		"WebACLId":          text(variants["everything"]["webAclArn"]),
		"ViewerCertificate": `{"AcmCertificateArn":"arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012","MinimumProtocolVersion":"TLSv1.2_2025","SslSupportMethod":"sni-only"}`,
		"HttpVersion":       `"http2and3"`,
	} {
		if got := text(config[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if got := text(get(t, config, "Logging", "Fn::If", 2, "IncludeCookies")); got != "false" {
		t.Error("the logs hold cookies")
	}
	if n := len(a.Resources("Custom::SigningKey")); n != 2 {
		t.Errorf("%d key pairs", n)
	}
	for id, r := range a.Resources("AWS::S3::Bucket") {
		if r.DeletionPolicy != "Delete" {
			t.Errorf("%s stays when the stack goes: %s", id, r.DeletionPolicy)
		}
	}
	if b := synthesize(t, nil).Only(t, "AWS::S3::Bucket"); b.DeletionPolicy != "Retain" {
		t.Errorf("by default the videos go with the stack: %s", b.DeletionPolicy)
	}
}

func TestExistingIssuerNeedsNoUserPool(t *testing.T) {
	a := synthesize(t, variants["an existing issuer, no sample, no deploy check"])
	if n := len(a.Resources("AWS::Cognito::UserPool")); n != 0 {
		t.Errorf("%d user pools", n)
	}
	want := `{"Audience":["client"],"Issuer":"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abcdefghi"}`
	if got := text(a.Only(t, "AWS::ApiGatewayV2::Authorizer").Properties["JwtConfiguration"]); got != want {
		t.Errorf("the authorizer takes %s", got)
	}
	if n := len(a.Resources("Custom::CDKBucketDeployment")); n != 1 {
		t.Errorf("%d uploads, want the page alone", n)
	}
}

// Parameter Store cannot be written by CloudFormation but in the clear.
func TestTheOnlyParameterHoldsNoSecret(t *testing.T) {
	eachVariant(t, func(t *testing.T, a assembly) {
		p := a.Only(t, "AWS::SSM::Parameter").Properties
		if p["Type"] != "String" || strings.Contains(text(p["Value"]), "OriginSecret") {
			t.Errorf("the parameter is %s", text(p))
		}
	})
}

func TestMediaConvertWritesVideosOnly(t *testing.T) {
	a := synthesize(t, nil)
	for id, r := range a.Resources("AWS::IAM::Role") {
		if !strings.Contains(text(r.Properties["AssumeRolePolicyDocument"]), "mediaconvert") {
			continue
		}
		if got := text(get(t, r.Properties, "AssumeRolePolicyDocument", "Statement", 0, "Condition")); got != `{"StringEquals":{"aws:SourceAccount":{"Ref":"AWS::AccountId"}}}` {
			t.Errorf("any account's jobs may use %s: %s", id, got)
		}
		for _, p := range a.Resources("AWS::IAM::Policy") {
			if text(p.Properties["Roles"]) != text([]any{map[string]any{"Ref": id}}) {
				continue
			}
			statements := get(t, p.Properties, "PolicyDocument", "Statement").([]any)
			if len(statements) != 1 || text(get(t, statements, 0, "Action")) != `["s3:AbortMultipartUpload","s3:PutObject"]` {
				t.Errorf("MediaConvert may %s", text(statements))
			}
			if got := text(get(t, statements, 0, "Resource")); !strings.Contains(got, `"/premium/*"`) || !strings.Contains(got, `"/public/trailers/*"`) || strings.Contains(got, `"/*"`) {
				t.Errorf("MediaConvert may write %s", got)
			}
			return
		}
	}
	t.Fatal("MediaConvert has no role, or the role no rights")
}
