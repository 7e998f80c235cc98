package target

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
)

// An account answers as AWS does, by the action or path that is asked for.
type account map[string]string

func (a account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := r.URL.Path
	if r.Method == http.MethodPost {
		what = r.FormValue("Action") + r.FormValue("NextToken")
	}
	body, ok := a[what]
	w.Header().Set("Content-Type", "text/xml")
	if !ok {
		w.WriteHeader(http.StatusForbidden)
		body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed: " + what + "</Message></Error><RequestId>r</RequestId></ErrorResponse>"
	}
	fmt.Fprint(w, body)
}

func (a account) clients(t *testing.T) (CloudFormation, CloudFront) {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}
	return cloudformation.NewFromConfig(c), cloudfront.NewFromConfig(c)
}

func summary(kind, id string) string {
	return "<member><LogicalResourceId>L</LogicalResourceId><ResourceType>" + kind + "</ResourceType><PhysicalResourceId>" + id + "</PhysicalResourceId></member>"
}

const policyID = "11111111-2222-3333-4444-555555555555"

// deployed is an account with a stack, whose resources come on two pages.
func deployed(t *testing.T) account {
	key := func(id string) string {
		return "<PublicKey><Id>" + id + "</Id><PublicKeyConfig><EncodedKey>" + string(newPEM(t)) + "</EncodedKey></PublicKeyConfig></PublicKey>"
	}
	resources := func(list, next string) string {
		return "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>" + list + "</StackResourceSummaries>" + next + "</ListStackResourcesResult></ListStackResourcesResponse>"
	}
	const methods = "<AllowedMethods><Quantity>2</Quantity><Items><Method>GET</Method><Method>HEAD</Method></Items></AllowedMethods>"
	return account{
		"DescribeStacks": "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>S</StackName><Outputs><member><OutputKey>Site</OutputKey><OutputValue>https://video.example.com/</OutputValue></member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
		"ListStackResources": resources(
			summary("AWS::CloudFront::PublicKey", "K1")+summary("AWS::CloudFront::PublicKey", "K2"), "<NextToken>more</NextToken>"),
		"ListStackResourcesmore": resources(summary("AWS::CloudFront::Distribution", "E1"), ""),
		"/2020-05-31/distribution/E1": `<Distribution><Id>E1</Id><Status>InProgress</Status><DomainName>d1.cloudfront.net</DomainName><DistributionConfig>
			<Enabled>true</Enabled><IsIPV6Enabled>false</IsIPV6Enabled><DefaultRootObject>index.html</DefaultRootObject><WebACLId>arn:acl</WebACLId>
			<Aliases><Quantity>1</Quantity><Items><CNAME>video.example.com</CNAME></Items></Aliases>
			<Restrictions><GeoRestriction><RestrictionType>whitelist</RestrictionType><Quantity>1</Quantity><Items><Location>DE</Location></Items></GeoRestriction></Restrictions>
			<CacheBehaviors><Quantity>1</Quantity><Items><CacheBehavior><PathPattern>/premium/*</PathPattern><ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>` + methods + `
			 <TrustedKeyGroups><Enabled>true</Enabled><Quantity>1</Quantity><Items><KeyGroup>G1</KeyGroup></Items></TrustedKeyGroups>
			 <ResponseHeadersPolicyId>` + policyID + `</ResponseHeadersPolicyId></CacheBehavior></Items></CacheBehaviors>
			<DefaultCacheBehavior><ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>` + methods + `
			 <TrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></TrustedKeyGroups>
			 <FunctionAssociations><Quantity>1</Quantity><Items><FunctionAssociation><FunctionARN>arn:f</FunctionARN><EventType>viewer-request</EventType></FunctionAssociation></Items></FunctionAssociations>
			</DefaultCacheBehavior></DistributionConfig></Distribution>`,
		"/2020-05-31/key-group/G1":                        "<KeyGroup><Id>G1</Id><KeyGroupConfig><Name>n</Name><Items><PublicKey>K1</PublicKey></Items></KeyGroupConfig></KeyGroup>",
		"/2020-05-31/public-key/K1":                       key("K1"),
		"/2020-05-31/public-key/K2":                       key("K2"),
		"/2020-05-31/response-headers-policy/" + policyID: `<ResponseHeadersPolicy><Id>` + policyID + `</Id><ResponseHeadersPolicyConfig><Name>n</Name><CorsConfig><AccessControlAllowOrigins><Quantity>1</Quantity><Items><Origin>https://www.example.com</Origin></Items></AccessControlAllowOrigins><AccessControlAllowCredentials>true</AccessControlAllowCredentials><OriginOverride>true</OriginOverride></CorsConfig></ResponseHeadersPolicyConfig></ResponseHeadersPolicy>`,
	}
}

