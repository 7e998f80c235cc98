package predeploy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"premiumhls/internal/explain/doctor"
)

// An account responds as AWS does, with what is in it.
type account struct {
	status        string // of the stack; empty: it does not exist
	resources     string // the stack's, as XML
	parameters    []string
	bootstrap     string // the version; empty: not bootstrapped
	policies      int    // of each kind
	keys, groups  int
	distributions int
	denied        string // the path of a call that is denied
	identity      string // SES's response of GetEmailIdentity; empty: there is none
	sending       string // and of GetAccount
}

func (a account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		a.parameterStore(w, target)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
	}
	if strings.HasPrefix(r.URL.Path, "/v2/email/") {
		a.simpleEmail(w, r.URL.Path)
		return
	}
	if a.denied != "" && strings.HasSuffix(r.URL.Path, a.denied) {
		refuse(403, "AccessDenied", "not allowed")
		return
	}
	list := func(list, item, content string, n int) {
		fmt.Fprintf(w, "<%s><Quantity>%d</Quantity><Items>%s</Items></%s>", list, n, strings.Repeat("<"+item+">"+content+"</"+item+">", n), list)
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/2020-05-31/"); {
	case r.Method == http.MethodPost && r.FormValue("Action") == "DescribeStacks":
		if a.status == "" {
			refuse(400, "ValidationError", "Stack with id S does not exist")
			return
		}
		fmt.Fprintf(w, "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>S</StackName><StackStatus>%s</StackStatus></member></Stacks></DescribeStacksResult></DescribeStacksResponse>", a.status)
	case r.Method == http.MethodPost:
		fmt.Fprintf(w, "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>%s</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>", a.resources)
	case path == "cache-policy":
		list("CachePolicyList", "CachePolicySummary", "<Type>custom</Type>", a.policies)
	case path == "origin-request-policy":
		list("OriginRequestPolicyList", "OriginRequestPolicySummary", "<Type>custom</Type>", a.policies)
	case path == "response-headers-policy":
		list("ResponseHeadersPolicyList", "ResponseHeadersPolicySummary", "<Type>custom</Type>", a.policies)
	case path == "public-key":
		list("PublicKeyList", "PublicKeySummary", "<Id>K</Id>", a.keys)
	case path == "key-group":
		list("KeyGroupList", "KeyGroupSummary", "", a.groups)
	case path == "distribution":
		list("DistributionList", "DistributionSummary", "<Id>E</Id>", a.distributions)
	default:
		refuse(404, "NoSuchOperation", path)
	}
}

