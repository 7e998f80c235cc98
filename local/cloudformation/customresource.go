package cloudformation

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"premiumhls/internal/cfn"
)

// Limits of a custom resource (CloudFormation user guide, "Custom resources"
// and "Custom resource response objects").
const (
	maxResponse        = 4096               // bytes of the response
	maxPhysicalID      = 1024               // bytes
	defaultServiceTime = 3600 * time.Second // also the longest ServiceTimeout
)

// Invoke runs a Lambda function with an event. It may return before the
// function is done. An error means that the function did not run or failed.
type Invoke func(ctx context.Context, functionARN string, payload []byte) ([]byte, error)

// CustomResource is the provider of custom resources backed by a Lambda function:
// it invokes the function with CloudFormation's event and waits until the
// function PUTs its response to the event's ResponseURL, on CustomResource's own
// server on the loopback interface.
type CustomResource struct {
	env     cfn.Environment
	invoke  Invoke
	timeout time.Duration
	base    string
	server  *http.Server

	mu      sync.Mutex
	waiting map[string]chan []byte // by the path of the ResponseURL
}

// NewCustomResource starts the server for responses. The timeout is for resources
// without a ServiceTimeout; 0: CloudFormation's default of an hour.
func NewCustomResource(env cfn.Environment, invoke Invoke, timeout time.Duration) (*CustomResource, error) {
	if timeout == 0 {
		timeout = defaultServiceTime
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for responses of custom resources: %w", err)
	}
	c := &CustomResource{
		env: env, invoke: invoke, timeout: timeout,
		base: "http://" + listener.Addr().String(), waiting: map[string]chan []byte{},
	}
	c.server = &http.Server{Handler: http.HandlerFunc(c.receive), ReadTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go c.server.Serve(listener) // returns when the server is closed
	return c, nil
}

// Close stops the server for responses.
func (c *CustomResource) Close() error { return c.server.Close() }

// event is what CloudFormation sends to a custom resource.
type event struct {
	RequestType           string
	RequestID             string `json:"RequestId"`
	ResponseURL           string
	ResourceType          string
	LogicalResourceID     string `json:"LogicalResourceId"`
	StackID               string `json:"StackId"`
	PhysicalResourceID    string `json:"PhysicalResourceId,omitempty"`
	ResourceProperties    any
	OldResourceProperties any `json:",omitempty"`
}

// answer is the response of a custom resource.
type answer struct {
	Status             string
	Reason             string
	PhysicalResourceID string `json:"PhysicalResourceId"`
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
	NoEcho             bool
	Data               map[string]any
}

// Create sends a Create event. If it fails, the State has the function's physical
// id, or a generated one like CloudFormation's, so that the rollback sends a
// Delete, which removes what the function made before it failed.
func (c *CustomResource) Create(ctx context.Context, resource Resource) (State, error) {
	a, err := c.send(ctx, "Create", resource, "")
	if err != nil {
		id := a.PhysicalResourceID
		if id == "" {
			id = c.env.StackName + "-" + resource.LogicalID + "-" + rand.Text()[:12]
		}
		return State{PhysicalID: id}, err
	}
	return a.state(), nil
}

// Update sends an Update event.
func (c *CustomResource) Update(ctx context.Context, resource Resource, state State) (State, error) {
	if resource.Old["ServiceToken"] != resource.Properties["ServiceToken"] {
		return State{}, errors.New("the ServiceToken of a custom resource cannot change")
	}
	a, err := c.send(ctx, "Update", resource, state.PhysicalID)
	if err != nil {
		return State{}, err
	}
	return a.state(), nil
}

// Delete sends a Delete event.
func (c *CustomResource) Delete(ctx context.Context, resource Resource, state State) error {
	_, err := c.send(ctx, "Delete", resource, state.PhysicalID)
	return err
}

func (a answer) state() State {
	data := a.Data
	if data == nil {
		data = map[string]any{}
	}
	return State{PhysicalID: a.PhysicalResourceID, Attributes: data, NoEcho: a.NoEcho}
}

// send sends one event and waits for the response. With an error, the response
// is empty or has the status FAILED.
func (c *CustomResource) send(ctx context.Context, requestType string, resource Resource, physicalID string) (answer, error) {
	function, ok := resource.Properties["ServiceToken"].(string)
	if !ok || function == "" {
		return answer{}, errors.New("the custom resource has no ServiceToken")
	}
	timeout, err := c.serviceTimeout(resource.Properties["ServiceTimeout"])
	if err != nil {
		return answer{}, err
	}
	path := "/" + rand.Text()
	answers := make(chan []byte, 1)
	c.mu.Lock()
	c.waiting[path] = answers
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, path)
		c.mu.Unlock()
	}()

	e := event{
		RequestType: requestType, RequestID: newUUID(), ResponseURL: c.base + path,
		ResourceType: resource.Type, LogicalResourceID: resource.LogicalID, StackID: c.env.StackID,
		PhysicalResourceID: physicalID, ResourceProperties: stringified(resource.Properties),
	}
	if requestType == "Update" {
		e.OldResourceProperties = stringified(resource.Old)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return answer{}, fmt.Errorf("writing the %s event: %w", requestType, err)
	}

	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	invoked := make(chan error, 1)
	go func() {
		_, err := c.invoke(ctx, function, payload)
		invoked <- err
	}()
	var body []byte
	running := true
	for body == nil {
		select {
		case body = <-answers:
		case err := <-invoked:
			running, invoked = false, nil
			if err == nil {
				continue // the response can still arrive
			}
			select {
			case body = <-answers: // it responded, and failed after that
			default:
				return answer{}, fmt.Errorf("invoking %s for %s: %w", function, requestType, err)
			}
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return answer{}, fmt.Errorf("the function %s timed out: no response to %s within %v", function, requestType, timeout)
			}
			return answer{}, fmt.Errorf("waiting for %s to answer %s: %w", function, requestType, ctx.Err())
		}
	}
	if running {
		// The function succeeded and is about to return: do not cancel it.
		select {
		case <-invoked:
		case <-ctx.Done():
		}
	}
	return e.check(body)
}

