package cloudfront

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/dop251/goja"
)

// Functions are the CloudFront Functions of a behavior; nil where there is none.
type Functions struct{ ViewerRequest, ViewerResponse *Function }

// A Function is the compiled code of a CloudFront Function.
type Function struct{ program *goja.Program }

// NewFunction compiles the code of a function, which defines handler.
func NewFunction(code string) (*Function, error) {
	program, err := goja.Compile("function.js", "'use strict';"+code+"\n;handler", false)
	if err != nil {
		return nil, fmt.Errorf("compiling the CloudFront Function: %w", err)
	}
	return &Function{program}, nil
}

// functions reads the functions that a behavior names.
func (r *reader) functions(b *properties) (f Functions) {
	for _, association := range b.objects("FunctionAssociations") {
		arn := association.required("FunctionARN")
		event := association.oneOf("EventType", "", "viewer-request", "viewer-response")
		association.done()
		resource, ok := r.byID["AWS::CloudFront::Function"][arn]
		if !ok {
			b.fail("FunctionAssociations", "names %q, which is not in the template", arn)
			continue
		}
		p := propertiesOf(resource, &r.errs)
		p.ignore("Name", "AutoPublish", "Tags")
		code := p.required("FunctionCode")
		config := p.object("FunctionConfig")
		config.ignore("Comment")
		config.refuse("KeyValueStoreAssociations")
		if runtime := config.text("Runtime"); runtime != "cloudfront-js-2.0" {
			config.fail("Runtime", "is %q, and the edge runs cloudfront-js-2.0", runtime)
		}
		config.done()
		p.done()
		function, err := NewFunction(code)
		if err != nil {
			p.fail("FunctionCode", "does not compile: %v", err)
		}
		switch event {
		case "viewer-request":
			f.ViewerRequest = function
		case "viewer-response":
			f.ViewerResponse = function
		default:
			b.fail("FunctionAssociations", "has no EventType")
		}
	}
	return f
}

// The objects of a function's event (CloudFront developer guide, "CloudFront
// Functions event structure").
type (
	functionEvent struct {
		Version  string            `json:"version"`
		Context  map[string]string `json:"context"`
		Viewer   map[string]string `json:"viewer"`
		Request  functionRequest   `json:"request"`
		Response *functionResponse `json:"response,omitempty"`
	}
	functionRequest struct {
		Method      string                   `json:"method"`
		URI         string                   `json:"uri"`
		QueryString map[string]functionValue `json:"querystring"`
		Headers     map[string]functionValue `json:"headers"`
		Cookies     map[string]functionValue `json:"cookies"`
	}
	functionResponse struct {
		StatusCode        int                      `json:"statusCode"`
		StatusDescription string                   `json:"statusDescription,omitempty"`
		Headers           map[string]functionValue `json:"headers"`
		Cookies           map[string]functionValue `json:"cookies,omitempty"`
	}
	functionValue struct {
		Value      string          `json:"value"`
		Attributes string          `json:"attributes,omitempty"`
		MultiValue []functionValue `json:"multiValue,omitempty"`
	}
)

// run calls handler with an event and reads what it returns into result.
func (f *Function) run(event functionEvent, result any) error {
	raw, err := json.Marshal(event)
	if err != nil {
		return err
	}
	vm := goja.New()
	value, err := vm.RunProgram(f.program)
	if err != nil {
		return err
	}
	handler, ok := goja.AssertFunction(value)
	if !ok {
		return errors.New("handler is not a function")
	}
	codec := vm.Get("JSON").ToObject(vm)
	parse, _ := goja.AssertFunction(codec.Get("parse"))
	stringify, _ := goja.AssertFunction(codec.Get("stringify"))
	argument, err := parse(codec, vm.ToValue(string(raw)))
	if err != nil {
		return err
	}
	returned, err := handler(goja.Undefined(), argument)
	if err != nil {
		return err
	}
	text, err := stringify(codec, returned)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text.String()), result)
}

func (v *visit) event(eventType string) functionEvent {
	return functionEvent{
		Version: "1.0",
		Context: map[string]string{"distributionDomainName": v.d.Domain, "distributionId": "local", "eventType": eventType, "requestId": v.id},
		Viewer:  map[string]string{"ip": v.viewer.Addr().String()},
		Request: functionRequest{
			Method: v.r.Method, URI: v.path, QueryString: map[string]functionValue{},
			Headers: functionHeaders(v.r.Header, v.r.Host), Cookies: map[string]functionValue{},
		},
	}
}

// functionHeaders is how a function sees headers: without cookies, under names
// in lower case.
func functionHeaders(header http.Header, host string) map[string]functionValue {
	headers := map[string]functionValue{}
	for name, values := range header {
		if name == "Cookie" || name == "Set-Cookie" || len(values) == 0 {
			continue
		}
		value := functionValue{Value: values[0]}
		if len(values) > 1 {
			for _, v := range values {
				value.MultiValue = append(value.MultiValue, functionValue{Value: v})
			}
		}
		headers[strings.ToLower(name)] = value
	}
	if host != "" {
		headers["host"] = functionValue{Value: host}
	}
	return headers
}

// setHeaders replaces headers, but for cookies, by those a function returned.
func setHeaders(header http.Header, headers map[string]functionValue) {
	for name := range header {
		if name != "Cookie" && name != "Set-Cookie" {
			delete(header, name)
		}
	}
	for name, value := range headers {
		if name == "host" {
			continue
		}
		header.Set(name, value.Value)
		for i, v := range value.MultiValue {
			if i == 0 {
				header.Set(name, v.Value)
			} else {
				header.Add(name, v.Value)
			}
		}
	}
}

// viewerRequest runs the behavior's function on the request. It answers and
// returns false where the function fails.
func (v *visit) viewerRequest(f *Function) bool {
	if f == nil {
		return true
	}
	// Headers of the connection end at the edge, before the function.
	r := v.r.Clone(v.r.Context())
	for name := range r.Header {
		if listed(strings.Join(v.r.Header.Values("Connection"), ","), name) {
			delete(r.Header, name)
		}
	}
	r.Header.Del("Connection")
	v.r = r
	var result struct {
		functionRequest
		StatusCode int `json:"statusCode"`
	}
	err := f.run(v.event("viewer-request"), &result)
	if err == nil && (result.StatusCode != 0 || result.URI != v.path || len(result.QueryString) > 0) {
		err = errors.New("the edge supports changed request headers only")
	}
	if err != nil {
		v.functionFailed(err)
		return false
	}
	setHeaders(r.Header, result.Headers)
	return true
}

// viewerResponse runs the behavior's function on the headers of a response.
func (v *visit) viewerResponse(f *Function, status int, header http.Header) error {
	event := v.event("viewer-response")
	event.Response = &functionResponse{StatusCode: status, StatusDescription: http.StatusText(status), Headers: functionHeaders(header, "")}
	var result functionResponse
	if err := f.run(event, &result); err != nil {
		return err
	}
	if result.StatusCode != status {
		return errors.New("the edge supports changed response headers only")
	}
	setHeaders(header, result.Headers)
	return nil
}

// functionFailed answers as CloudFront does where a function throws.
func (v *visit) functionFailed(err error) {
	v.entry.Reason = "the CloudFront Function failed: " + err.Error()
	v.w.Header().Set("X-Cache", "FunctionExecutionError from cloudfront")
	v.entry.Status = http.StatusServiceUnavailable
	v.w.WriteHeader(http.StatusServiceUnavailable)
}