func (a account) simpleEmail(w http.ResponseWriter, path string) {
	refuse := func(status int, code string) {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		fmt.Fprint(w, `{"message":"not allowed"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case a.denied != "" && strings.HasSuffix(path, a.denied):
		refuse(403, "AccessDeniedException")
	case path == "/v2/email/account":
		fmt.Fprint(w, a.sending)
	case path != "/v2/email/identities/example.com" || a.identity == "":
		refuse(404, "NotFoundException")
	default:
		fmt.Fprint(w, a.identity)
	}
}

func (a account) parameterStore(w http.ResponseWriter, target string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch {
	case strings.HasSuffix(target, "GetParametersByPath"):
		var list []map[string]string
		for _, name := range a.parameters {
			list = append(list, map[string]string{"Name": name})
		}
		json.NewEncoder(w).Encode(map[string]any{"Parameters": list})
	case a.bootstrap == "":
		w.WriteHeader(400)
		fmt.Fprint(w, `{"__type":"ParameterNotFound"}`)
	default:
		json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Value": a.bootstrap}})
	}
}

func (a account) check(t *testing.T, template map[string]int) map[string]doctor.Result {
	t.Helper()
	return a.checkWith(t, template, "")
}

func (a account) checkWith(t *testing.T, template map[string]int, sender string) map[string]doctor.Result {
	t.Helper()
	server := httptest.NewServer(a)
	defer server.Close()
	c := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}
	results := map[string]doctor.Result{}
	for _, r := range Check(t.Context(), Options{Stack: "S", Template: template,
		CloudFront: cloudfront.NewFromConfig(c), CloudFormation: cloudformation.NewFromConfig(c), SSM: ssm.NewFromConfig(c), Sender: sender, SES: sesv2.NewFromConfig(c)}) {
		if (r.Status == doctor.Failed) != (r.Advice != "") || r.Found == "" {
			t.Errorf("%+v", r)
		}
		results[r.Name] = r
	}
	return results
}

func resource(kind, id, status string) string {
	return "<member><ResourceType>" + kind + "</ResourceType><PhysicalResourceId>" + id + "</PhysicalResourceId><ResourceStatus>" + status + "</ResourceStatus></member>"
}

func TestReadyAccount(t *testing.T) {
	results := account{bootstrap: "30", distributions: 1, policies: 20, keys: 9, groups: 9}.check(t,
		map[string]int{"AWS::CloudFront::PublicKey": 1, "AWS::CloudFront::KeyGroup": 1})
	if len(results) != 9 {
		t.Errorf("%d results: %v", len(results), results)
	}
	for _, r := range results {
		if r.Status != doctor.OK {
			t.Errorf("%+v", r)
		}
	}
}

func TestCheck(t *testing.T) {
	key := map[string]int{"AWS::CloudFront::PublicKey": 1, "AWS::CloudFront::CachePolicy": 1}
	ready := account{bootstrap: "30", distributions: 1}
	with := func(change func(*account)) account { a := ready; change(&a); return a }
	tests := []struct {
		name    string
		account account
		check   string
		status  doctor.Status
		says    string // in what was found or advised
	}{
		{"full of public keys", with(func(a *account) { a.keys = 10 }), "public keys", doctor.Failed, "10 of 10 used, 1 needed"},
		{"full of policies", with(func(a *account) { a.policies = 20 }), "cache policies", doctor.Failed, "20 of 20 used, 1 needed"},
		{"full of policies that the stack does not need", with(func(a *account) { a.policies = 20 }), "origin request policies", doctor.OK, "0 needed"},
		{"an update whose key exists", with(func(a *account) {
			a.keys, a.status, a.resources = 10, "UPDATE_COMPLETE", resource("AWS::CloudFront::PublicKey", "K1", "CREATE_COMPLETE")
		}), "public keys", doctor.OK, "10 of 10 used, 0 needed"},
		{"a failed first deploy", with(func(a *account) {
			a.status = "ROLLBACK_COMPLETE"
			a.resources = resource("AWS::S3::Bucket", "the-bucket", "DELETE_SKIPPED") + resource("AWS::IAM::Role", "r", "DELETE_COMPLETE")
		}), "stack", doctor.Failed, "AWS::S3::Bucket the-bucket."},
		{"a deploy that is running", with(func(a *account) { a.status = "UPDATE_IN_PROGRESS" }), "stack", doctor.Failed, "A deploy is running"},
		{"a rollback that failed", with(func(a *account) { a.status = "UPDATE_ROLLBACK_FAILED" }), "stack", doctor.Failed, "continue-update-rollback"},
		{"leftover parameters", with(func(a *account) { a.parameters = []string{"/S/signing-keys/2026-11"} }), "leftover parameters", doctor.Failed, "/S/signing-keys/2026-11"},
		{"not bootstrapped", with(func(a *account) { a.bootstrap = "" }), "CDK bootstrap", doctor.Failed, "npx aws-cdk bootstrap"},
		{"an old bootstrap", with(func(a *account) { a.bootstrap = "5" }), "CDK bootstrap", doctor.Failed, "at least 6"},
		{"a new account", with(func(a *account) { a.distributions = 0 }), "new account", doctor.Skipped, "AWS Support"},
		{"a call that is denied", with(func(a *account) { a.denied = "key-group" }), "key groups", doctor.Skipped, "access denied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.account.check(t, key)[test.check]
			if r.Status != test.status || !strings.Contains(r.Found+" "+r.Advice, test.says) {
				t.Errorf("%+v, want %s with %q", r, test.status, test.says)
			}
		})
	}
}

func TestSender(t *testing.T) {
	const identity = "arn:aws:ses:eu-central-1:111122223333:identity/example.com"
	const verified, out = `{"VerifiedForSendingStatus":true}`, `{"ProductionAccessEnabled":true,"SendingEnabled":true}`
	for name, c := range map[string]struct {
		account account
		sender  string
		status  doctor.Status
		found   string
	}{
		"good":         {account{identity: verified, sending: out}, identity, doctor.OK, "example.com is verified, and SES sends to every address"},
		"none":         {account{sending: out}, identity, doctor.Failed, "example.com is no identity of SES here"},
		"not verified": {account{identity: `{"VerifiedForSendingStatus":false}`, sending: out}, identity, doctor.Failed, "example.com is not verified"},
		"sandbox":      {account{identity: verified, sending: `{"ProductionAccessEnabled":false,"SendingEnabled":true}`}, identity, doctor.Failed, "example.com is verified, and SES is in its sandbox"},
		"paused":       {account{identity: verified, sending: `{"ProductionAccessEnabled":true,"SendingEnabled":false}`}, identity, doctor.Failed, "example.com is verified, and the account may not send"},
		"denied":       {account{identity: verified, denied: "/identities/example.com"}, identity, doctor.Skipped, "access denied: not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.account.checkWith(t, nil, c.sender)["sender of emails"]; got.Status != c.status || got.Found != c.found {
				t.Errorf("%+v, want %v %s", got, c.status, c.found)
			}
		})
	}
	if _, ok := (account{}).check(t, nil)["sender of emails"]; ok {
		t.Error("there is a line without an identity")
	}
}
