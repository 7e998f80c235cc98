package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"premiumhls/lambda/internal/customresource"
	"premiumhls/lambda/internal/retry"
	"premiumhls/local/cloudformation"
	"premiumhls/local/kms"
	parameterstore "premiumhls/local/ssm"
)

// A deployment is CloudFormation and Parameter Store around the function. At
// the end of its test it searches all that the function said for all that it
// was to keep secret.
type deployment struct {
	t        *testing.T
	store    *parameterstore.Store
	keys     *kms.Service
	keysURL  string
	function func(context.Context, cfn.Event) error
	address  string // where CloudFormation waits

	// answerStatus, unless nil, decides the status an answer is met with.
	answerStatus func() int
	// quoteValues has PutParameter fail with an error that quotes the value.
	quoteValues bool

	// status is that of the stack; empty: CloudFormation does not tell.
	status string

	mu      sync.Mutex
	answers []cfn.Response
	said    bytes.Buffer // logs, answers, errors
	secrets []string
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{t: t, store: parameterstore.New(), keys: kms.New(), status: cloudformation.UpdateInProgress}

	serve := func(service http.Handler) *string {
		server := httptest.NewServer(service)
		t.Cleanup(server.Close)
		return &server.URL
	}
	nobody := credentials.NewStaticCredentialsProvider("local", "local", "")
	parameters := ssm.New(ssm.Options{
		Region:           "us-east-1",
		BaseEndpoint:     serve(http.HandlerFunc(d.serveParameters)),
		Credentials:      nobody,
		RetryMaxAttempts: 1,
	})
	d.keysURL = *serve(d.keys)
	keys := awskms.New(awskms.Options{
		Region:           "us-east-1",
		BaseEndpoint:     &d.keysURL,
		Credentials:      nobody,
		RetryMaxAttempts: 1,
	})
	stacks := awscloudformation.New(awscloudformation.Options{
		Region:           "us-east-1",
		BaseEndpoint:     serve(cloudformation.Handler(d.statusOf, nil)),
		Credentials:      nobody,
		RetryMaxAttempts: 1,
	})
	d.function = customresource.Respond(newKeymaker(clients{
		parameters: parameters,
		kms:        func() kmsClient { return keys },
		stacks:     func() customresource.StackClient { return stacks },
	}, retry.Pauses{0, 0}).handle, intendedID)

	waiting := httptest.NewServer(http.HandlerFunc(d.serveAnswers))
	t.Cleanup(waiting.Close)
	d.address = waiting.URL + "/?signature=of-the-address"

	logger := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(d, nil)))
	t.Cleanup(func() { slog.SetDefault(logger) })
	t.Cleanup(d.checkSecrets)
	return d
}

// statusOf is CloudFormation's DescribeStacks.
func (d *deployment) statusOf(stack string) string {
	if stack != "stack" {
		d.t.Errorf("asked for the status of %q", stack)
	}
	return d.status
}

// Write takes what the function logs.
func (d *deployment) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said.Write(p)
}

