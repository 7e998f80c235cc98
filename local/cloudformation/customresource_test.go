package cloudformation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"premiumhls/local/cloudformation"
)

// function is a Lambda function that stores its events and sends the responses of
// respond. Without a respond for a request type, it returns and sends none.
type function struct {
	mu      sync.Mutex
	arns    []string
	events  []map[string]any
	respond map[string]func(event map[string]any) any
	puts    []int // the status of each PUT
	err     error
}

func (f *function) invoke(ctx context.Context, arn string, payload []byte) ([]byte, error) {
	var event map[string]any
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arns, f.events = append(f.arns, arn), append(f.events, event)
	if respond := f.respond[event["RequestType"].(string)]; respond != nil {
		body, ok := respond(event).([]byte)
		if !ok {
			var err error
			if body, err = json.Marshal(respond(event)); err != nil {
				return nil, err
			}
		}
		status, err := put(ctx, event["ResponseURL"].(string), http.MethodPut, body)
		if err != nil {
			return nil, err
		}
		f.puts = append(f.puts, status)
	}
	return []byte("null"), f.err
}

func put(ctx context.Context, url, method string, body []byte) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// answering returns a valid response with some fields replaced.
func answering(fields map[string]any) func(map[string]any) any {
	return func(event map[string]any) any {
		answer := map[string]any{
			"Status": "SUCCESS", "PhysicalResourceId": "key-1",
			"StackId": event["StackId"], "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
		}
		for name, value := range fields {
			answer[name] = value
		}
		return answer
	}
}

