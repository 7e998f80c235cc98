// Package function runs a CloudFront Function on this machine as CloudFront
// does, with the language, modules, event and limits of JavaScript runtime 2.0.
// It returns an error for everything that CloudFront rejects.
package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// The event types of CloudFront Functions.
const (
	ViewerRequest  = "viewer-request"
	ViewerResponse = "viewer-response"
)

// maxTime is the time limit of a function. CloudFront's own limit is much shorter
// and not published.
const maxTime = 2 * time.Second

// maxURI is the longest URI with its query that a function may set, in bytes.
const maxURI = 8191

// An Event is the argument of a function (CloudFront developer guide,
// "CloudFront Functions event structure").
type Event struct {
	Version  string    `json:"version"`
	Context  Context   `json:"context"`
	Viewer   Viewer    `json:"viewer"`
	Request  Request   `json:"request"`
	Response *Response `json:"response,omitempty"`
}

// A Context identifies the request at CloudFront.
type Context struct {
	DistributionDomainName string `json:"distributionDomainName"`
	DistributionID         string `json:"distributionId"`
	EventType              string `json:"eventType"`
	RequestID              string `json:"requestId"`
}

// A Viewer is who sent the request.
type Viewer struct {
	IP string `json:"ip"`
}

// A Request is the viewer's request.
type Request struct {
	Method      string           `json:"method"`
	URI         string           `json:"uri"`
	QueryString map[string]Value `json:"querystring"`
	Headers     map[string]Value `json:"headers"`
	Cookies     map[string]Value `json:"cookies"`
}

// A Response is the response to the viewer.
type Response struct {
	StatusCode        int              `json:"statusCode"`
	StatusDescription string           `json:"statusDescription,omitempty"`
	Headers           map[string]Value `json:"headers"`
	Cookies           map[string]Value `json:"cookies"`
	Body              json.RawMessage  `json:"body,omitempty"`
}

// A Value is a header, cookie or query parameter.
type Value struct {
	Value      string  `json:"value"`
	Attributes string  `json:"attributes,omitempty"`
	MultiValue []Value `json:"multiValue,omitempty"`
}

// All returns the values: those of multiValue if the function set them.
func (v Value) All() []string {
	if len(v.MultiValue) == 0 {
		return []string{v.Value}
	}
	all := make([]string, 0, len(v.MultiValue))
	for _, one := range v.MultiValue {
		all = append(all, one.Value)
	}
	return all
}

// values collects repeated headers, cookies or parameters.
func (v Value) with(value string) Value {
	if len(v.MultiValue) == 0 {
		v.MultiValue = []Value{{Value: v.Value}}
	}
	v.MultiValue = append(v.MultiValue, Value{Value: value})
	return v
}

// Headers returns headers as a function sees them: in lower case, without cookies
// and hidden headers.
func Headers(header http.Header) map[string]Value {
	headers := map[string]Value{}
	for name, list := range header {
		name = strings.ToLower(name)
		if name == "cookie" || name == "set-cookie" || forbidden(name) || len(list) == 0 {
			continue
		}
		value := Value{Value: list[0]}
		for _, more := range list[1:] {
			value = value.with(more)
		}
		headers[name] = value
	}
	return headers
}

// Pairs reads name=value pairs with a separator, as of a query or of cookies.
func Pairs(text, separator string) map[string]Value {
	pairs := map[string]Value{}
	for part := range strings.SplitSeq(text, separator) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name == "" {
			continue
		}
		if have, ok := pairs[name]; ok {
			pairs[name] = have.with(value)
		} else {
			pairs[name] = Value{Value: value}
		}
	}
	return pairs
}

// A ValidationError is an invalid result: CloudFront responds with 502.
type ValidationError struct{ err error }

func (e *ValidationError) Error() string { return e.err.Error() }

func invalid(format string, args ...any) error {
	return &ValidationError{fmt.Errorf(format, args...)}
}

// A Program is the compiled code of a function.
type Program struct{ code *goja.Program }

// Compile checks and compiles the code of a function, which defines handler.
func Compile(name, code string) (*Program, error) {
	compiled, err := compile(name, code)
	if err != nil {
		return nil, fmt.Errorf("CloudFront Function %s: %w", name, err)
	}
	return &Program{compiled}, nil
}

// A Result is what a function returned: a request to go on with, or a response.
type Result struct {
	Request  *Request
	Response *Response
	Log      []string // what it wrote with console.log
}

