package lambda_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/local/lambda"
	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

// The real function of the custom resources, with a parameter store and a
// CloudFormation that waits for its response.
func TestKeymaker(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	binary := filepath.Join(t.TempDir(), "keymaker")
	if err := lambda.Build(t.Context(), "../..", "./lambda/keymaker", binary); err != nil {
		t.Fatal(err)
	}
	store := ssm.New()
	parameters := httptest.NewServer(store)
	defer parameters.Close()
	answers := make(chan cfn.Response, 1)
	cloudFormation := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var answer cfn.Response
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
			t.Error(err)
		}
		answers <- answer
	}))
	defer cloudFormation.Close()

	var log buffer
	function := lambda.Function{
		Name:    "keymaker",
		Binary:  binary,
		Env:     map[string]string{"AWS_ENDPOINT_URL_SSM": parameters.URL},
		Timeout: time.Minute,
		Log:     &log,
	}
	r := start(t, function)
	send := func(t *testing.T, r *lambda.Runner, e cfn.Event) cfn.Response {
		t.Helper()
		e.ResourceType, e.LogicalResourceID, e.ResponseURL = "Custom::SigningKey", "Key", cloudFormation.URL
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Invoke(t.Context(), payload); err != nil {
			t.Fatal(err)
		}
		return <-answers
	}

	const name = "/S/signing-keys/2026-11"
	properties := map[string]any{"ServiceToken": "arn", "ParameterName": name, "KeyType": "ECDSA_P256"}
	created := send(t, r, cfn.Event{RequestType: cfn.RequestCreate, ResourceProperties: properties})
	if created.Status != cfn.StatusSuccess || created.PhysicalResourceID != name {
		t.Fatalf("Create: %+v", created)
	}
	parameter, _ := store.Get(name)
	key, err := signedcookie.ParsePrivateKey([]byte(parameter.Value))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := created.Data["PublicKey"].(string)
	public, err := signedcookie.ParsePublicKey([]byte(text))
	if err != nil || !key.Public().(*ecdsa.PublicKey).Equal(public) {
		t.Fatalf("public key is not that of the stored one: %v", err)
	}

	for _, e := range []cfn.Event{
		{RequestType: cfn.RequestCreate, ResourceProperties: properties},
		{RequestType: cfn.RequestUpdate, ResourceProperties: properties, OldResourceProperties: properties, PhysicalResourceID: name},
	} {
		r.Recycle() // a retry can get another environment
		if again := send(t, r, e); again.Status != cfn.StatusSuccess || again.Data["PublicKey"] != text || again.PhysicalResourceID != name {
			t.Errorf("%s again: %+v", e.RequestType, again)
		}
	}
	changed := map[string]any{"ParameterName": name, "KeyType": "RSA_2048"}
	refused := send(t, r, cfn.Event{RequestType: cfn.RequestUpdate, ResourceProperties: changed, OldResourceProperties: properties, PhysicalResourceID: name})
	if refused.Status != cfn.StatusFailed || !strings.HasPrefix(refused.Reason, "KeyTypeMismatch:") {
		t.Errorf("Update to another type: %+v", refused)
	}

	t.Run("the function responds to CloudFormation before its timeout", func(t *testing.T) {
		slow := function
		slow.Timeout = 2 * time.Second
		store.SetFault(func(string) ssm.Fault { return ssm.Fault{Delay: time.Hour} })
		defer store.SetFault(nil)
		answer := send(t, start(t, slow), cfn.Event{RequestType: cfn.RequestUpdate, ResourceProperties: properties, OldResourceProperties: properties, PhysicalResourceID: name})
		if answer.Status != cfn.StatusFailed {
			t.Errorf("answer %+v", answer)
		}
	})

	t.Run("a response that CloudFormation does not accept fails the function", func(t *testing.T) {
		e := cfn.Event{RequestType: cfn.RequestUpdate, ResourceType: "Custom::SigningKey", ResourceProperties: properties, PhysicalResourceID: name, ResponseURL: "http://127.0.0.1:1"}
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Invoke(t.Context(), payload)
		var failed *lambda.FunctionError
		if !errors.As(err, &failed) {
			t.Errorf("error %v: Lambda would not send the event again", err)
		}
	})

	for range 2 {
		deleted := send(t, r, cfn.Event{RequestType: cfn.RequestDelete, ResourceProperties: properties, PhysicalResourceID: name})
		if deleted.Status != cfn.StatusSuccess || len(store.Names()) != 0 {
			t.Errorf("Delete: %+v, left %v", deleted, store.Names())
		}
	}

	_, pem, _ := strings.Cut(parameter.Value, "\n") // after the header line
	lines := strings.Split(strings.TrimSpace(pem), "\n")
	said := log.String()
	if !strings.Contains(said, `"requestType":"Create"`) {
		t.Errorf("log:\n%s", said)
	}
	if slices.ContainsFunc(lines[1:len(lines)-1], func(line string) bool { return strings.Contains(said, line) }) {
		t.Errorf("the private key is in the log:\n%s", said)
	}
}