func (d *deployment) serveParameters(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutParameter") {
		var in struct{ Value, Type string }
		if err := json.Unmarshal(body, &in); err != nil {
			d.t.Error(err)
		}
		if in.Type == parameterstore.SecureString {
			d.keepSecret(in.Value)
		}
		if d.quoteValues {
			text, _ := json.Marshal(map[string]string{"__type": "ValidationException", "message": "Value '" + in.Value + "' failed to satisfy constraint"})
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write(text)
			return
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	d.store.ServeHTTP(w, r)
}

func (d *deployment) serveAnswers(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	if r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" {
		d.t.Errorf("answer: %s with Content-Type %q, want PUT without", r.Method, r.Header.Get("Content-Type"))
	}
	if len(body) > 4096 {
		d.t.Errorf("answer of %d bytes: CloudFormation takes 4096", len(body))
	}
	if d.answerStatus != nil {
		if status := d.answerStatus(); status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
	}
	var answer cfn.Response
	if err := json.Unmarshal(body, &answer); err != nil {
		d.t.Errorf("answer %s: %v", body, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers = append(d.answers, answer)
	if answer.NoEcho {
		body = []byte(strings.ReplaceAll(string(body), answer.Data["Value"].(string), "")) // the one place where it may be
	}
	d.said.Write(body)
}

func (d *deployment) keepSecret(value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.secrets = append(d.secrets, value)
}

func (d *deployment) checkSecrets() {
	d.mu.Lock()
	defer d.mu.Unlock()
	said := d.said.String()
	for _, secret := range d.secrets {
		lines := []string{secret}
		if block, _ := pem.Decode([]byte(secret)); block != nil {
			lines = strings.Split(strings.TrimSpace(string(pem.EncodeToMemory(block))), "\n")
			lines = lines[1 : len(lines)-1]
		}
		for _, line := range lines {
			// The end of a line too: a text may be cut anywhere.
			if strings.Contains(said, line) || strings.Contains(said, line[max(0, len(line)-16):]) {
				d.t.Errorf("a secret was told:\n%s", said)
				return
			}
		}
	}
	if strings.Contains(said, "of-the-address") {
		d.t.Errorf("the answer's address was told:\n%s", said)
	}
}

// hold puts a parameter there that the function did not make.
func (d *deployment) hold(name, typ, value string) {
	d.t.Helper()
	if err := d.store.Put(name, typ, value); err != nil {
		d.t.Fatal(err)
	}
	d.keepSecret(value)
}

// send sends an event and returns the answer.
func (d *deployment) send(event cfn.Event) cfn.Response {
	d.t.Helper()
	event.ResponseURL = d.address
	event.StackID, event.RequestID = "stack", "request"
	before := len(d.answers)
	if err := d.function(d.t.Context(), event); err != nil {
		d.t.Fatal(err)
	}
	if len(d.answers) != before+1 {
		d.t.Fatalf("%d answers, want one", len(d.answers)-before)
	}
	answer := d.answers[before]
	if answer.StackID != "stack" || answer.RequestID != "request" || answer.LogicalResourceID != event.LogicalResourceID {
		d.t.Errorf("answer to another request: %+v", answer)
	}
	if answer.PhysicalResourceID == "" {
		d.t.Error("answer without a physical id")
	}
	return answer
}

func (d *deployment) succeed(event cfn.Event) cfn.Response {
	d.t.Helper()
	answer := d.send(event)
	if answer.Status != cfn.StatusSuccess {
		d.t.Fatalf("%s failed: %s", event.RequestType, answer.Reason)
	}
	return answer
}

// fail sends an event that must fail with a reason that holds each text.
func (d *deployment) fail(event cfn.Event, reason ...string) cfn.Response {
	d.t.Helper()
	answer := d.send(event)
	if answer.Status != cfn.StatusFailed {
		d.t.Fatalf("%s succeeded: %+v", event.RequestType, answer)
	}
	for _, text := range reason {
		if !strings.Contains(answer.Reason, text) {
			d.t.Errorf("reason %q does not say %q", answer.Reason, text)
		}
	}
	if answer.Data != nil {
		d.t.Errorf("a failure has data: %v", answer.Data)
	}
	return answer
}

func (d *deployment) wantNames(names ...string) {
	d.t.Helper()
	if got := d.store.Names(); !slices.Equal(got, names) {
		d.t.Errorf("parameters %v, want %v", got, names)
	}
}

// event is one of a resource whose logical id is its type's last word.
func event(request cfn.RequestType, resourceType string, properties map[string]any) cfn.Event {
	return cfn.Event{
		RequestType:        request,
		ResourceType:       resourceType,
		LogicalResourceID:  "the" + strings.TrimPrefix(resourceType, "Custom::"),
		ResourceProperties: properties,
	}
}

func update(id, resourceType string, old, properties map[string]any) cfn.Event {
	e := event(cfn.RequestUpdate, resourceType, properties)
	e.PhysicalResourceID, e.OldResourceProperties = id, old
	return e
}

func deletion(id, resourceType string, properties map[string]any) cfn.Event {
	e := event(cfn.RequestDelete, resourceType, properties)
	e.PhysicalResourceID = id
	return e
}