func newCustomResource(t *testing.T, invoke cloudformation.Invoke, timeout time.Duration) *cloudformation.CustomResource {
	t.Helper()
	c, err := cloudformation.NewCustomResource(environment, invoke, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func customStack(c *cloudformation.CustomResource) *cloudformation.Stack {
	return cloudformation.New(cloudformation.Options{
		Environment: environment, Providers: map[string]cloudformation.Provider{"Custom::*": c}, Default: newWorld(),
	})
}

const keyARN = "arn:aws:lambda:eu-central-1:111122223333:function:keymaker"

// key is a custom resource Key with these properties, and a resource User with
// its attribute Public.
func key(properties string) string {
	return `"Key": {"Type": "Custom::SigningKey", "Properties": {"ServiceToken": "` + keyARN + `"` + properties + `}},
		"User": {"Type": "T", "Properties": {"Of": {"Fn::GetAtt": ["Key", "Public"]}, "Id": {"Ref": "Key"}}}`
}

func TestCustomResourceEvents(t *testing.T) {
	f := &function{respond: map[string]func(map[string]any) any{
		"Create": answering(map[string]any{"Data": map[string]any{"Public": "pem-1"}}),
		"Update": answering(map[string]any{"PhysicalResourceId": "key-2", "Data": map[string]any{"Public": "pem-2"}}),
		"Delete": answering(nil),
	}}
	s := customStack(newCustomResource(t, f.invoke, time.Minute))
	deploy(t, s, key(`, "Bits": 2048, "Strict": true, "Nested": {"List": [1, false, "x", 1.50]}`))
	deploy(t, s, key(`, "Bits": 2048`))
	if err := s.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := map[string]any{"ServiceToken": keyARN, "Bits": "2048", "Strict": "true", "Nested": map[string]any{"List": []any{"1", "false", "x", "1.50"}}}
	second := map[string]any{"ServiceToken": keyARN, "Bits": "2048"}
	want := []map[string]any{
		{"RequestType": "Create", "ResourceProperties": first},
		{"RequestType": "Update", "ResourceProperties": second, "OldResourceProperties": first, "PhysicalResourceId": "key-1"},
		{"RequestType": "Delete", "ResourceProperties": first, "PhysicalResourceId": "key-1"},
		{"RequestType": "Delete", "ResourceProperties": second, "PhysicalResourceId": "key-2"},
	}
	if len(f.events) != len(want) {
		t.Fatalf("%d events, want %d: %v", len(f.events), len(want), f.events)
	}
	requests := map[any]bool{}
	for i, event := range f.events {
		requests[event["RequestId"]], requests[event["ResponseURL"]] = true, true
		if !strings.HasPrefix(event["ResponseURL"].(string), "http://127.0.0.1:") {
			t.Errorf("ResponseURL = %v, want one on the loopback interface", event["ResponseURL"])
		}
		delete(event, "RequestId")
		delete(event, "ResponseURL")
		want[i]["ResourceType"], want[i]["LogicalResourceId"], want[i]["StackId"] = "Custom::SigningKey", "Key", environment.StackID
		if !reflect.DeepEqual(event, want[i]) {
			t.Errorf("event %d\n%v, want\n%v", i, event, want[i])
		}
		if f.arns[i] != keyARN {
			t.Errorf("event %d went to %s", i, f.arns[i])
		}
	}
	if len(requests) != 2*len(want) {
		t.Errorf("request ids and response URLs are used again: %v", requests)
	}
	if got, want := since(s, 0), "CREATE Key, CREATE User, UPDATE Key, UPDATE User, DELETE Key, DELETE User, DELETE Key"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
}

func TestCustomResourceAttributes(t *testing.T) {
	f := &function{respond: map[string]func(map[string]any) any{
		"Create": answering(map[string]any{"NoEcho": true, "Data": map[string]any{"Public": "hunter2", "Bits": 2048}}),
	}}
	var log bytes.Buffer
	c := newCustomResource(t, f.invoke, time.Minute)
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := cloudformation.New(cloudformation.Options{Environment: environment, Providers: map[string]cloudformation.Provider{"Custom::*": c}, Log: logger})
	deploy(t, s, key(""))
	state, _ := s.State("Key")
	logger.Info("state", "state", state)
	want := cloudformation.State{PhysicalID: "key-1", NoEcho: true, Attributes: map[string]any{"Public": "hunter2", "Bits": json.Number("2048")}}
	if !reflect.DeepEqual(state, want) {
		t.Errorf("State = %#v, want %#v", state, want)
	}
	user := s.Resources("T")[0]
	if want := map[string]any{"Of": "hunter2", "Id": "key-1"}; !reflect.DeepEqual(user.Properties, want) {
		t.Errorf("User = %v, want %v", user.Properties, want)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log has the attribute: %s", log.String())
	}
}

func TestCustomResourceFails(t *testing.T) {
	tests := []struct {
		name    string
		respond func(map[string]any) any
		err     error
		want    string
		deleted string // pattern of the physical id that the Delete has
	}{
		{"FAILED", answering(map[string]any{"Status": "FAILED", "Reason": "no entropy"}), nil, "creating Key (Custom::SigningKey): the function failed to create: no entropy", `^key-1$`},
		{"FAILED without a physical id", answering(map[string]any{"Status": "FAILED", "Reason": "no entropy", "PhysicalResourceId": ""}), nil, "no entropy", `^PremiumHls-Key-[A-Z0-9]{12}$`},
		{"FAILED without a reason", answering(map[string]any{"Status": "FAILED"}), nil, "gave no Reason", `^key-1$`},
		{"no answer and an error", nil, errors.New("exit status 2"), "invoking " + keyARN + " for Create: exit status 2", `^PremiumHls-Key-[A-Z0-9]{12}$`},
		{"no response in time", nil, nil, "timed out: no response to Create within 3s", `^PremiumHls-Key-[A-Z0-9]{12}$`},
		{"no physical id", answering(map[string]any{"PhysicalResourceId": ""}), nil, "has no PhysicalResourceId", `^PremiumHls-Key-`},
		{"a physical id that is too long", answering(map[string]any{"PhysicalResourceId": strings.Repeat("x", 1025)}), nil, "longer than 1024 bytes", `^PremiumHls-Key-`},
		{"an answer that is too long", answering(map[string]any{"Data": map[string]any{"x": strings.Repeat("x", 4096)}}), nil, "longer than 4096 bytes", `^PremiumHls-Key-`},
		{"an unknown status", answering(map[string]any{"Status": "OK"}), nil, "must be SUCCESS or FAILED", `^PremiumHls-Key-`},
		{"another request's response", answering(map[string]any{"RequestId": "other"}), nil, "does not have the StackId", `^PremiumHls-Key-`},
		{"no JSON", func(map[string]any) any { return []byte("hunter2") }, nil, "not valid JSON for CloudFormation", `^PremiumHls-Key-`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &function{err: test.err, respond: map[string]func(map[string]any) any{"Create": test.respond, "Delete": answering(nil)}}
			s := customStack(newCustomResource(t, f.invoke, time.Minute))
			properties := ""
			if test.respond == nil && test.err == nil {
				properties = `, "ServiceTimeout": 3` // the only one that waits it out
			}
			err := s.Deploy(t.Context(), parse(t, key(properties)))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if got, want := since(s, 0), "CREATE_FAILED Key, ROLLBACK PremiumHls, DELETE Key"; got != want {
				t.Errorf("events %s, want %s", got, want)
			}
			last := f.events[len(f.events)-1]
			if id, _ := last["PhysicalResourceId"].(string); last["RequestType"] != "Delete" || !regexp.MustCompile(test.deleted).MatchString(id) {
				t.Errorf("the last event is %v of %q, want Delete of %s", last["RequestType"], id, test.deleted)
			}
		})
	}
}

// A failed update is followed by an update back; the rollback of a replacement,
// by a delete of the new resource.
func TestCustomResourceRollback(t *testing.T) {
	tests := []struct {
		name    string
		respond func(map[string]any) any
		second  string
		want    []string
	}{
		{"a failed update", func(event map[string]any) any {
			if event["ResourceProperties"].(map[string]any)["Bits"] == "2" {
				return answering(map[string]any{"Status": "FAILED", "Reason": "no"})(event)
			}
			return answering(map[string]any{"Data": map[string]any{"Public": "pem"}})(event)
		}, key(`, "Bits": 2`), []string{"Update key-1 2", "Update key-1 1"}},
		{"a replacement", answering(map[string]any{"PhysicalResourceId": "key-2", "Data": map[string]any{"Public": "pem"}}),
			key(`, "Bits": 2`) + `, "Z": {"Type": "T", "Properties": {"x": {"Fn::GetAtt": ["Key", "Nothing"]}}}`,
			[]string{"Update key-1 2", "Delete key-2 2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &function{respond: map[string]func(map[string]any) any{
				"Create": answering(map[string]any{"Data": map[string]any{"Public": "pem"}}), "Update": test.respond, "Delete": answering(nil),
			}}
			s := customStack(newCustomResource(t, f.invoke, time.Minute))
			deploy(t, s, key(`, "Bits": 1`))
			if err := s.Deploy(t.Context(), parse(t, test.second)); err == nil {
				t.Fatal("no error")
			}
			var got []string
			for _, event := range f.events[1:] {
				got = append(got, strings.Join([]string{event["RequestType"].(string), event["PhysicalResourceId"].(string), event["ResourceProperties"].(map[string]any)["Bits"].(string)}, " "))
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("events %v, want %v", got, test.want)
			}
			if state, _ := s.State("Key"); state.PhysicalID != "key-1" {
				t.Errorf("the key is %s, want key-1", state.PhysicalID)
			}
		})
	}
}