// Run calls the function. The error is a [*ValidationError] if CloudFront would
// respond with 502, and otherwise an error for 503.
func (p *Program) Run(event Event) (Result, error) {
	var result Result
	vm := goja.New()
	if err := p.prepare(vm, &result.Log); err != nil {
		return result, err
	}
	timer := time.AfterFunc(maxTime, func() { vm.Interrupt("the function timed out") })
	defer timer.Stop()
	text, err := p.call(vm, event)
	if err != nil {
		return result, err
	}
	var kind struct {
		StatusCode json.RawMessage `json:"statusCode"`
		Method     json.RawMessage `json:"method"`
	}
	if err := json.Unmarshal([]byte(text), &kind); err != nil {
		return result, fmt.Errorf("the function returned %s: must be a request or a response", text)
	}
	switch {
	case kind.StatusCode != nil:
		err = json.Unmarshal([]byte(text), &result.Response)
	case event.Context.EventType == ViewerRequest && kind.Method != nil:
		err = json.Unmarshal([]byte(text), &result.Request)
	default:
		return result, errors.New("the function returned neither a request nor a response")
	}
	if err != nil {
		return result, fmt.Errorf("the function returned an invalid object: %w", err)
	}
	return result, validate(event, result)
}

// call runs the code and the handler, and returns the result as JSON.
func (p *Program) call(vm *goja.Runtime, event Event) (string, error) {
	raw, err := json.Marshal(event)
	if err != nil {
		return "", err
	}
	value, err := vm.RunProgram(p.code)
	if err != nil {
		return "", err
	}
	handler, ok := goja.AssertFunction(value)
	if !ok {
		return "", errors.New("handler is not a function")
	}
	codec := vm.Get("JSON").ToObject(vm)
	parse, _ := goja.AssertFunction(codec.Get("parse"))
	stringify, _ := goja.AssertFunction(codec.Get("stringify"))
	argument, err := parse(codec, vm.ToValue(string(raw)))
	if err != nil {
		return "", err
	}
	returned, err := handler(goja.Undefined(), argument)
	if err != nil {
		return "", err
	}
	if promise, ok := returned.Export().(*goja.Promise); ok {
		switch promise.State() {
		case goja.PromiseStateFulfilled:
			returned = promise.Result()
		case goja.PromiseStateRejected:
			return "", fmt.Errorf("the function threw: %v", promise.Result())
		default:
			return "", errors.New("the function's promise did not settle")
		}
	}
	text, err := stringify(codec, returned)
	if err != nil {
		return "", err
	}
	return text.String(), nil
}

// validate applies the restrictions on what a function may return.
func validate(event Event, result Result) error {
	before, after := event.Request.Headers, map[string]Value{}
	kind := event.Context.EventType
	switch {
	case result.Request != nil:
		after = result.Request.Headers
		if result.Request.Method != event.Request.Method {
			return invalid("the function changed the method, which is read-only")
		}
		if uri := result.Request.URI; !strings.HasPrefix(uri, "/") || len(uri) > maxURI || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r == '#' || r == 0x7f }) {
			return invalid("the function set an invalid uri %q", uri)
		}
	case result.Response != nil:
		after = result.Response.Headers
		if status := result.Response.StatusCode; status < 200 || status > 599 {
			return invalid("the function set an invalid statusCode %d", status)
		}
		if event.Response != nil {
			before = event.Response.Headers
		} else {
			kind = "" // a new response has no headers before
		}
	}
	for name := range after {
		switch {
		case name != strings.ToLower(name):
			return invalid("the function set the header %q: names must be in lower case", name)
		case name == "cookie" || name == "set-cookie":
			return invalid("the function set the header %s: use cookies", name)
		case forbidden(name):
			return invalid("the function set the header %s, which is not allowed", name)
		}
	}
	for _, name := range readOnly[kind] {
		old, was := before[name]
		now, is := after[name]
		if was != is || !reflect.DeepEqual(old, now) {
			return invalid("the function changed the header %s, which is read-only", name)
		}
	}
	return nil
}

// Changes names the headers that a function added, changed or removed.
func Changes(before, after map[string]Value) (names []string) {
	for name, value := range after {
		if old, ok := before[name]; !ok || !reflect.DeepEqual(old, value) {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names = append(names, "-"+name)
		}
	}
	slices.Sort(names)
	return names
}