// check reads a response and validates it as CloudFormation does.
func (e event) check(body []byte) (answer, error) {
	if len(body) > maxResponse {
		return answer{}, fmt.Errorf("the response to %s is longer than %d bytes", e.RequestType, maxResponse)
	}
	var a answer
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	// The decoder's error can quote the response, which can be secret.
	if decoder.Decode(&a) != nil {
		return answer{}, fmt.Errorf("the response to %s is not valid JSON for CloudFormation", e.RequestType)
	}
	switch {
	case a.StackID != e.StackID || a.RequestID != e.RequestID || a.LogicalResourceID != e.LogicalResourceID:
		return answer{}, fmt.Errorf("the response to %s does not have the StackId, RequestId and LogicalResourceId of its event", e.RequestType)
	case a.Status != "SUCCESS" && a.Status != "FAILED":
		return answer{}, fmt.Errorf("the response to %s has an invalid Status: must be SUCCESS or FAILED", e.RequestType)
	case len(a.PhysicalResourceID) > maxPhysicalID:
		return answer{}, fmt.Errorf("the response to %s has a PhysicalResourceId longer than %d bytes", e.RequestType, maxPhysicalID)
	case a.Status == "FAILED" && a.Reason == "":
		return a, fmt.Errorf("the function failed to %s and gave no Reason", strings.ToLower(e.RequestType))
	case a.Status == "FAILED":
		return a, fmt.Errorf("the function failed to %s: %s", strings.ToLower(e.RequestType), a.Reason)
	case a.PhysicalResourceID == "":
		return answer{}, fmt.Errorf("the response to %s has no PhysicalResourceId", e.RequestType)
	}
	return a, nil
}

// receive accepts a response. Each ResponseURL accepts one.
func (c *CustomResource) receive(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut {
		http.Error(w, "only PUT", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err != nil || len(body) == 0 {
		http.Error(w, "no answer", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	answers, ok := c.waiting[r.URL.Path]
	delete(c.waiting, r.URL.Path)
	c.mu.Unlock()
	if !ok {
		http.Error(w, "nothing waits for this answer", http.StatusForbidden)
		return
	}
	answers <- body // the channel has a buffer of one
}

// serviceTimeout reads the property ServiceTimeout, in seconds.
func (c *CustomResource) serviceTimeout(value any) (time.Duration, error) {
	if value == nil {
		return c.timeout, nil
	}
	seconds, err := strconv.Atoi(fmt.Sprint(value))
	if err != nil || seconds < 1 || time.Duration(seconds)*time.Second > defaultServiceTime {
		return 0, errors.New("ServiceTimeout must be 1 to 3600 seconds")
	}
	return time.Duration(seconds) * time.Second, nil
}

// stringified returns a value as CloudFormation sends it to a custom resource:
// with numbers and booleans as strings.
func stringified(value any) any {
	switch v := value.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, element := range v {
			m[key] = stringified(element)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = stringified(element)
		}
		return list
	case []string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