func TestCustomResourceRefuses(t *testing.T) {
	f := &function{respond: map[string]func(map[string]any) any{"Create": answering(map[string]any{"Data": map[string]any{"Public": ""}}), "Delete": answering(nil)}}
	s := customStack(newCustomResource(t, f.invoke, time.Minute))
	for name, test := range map[string][2]string{
		"no ServiceToken":       {`"Key": {"Type": "Custom::X"}`, "has no ServiceToken"},
		"a ServiceTimeout of 0": {key(`, "ServiceTimeout": 0`), "ServiceTimeout must be 1 to 3600 seconds"},
		"a long ServiceTimeout": {key(`, "ServiceTimeout": "3601"`), "ServiceTimeout must be 1 to 3600 seconds"},
		"a worded one":          {key(`, "ServiceTimeout": "soon"`), "ServiceTimeout must be 1 to 3600 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.Deploy(t.Context(), parse(t, test[0])); err == nil || !strings.Contains(err.Error(), test[1]) {
				t.Errorf("error %v, want one with %q", err, test[1])
			}
		})
	}
	deploy(t, s, key(""))
	err := s.Deploy(t.Context(), parse(t, strings.ReplaceAll(key(""), keyARN, keyARN+"2")))
	if err == nil || !strings.Contains(err.Error(), "ServiceToken of a custom resource cannot change") {
		t.Errorf("error %v, want one about the ServiceToken", err)
	}
}

