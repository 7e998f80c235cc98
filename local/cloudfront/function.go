package cloudfront

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/dop251/goja"

	"premiumhls/internal/cloudfront"
)

// A program is the compiled code of a CloudFront Function, or why it does not
// compile.
type program struct {
	code *goja.Program
	err  error
}

// compile compiles the code of a function, which defines handler.
func compile(f *cloudfront.Function) program {
	code, err := goja.Compile(f.Name, "'use strict';"+f.Code+"\n;handler", false)
	if err != nil {
		err = fmt.Errorf("CloudFront Function %s: compile: %w", f.Name, err)
	}
	return program{code, err}
}

// functions returns the functions of a distribution.
func functions(d *cloudfront.Distribution) (list []*cloudfront.Function) {
	for _, b := range d.Behaviors {
		for _, f := range []*cloudfront.Function{b.Functions.ViewerRequest, b.Functions.ViewerResponse} {
			if f != nil {
				list = append(list, f)
			}
		}
	}
	return list
}

// CheckFunctions compiles the functions of a distribution. CloudFront accepts
// code that does not compile, and then answers requests with 503.
func CheckFunctions(d cloudfront.Distribution) error {
	for _, f := range functions(&d) {
		if p := compile(f); p.err != nil {
			return p.err
		}
	}
	return nil
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
func (p program) run(event functionEvent, result any) error {
	if p.err != nil {
		return p.err
	}
	raw, err := json.Marshal(event)
	if err != nil {
		return err
	}
	vm := goja.New()
	value, err := vm.RunProgram(p.code)
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
func (v *visit) viewerRequest(f *cloudfront.Function) bool {
	if f == nil {
		return true
	}
	// Headers of the connection end at the edge, before the function.
	r := v.r.Clone(v.r.Context())
	for name := range r.Header {
		if cloudfront.Lists(strings.Join(v.r.Header.Values("Connection"), ","), name) {
			delete(r.Header, name)
		}
	}
	r.Header.Del("Connection")
	v.r = r
	var result struct {
		functionRequest
		StatusCode int `json:"statusCode"`
	}
	err := v.edge.program(f).run(v.event("viewer-request"), &result)
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
func (v *visit) viewerResponse(f *cloudfront.Function, status int, header http.Header) error {
	event := v.event("viewer-response")
	event.Response = &functionResponse{StatusCode: status, StatusDescription: http.StatusText(status), Headers: functionHeaders(header, "")}
	var result functionResponse
	if err := v.edge.program(f).run(event, &result); err != nil {
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