func TestFromStack(t *testing.T) {
	formation, front := deployed(t).clients(t)
	target, err := FromStack(context.Background(), "S", formation, front)
	if err != nil {
		t.Fatal(err)
	}
	if target.Domain != "d1.cloudfront.net" || target.Site != "https://video.example.com/" || !target.Enabled || target.IPv6 ||
		!slices.Equal(target.Aliases, []string{"video.example.com"}) || target.DefaultRootObject != "index.html" ||
		target.GeoRestriction.Type != "whitelist" || target.KeysUnknown != "" || target.AnyHost {
		t.Errorf("%+v", target)
	}
	if len(target.Behaviors) != 2 {
		t.Fatalf("%d behaviors", len(target.Behaviors))
	}
	premium, other := target.Behaviors[0], target.Behaviors[1]
	if premium.PathPattern != "/premium/*" || !premium.Signed || len(premium.PublicKeys) != 1 || premium.PublicKeys["K1"].ID != "K1" ||
		premium.ViewerProtocolPolicy != "redirect-to-https" || !slices.Equal(premium.AllowedMethods, []string{"GET", "HEAD"}) {
		t.Errorf("%+v", premium)
	}
	if cors := premium.ResponseHeaders.CORS; cors == nil || !slices.Equal(cors.Origins, []string{"https://www.example.com"}) || !cors.Credentials {
		t.Errorf("%+v", cors)
	}
	if other.PathPattern != "*" || other.Signed || other.ResponseHeaders.CORS != nil {
		t.Errorf("%+v", other)
	}
	if target.Keys["K1"] == nil || target.Keys["K2"] == nil {
		t.Errorf("keys %v", target.Keys)
	}
	notes := strings.Join(target.Notes, "\n")
	for _, want := range []string{"web ACL", "Behavior * has functions", "is being deployed"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no word of %s: %s", want, notes)
		}
	}
}

func TestFromStackFails(t *testing.T) {
	tests := []struct {
		name   string
		change func(account)
		want   string
	}{
		{"no such stack", func(a account) { delete(a, "DescribeStacks") }, "looking for the stack S"},
		{"resources that may not be listed", func(a account) { delete(a, "ListStackResourcesmore") }, "listing the resources of the stack S"},
		{"no distribution", func(a account) {
			a["ListStackResourcesmore"] = strings.Replace(a["ListStackResourcesmore"], "Distribution", "Function", 1)
		}, "0 distributions, not one"},
		{"a distribution that may not be read", func(a account) { delete(a, "/2020-05-31/distribution/E1") }, "reading the distribution E1"},
		{"a key group that may not be read", func(a account) { delete(a, "/2020-05-31/key-group/G1") }, "reading the key group G1"},
		{"a key that may not be read", func(a account) { delete(a, "/2020-05-31/public-key/K1") }, "reading the public key K1"},
		{"headers that may not be read", func(a account) { delete(a, "/2020-05-31/response-headers-policy/"+policyID) }, "reading the response headers policy"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := deployed(t)
			test.change(a)
			formation, front := a.clients(t)
			if _, err := FromStack(context.Background(), "S", formation, front); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// An invalid key is trusted for nothing, and reported.
func TestUnusableKey(t *testing.T) {
	a := deployed(t)
	a["/2020-05-31/public-key/K1"] = "<PublicKey><Id>K1</Id><PublicKeyConfig><EncodedKey>none</EncodedKey></PublicKeyConfig></PublicKey>"
	formation, front := a.clients(t)
	target, err := FromStack(context.Background(), "S", formation, front)
	if err != nil {
		t.Fatal(err)
	}
	if premium := target.Behaviors[0]; !premium.Signed || len(premium.PublicKeys) != 0 {
		t.Errorf("%+v", premium)
	}
	if !strings.Contains(strings.Join(target.Notes, "\n"), "The public key K1 of key group G1 is not looked at") {
		t.Errorf("%q", target.Notes)
	}
}

// A behavior that trusts accounts needs a signature that cannot be judged.
func TestTrustedAccounts(t *testing.T) {
	a := deployed(t)
	const path = "/2020-05-31/distribution/E1"
	a[path] = strings.Replace(a[path], "<DefaultCacheBehavior>", "<DefaultCacheBehavior><TrustedSigners><Enabled>true</Enabled><Quantity>1</Quantity><Items><AwsAccountNumber>self</AwsAccountNumber></Items></TrustedSigners>", 1)
	formation, front := a.clients(t)
	target, err := FromStack(context.Background(), "S", formation, front)
	if err != nil {
		t.Fatal(err)
	}
	if !target.Behaviors[1].Signed || !strings.Contains(strings.Join(target.Notes, "\n"), "trusts accounts") {
		t.Errorf("%+v", target.Behaviors[1])
	}
}