// Only the first PUT to the URL of a waiting event is a response.
func TestResponseURL(t *testing.T) {
	var statuses []int
	c := newCustomResource(t, func(ctx context.Context, _ string, payload []byte) ([]byte, error) {
		var event map[string]any
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		body, err := json.Marshal(answering(nil)(event))
		if err != nil {
			return nil, err
		}
		url := event["ResponseURL"].(string)
		for _, try := range []struct{ url, method string }{{url, "GET"}, {url + "x", "PUT"}, {url, "PUT"}, {url, "PUT"}} {
			status, err := put(ctx, try.url, try.method, body)
			if err != nil {
				return nil, err
			}
			statuses = append(statuses, status)
		}
		return nil, nil
	}, time.Minute)
	if _, err := c.Create(t.Context(), cloudformation.Resource{LogicalID: "Key", Type: "Custom::X", Properties: map[string]any{"ServiceToken": keyARN}}); err != nil {
		t.Fatal(err)
	}
	if want := []int{405, 403, 200, 403}; !reflect.DeepEqual(statuses, want) {
		t.Errorf("statuses %v, want %v", statuses, want)
	}
}

// The response may arrive after the invocation has returned.
func TestAnswerAfterInvocation(t *testing.T) {
	f := &function{respond: map[string]func(map[string]any) any{"Create": answering(nil)}}
	c := newCustomResource(t, func(_ context.Context, arn string, payload []byte) ([]byte, error) {
		go f.invoke(context.Background(), arn, payload)
		return nil, nil
	}, time.Minute)
	state, err := c.Create(t.Context(), cloudformation.Resource{LogicalID: "Key", Type: "Custom::X", Properties: map[string]any{"ServiceToken": keyARN}})
	if err != nil || state.PhysicalID != "key-1" {
		t.Errorf("%v, %v", state, err)
	}
}

// The events and responses are those of the aws-lambda-go library.
func TestLambdaLibrary(t *testing.T) {
	handler := cfn.LambdaWrap(func(_ context.Context, event cfn.Event) (string, map[string]any, error) {
		name, _ := event.ResourceProperties["ParameterName"].(string)
		if name == "bad" {
			return name, nil, errors.New("the name is bad")
		}
		return name, map[string]any{"Public": string(event.RequestType) + " " + event.LogicalResourceID}, nil
	})
	c := newCustomResource(t, func(ctx context.Context, _ string, payload []byte) ([]byte, error) {
		var event cfn.Event
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		lambdacontext.LogStreamName = "stream"
		reason, err := handler(ctx, event)
		return []byte(reason), err
	}, time.Minute)
	s := customStack(c)
	deploy(t, s, key(`, "ParameterName": "/k/1"`))
	if state, _ := s.State("Key"); state.PhysicalID != "/k/1" || state.Attributes["Public"] != "Create Key" {
		t.Errorf("after the create %v %v", state.PhysicalID, state.Attributes)
	}
	deploy(t, s, key(`, "ParameterName": "/k/2"`))
	if state, _ := s.State("Key"); state.PhysicalID != "/k/2" || state.Attributes["Public"] != "Update Key" {
		t.Errorf("after the update %v %v", state.PhysicalID, state.Attributes)
	}
	err := s.Deploy(t.Context(), parse(t, key(`, "ParameterName": "bad"`)))
	if err == nil || !strings.Contains(err.Error(), "updating Key (Custom::SigningKey): the function failed to update: the name is bad") {
		t.Errorf("error %v", err)
	}
}
