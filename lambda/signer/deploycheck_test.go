package main

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"premiumhls/internal/deploycheck"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/local/kms"
	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

// call invokes the function with an event as Lambda does.
func call(t *testing.T, h *handler, payload []byte, answer any) {
	t.Helper()
	raw, err := lambda.NewHandler(h.invoke).Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}

func ask(t *testing.T, h *handler, key string) (answer deploycheck.Response) {
	t.Helper()
	payload, err := json.Marshal(deploycheck.Request{DeployCheck: deploycheck.Parameters{Key: key}})
	if err != nil {
		t.Fatal(err)
	}
	call(t, h, payload, &answer)
	return answer
}

const waitingSince = "2026-11-24T12:00:00Z" // keyWaitMinutes have not passed by now

// Every key signs for the probe, also one that is not used yet, and for
// nothing else.
func TestDeployCheck(t *testing.T) {
	c := newCloud(t)
	c.put(t, "/PremiumHls/signing-keys/2026-11", keys()[signedcookie.ECDSAP256].pem)
	c.settings(t,
		`{"name":"2026-11","type":"ECDSA_P256","hash":"SHA1","id":"K2ABC","trustedSince":"2026-11-23T10:00:00Z"}`,
		c.keyInKMS(waitingSince))
	h, log := c.newHandler(t, "bindViewerAddress=true", "cookieValuesInBody=false")
	for _, key := range []struct {
		name, id string
		public   any
		hash     signedcookie.Hash
	}{
		{"2026-11", "K2ABC", keys()[signedcookie.ECDSAP256].public, signedcookie.SHA1},
		{"inkms", "KKMS", c.public, signedcookie.SHA256},
	} {
		answer := ask(t, h, key.name)
		if answer.Refusal != "" {
			t.Fatalf("%s: %s", key.name, answer.Refusal)
		}
		response := events.APIGatewayV2HTTPResponse{Cookies: answer.Cookies}
		policy := policyOf(t, response, key.public, key.hash)
		if policy.Resource != "https://"+host+"/premium/.deploy-check/*" || policy.Expires.Unix() != now.Add(deploycheck.Lifetime).Unix() || policy.SourceIP != "" {
			t.Errorf("%s signed %+v", key.name, policy)
		}
		if id := cookieValue(t, response, signedcookie.KeyPairIDCookie); id != key.id {
			t.Errorf("%s: key pair id %s", key.name, id)
		}
		for _, cookie := range answer.Cookies {
			if !strings.Contains(cookie, "; Path=/premium/.deploy-check/; Secure; HttpOnly") {
				t.Errorf("cookie %s", cookie)
			}
		}
	}
	if strings.Contains(log.String(), `"msg":"request"`) || strings.Count(log.String(), `"msg":"deploy check"`) != 2 {
		t.Errorf("the log is\n%s", log)
	}
}

func TestDeployCheckRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		key   string
		spoil func(cloud)
		says  string
	}{
		{"a key that there is not", "2027-01", func(cloud) {}, `no usable key "2027-01"`},
		{"no name", "", func(cloud) {}, `no usable key ""`},
		{"KMS does not sign", "inkms", func(c cloud) { c.kms.SetState(c.arn, kms.Disabled) }, "DisabledException"},
		{"KMS denies", "inkms", func(c cloud) {
			c.kms.SetFault(func(string) kms.Fault {
				return kms.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: kms:Sign"}
			})
		}, "not authorized to perform: kms:Sign"},
		{"the parameters are denied", "inkms", func(c cloud) {
			c.parameters.SetFault(func(string) ssm.Fault {
				return ssm.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: ssm:GetParameters"}
			})
		}, "not authorized to perform: ssm:GetParameters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.settings(t, c.keyInKMS(waitingSince))
			h, log := c.newHandler(t, "signingKeys=[]")
			client, err := awsjson.New(awsjson.SSM, "", c.getenv)
			if err != nil {
				t.Fatal(err)
			}
			h.ring = keyring.New(keyring.NewParameterStore(client, h.settings.ParameterPrefix, nil),
				keyring.Config{KMS: newKMS(c.getenv), Logger: slog.New(slog.DiscardHandler), FetchTimeout: time.Second})
			tt.spoil(c)
			answer := ask(t, h, tt.key)
			if len(answer.Cookies) != 0 || !strings.Contains(answer.Refusal, tt.says) {
				t.Errorf("got %+v, want no cookies and %q", answer, tt.says)
			}
			if line := lastLog(t, log); line["msg"] != "deploy check" || line["cause"] != answer.Refusal {
				t.Errorf("the log says %v", line)
			}
		})
	}
}

