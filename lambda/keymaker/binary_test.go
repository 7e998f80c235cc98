package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/internal/rotation"
	"premiumhls/local/cloudformation"
	"premiumhls/local/kms"
	"premiumhls/local/lambda"
	"premiumhls/local/ssm"
	"premiumhls/signedcookie"
)

// The binary finds each service that its resources need by itself.
func TestBinary(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "keymaker")
	if err := lambda.Build(t.Context(), "../..", "./lambda/keymaker", binary); err != nil {
		t.Fatal(err)
	}
	serve := func(service http.Handler) string {
		server := httptest.NewServer(service)
		t.Cleanup(server.Close)
		return server.URL
	}
	d := &deployment{t: t, store: ssm.New(), keys: kms.New()}
	var status atomic.Value
	status.Store(cloudformation.UpdateInProgress)
	answers := make(chan cfn.Response, 1)
	address := serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var answer cfn.Response
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
			t.Error(err)
		}
		answers <- answer
	}))
	runner := lambda.Start(lambda.Function{
		Binary: binary,
		Env: map[string]string{
			"AWS_ENDPOINT_URL_SSM":            serve(d.store),
			"AWS_ENDPOINT_URL_KMS":            serve(d.keys),
			"AWS_ENDPOINT_URL_CLOUDFORMATION": serve(cloudformation.Handler(func(string) string { return status.Load().(string) }, nil)),
		},
		Timeout: time.Minute,
	})
	t.Cleanup(runner.Close)
	send := func(e cfn.Event) cfn.Response {
		t.Helper()
		e.ResponseURL, e.StackID = address, "stack"
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := runner.Invoke(t.Context(), payload); err != nil {
			t.Fatal(err)
		}
		return <-answers
	}

	arn := d.keys.CreateKey()
	inKMS := send(event(cfn.RequestCreate, kmsType, kmsKeyOf(arn)))
	if text, _ := inKMS.Data["PublicKey"].(string); inKMS.Status != cfn.StatusSuccess || !strings.HasPrefix(text, "-----BEGIN PUBLIC KEY-----\n") {
		t.Errorf("key in KMS: %+v", inKMS)
	}

	brought := newPair(t, signedcookie.RSA2048)
	if err := d.store.Put(externalName, ssm.SecureString, brought.private); err != nil {
		t.Fatal(err)
	}
	external := send(event(cfn.RequestCreate, externalType, externalOf(externalName, brought.public, signedcookie.RSA2048)))
	if external.Status != cfn.StatusSuccess || external.Data["PublicKey"] != brought.public {
		t.Errorf("external key: %+v", external)
	}

	d.publish(deployedKey{"a", old}, deployedKey{"b", signing})
	change := update(signerName, changeType, changeTo("a", "b"), changeTo("b"))
	if answer := send(change); answer.Status != cfn.StatusFailed || !strings.Contains(answer.Reason, rotation.CodeKeyInUse) || strings.Contains(answer.Reason, "could not determine") {
		t.Errorf("change of keys: %+v", answer)
	}
	status.Store(cloudformation.UpdateRollbackInProgress)
	if answer := send(change); answer.Status != cfn.StatusSuccess {
		t.Errorf("change of keys in a rollback: %+v", answer)
	}
}