// A signer that is warm since before a deploy proves what was deployed.
func TestDeployCheckReadsAnew(t *testing.T) {
	c := newCloud(t)
	c.put(t, "/PremiumHls/signing-keys/2026-11", keys()[signedcookie.RSA2048].pem)
	entry := `{"name":"2026-11","id":"K2ABC","hash":"SHA1","trustedSince":"2026-11-23T10:00:00Z"}`
	c.settings(t, entry)
	h, _ := c.newHandler(t)
	if answer := ask(t, h, "inkms"); answer.Refusal == "" {
		t.Fatal("a key signed that was not there")
	}
	c.settings(t, strings.Replace(entry, "SHA1", "SHA256", 1), c.keyInKMS(waitingSince))
	for _, name := range []string{"2026-11", "inkms"} {
		answer := ask(t, h, name)
		response := events.APIGatewayV2HTTPResponse{Cookies: answer.Cookies}
		if hash := cookieValue(t, response, signedcookie.HashAlgorithmCookie); hash != "SHA256" {
			t.Errorf("%s signs with %s", name, hash)
		}
	}
}

// Whatever a viewer sends, and whatever of API Gateway's own an event lacks,
// it is a request and not a proof.
func TestViewersCannotAskForProof(t *testing.T) {
	h, _ := newTestHandler(t, storeWith(signedcookie.ECDSAP256, signedcookie.SHA1), entitlement.Authenticated{})
	if answer := ask(t, h, "2026-11"); answer.Refusal != "" {
		t.Fatalf("the prover is refused: %s", answer.Refusal)
	}
	asks := map[string]any{"key": "2026-11"}
	for _, tt := range []struct {
		name   string
		change func(event map[string]any)
	}{
		{"in the body", func(e map[string]any) { e["body"] = `{"deployCheck":{"key":"2026-11"}}` }},
		{"in the body beside a path", func(e map[string]any) { e["body"] = `{"path":"course-1","deployCheck":{"key":"2026-11"}}` }},
		{"in the query", func(e map[string]any) {
			e["rawQueryString"] = "deployCheck[key]=2026-11"
			e["queryStringParameters"] = map[string]any{"deployCheck": `{"key":"2026-11"}`}
		}},
		{"in a header", func(e map[string]any) { e["headers"].(map[string]any)["deployCheck"] = `{"key":"2026-11"}` }},
		{"in a cookie", func(e map[string]any) { e["cookies"] = []any{`proof={"key":"2026-11"}`} }},
		{"in the path", func(e map[string]any) { e["pathParameters"] = map[string]any{"deployCheck": `{"key":"2026-11"}`} }},
		{"in the token", func(e map[string]any) {
			e["requestContext"].(map[string]any)["authorizer"].(map[string]any)["jwt"].(map[string]any)["claims"].(map[string]any)["deployCheck"] = `{"key":"2026-11"}`
		}},
		{"beside all of a request", func(e map[string]any) { e["deployCheck"] = asks }},
		{"beside a version", func(e map[string]any) { clear(e); e["version"], e["deployCheck"] = "2.0", asks }},
		{"beside a request context", func(e map[string]any) {
			clear(e)
			e["requestContext"], e["deployCheck"] = map[string]any{"requestId": "request-1"}, asks
		}},
		{"beside a body", func(e map[string]any) { clear(e); e["body"], e["deployCheck"] = "{}", asks }},
		{"beside headers", func(e map[string]any) {
			clear(e)
			e["headers"], e["deployCheck"] = map[string]any{originSecretHeader: secret}, asks
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			request, err := json.Marshal(event("POST", `{"path":"course-1"}`))
			if err != nil {
				t.Fatal(err)
			}
			var e map[string]any
			if err := json.Unmarshal(request, &e); err != nil {
				t.Fatal(err)
			}
			tt.change(e)
			payload, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var raw map[string]any
			call(t, h, payload, &raw)
			if raw["statusCode"] == nil || strings.Contains(text(raw), ".deploy-check") {
				t.Errorf("answered %s", text(raw))
			}
		})
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
