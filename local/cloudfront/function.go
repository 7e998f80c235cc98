package cloudfront

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"premiumhls/internal/cloudfront"
	"premiumhls/local/cloudfront/function"
)

// A FunctionRun describes what a CloudFront Function did to a request or
// response.
type FunctionRun struct {
	Event   string   // viewer-request or viewer-response
	Name    string   // of the function
	Changed []string // headers that it added, changed or, with a hyphen before, removed; uri, querystring, cookies
	Status  int      // of the response that it generated; 0: none
	Log     []string // of console.log
	Err     error    // CloudFront answers 502 for a [*function.ValidationError], else 503
}

// A program is the compiled code of a CloudFront Function, or its compile error.
type program struct {
	code *function.Program
	err  error
}

func compile(f *cloudfront.Function) program {
	code, err := function.Compile(f.Name, f.Code)
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
// code that does not compile, and then responds with 503.
func CheckFunctions(d cloudfront.Distribution) error {
	for _, f := range functions(&d) {
		if p := compile(f); p.err != nil {
			return p.err
		}
	}
	return nil
}

// run runs a function and records it.
func (v *visit) run(f *cloudfront.Function, event function.Event) (function.Result, error) {
	run := FunctionRun{Event: event.Context.EventType, Name: f.Name}
	p := v.edge.program(f)
	result, err := function.Result{}, p.err
	if err == nil {
		result, err = p.code.Run(event)
	}
	run.Log, run.Err = result.Log, err
	if err == nil {
		switch {
		case result.Request != nil:
			run.Changed = function.Changes(event.Request.Headers, result.Request.Headers)
			if result.Request.URI != event.Request.URI {
				run.Changed = append(run.Changed, "uri")
			}
			if !equal(result.Request.QueryString, event.Request.QueryString) {
				run.Changed = append(run.Changed, "querystring")
			}
			if !equal(result.Request.Cookies, event.Request.Cookies) {
				run.Changed = append(run.Changed, "cookies")
			}
		case event.Response != nil:
			run.Changed = function.Changes(event.Response.Headers, result.Response.Headers)
			if !equal(result.Response.Cookies, event.Response.Cookies) {
				run.Changed = append(run.Changed, "cookies")
			}
			if result.Response.StatusCode != event.Response.StatusCode {
				run.Status = result.Response.StatusCode
			}
		default:
			run.Status = result.Response.StatusCode
		}
	}
	v.entry.Functions = append(v.entry.Functions, run)
	return result, err
}

func equal(a, b map[string]function.Value) bool {
	return maps.EqualFunc(a, b, func(a, b function.Value) bool { return slices.Equal(a.All(), b.All()) && a.Attributes == b.Attributes })
}

func (v *visit) event(eventType string) function.Event {
	request := v.r.Header.Clone()
	request.Set("Host", v.r.Host)
	return function.Event{
		Version: "1.0",
		Context: function.Context{DistributionDomainName: v.d.Domain, DistributionID: "local", EventType: eventType, RequestID: v.id},
		Viewer:  function.Viewer{IP: v.viewer.Addr().String()},
		Request: function.Request{
			Method: v.r.Method, URI: v.path,
			QueryString: function.Pairs(strings.TrimPrefix(v.rawQuery, "?"), "&"),
			Headers:     function.Headers(request),
			Cookies:     function.Pairs(strings.Join(v.r.Header.Values("Cookie"), ";"), ";"),
		},
	}
}

// setHeaders replaces headers by those that a function returned. It keeps cookies
// and headers that functions do not see.
func setHeaders(header http.Header, before, after map[string]function.Value) {
	for name := range before {
		header.Del(name)
	}
	for name, value := range after {
		if name != "host" {
			header[http.CanonicalHeaderKey(name)] = value.All()
		}
	}
}

// joinPairs joins cookies or a query that a function changed, sorted by name: the
// event has no order.
func joinPairs(values map[string]function.Value, separator string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name].All() {
			list = append(list, name+"="+value)
		}
	}
	return strings.Join(list, separator)
}

// viewerRequest runs the behavior's function on the request. If the function
// fails or generates the response, it responds and returns false.
func (v *visit) viewerRequest(f *cloudfront.Function) bool {
	if f == nil {
		return true
	}
	// Remove hop-by-hop headers before the function runs.
	r := v.r.Clone(v.r.Context())
	for name := range r.Header {
		if cloudfront.Lists(strings.Join(v.r.Header.Values("Connection"), ","), name) {
			delete(r.Header, name)
		}
	}
	r.Header.Del("Connection")
	v.r = r
	event := v.event(function.ViewerRequest)
	result, err := v.run(f, event)
	switch {
	case err != nil:
		v.functionFailed(err)
		return false
	case result.Response != nil:
		v.generated(result.Response)
		return false
	}
	setHeaders(r.Header, event.Request.Headers, result.Request.Headers)
	if !equal(result.Request.Cookies, event.Request.Cookies) {
		r.Header.Set("Cookie", joinPairs(result.Request.Cookies, "; "))
	}
	if !equal(result.Request.QueryString, event.Request.QueryString) {
		v.rawQuery = "?" + joinPairs(result.Request.QueryString, "&")
		if v.rawQuery == "?" {
			v.rawQuery = ""
		}
	}
	v.path = result.Request.URI
	return true
}

// generated sends a response that a function generated.
func (v *visit) generated(response *function.Response) {
	header := v.w.Header()
	header.Set("Server", "CloudFront")
	setHeaders(header, nil, response.Headers)
	setCookies(header, response.Cookies)
	header.Set("X-Cache", "FunctionGeneratedResponse from cloudfront")
	body, err := bodyOf(response.Body)
	if err != nil {
		clear(header)
		v.functionFailed(err)
		return
	}
	v.entry.Reason = "a CloudFront Function generated the response"
	v.finish(response.StatusCode, body)
}

// setCookies sets the cookies of a response that a function returned.
func setCookies(header http.Header, cookies map[string]function.Value) {
	for _, name := range slices.Sorted(maps.Keys(cookies)) {
		values := cookies[name].MultiValue
		if len(values) == 0 {
			values = []function.Value{cookies[name]}
		}
		for _, value := range values {
			cookie := name + "=" + value.Value
			if value.Attributes != "" {
				cookie += "; " + value.Attributes
			}
			header.Add("Set-Cookie", cookie)
		}
	}
}

// bodyOf reads the body of a generated response: text, or an object with its
// encoding.
func bodyOf(raw json.RawMessage) ([]byte, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text), nil
	}
	var object struct{ Encoding, Data string }
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, errors.New("the function set an invalid body")
	}
	if object.Encoding == "base64" {
		return base64.StdEncoding.DecodeString(object.Data)
	}
	return []byte(object.Data), nil
}

// viewerResponse runs the behavior's function on a response, and returns the
// resulting status.
func (v *visit) viewerResponse(f *cloudfront.Function, status int, header http.Header) (int, error) {
	event := v.event(function.ViewerResponse)
	event.Response = &function.Response{
		StatusCode: status, StatusDescription: http.StatusText(status),
		Headers: function.Headers(header), Cookies: responseCookies(header),
	}
	result, err := v.run(f, event)
	if err != nil {
		return 0, err
	}
	if len(result.Response.Body) > 0 {
		return 0, errors.New("the local run does not support a body from a viewer-response function")
	}
	setHeaders(header, event.Response.Headers, result.Response.Headers)
	if !equal(result.Response.Cookies, event.Response.Cookies) {
		header.Del("Set-Cookie")
		setCookies(header, result.Response.Cookies)
	}
	return result.Response.StatusCode, nil
}

func responseCookies(header http.Header) map[string]function.Value {
	cookies := map[string]function.Value{}
	for _, line := range header.Values("Set-Cookie") {
		pair, attributes, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		one := function.Value{Value: value, Attributes: strings.TrimSpace(attributes)}
		if have, ok := cookies[name]; ok {
			if len(have.MultiValue) == 0 {
				have.MultiValue = []function.Value{{Value: have.Value, Attributes: have.Attributes}}
			}
			have.MultiValue = append(have.MultiValue, one)
			one = have
		}
		cookies[name] = one
	}
	return cookies
}

// functionFailed responds as CloudFront does if a function fails: 502 for an
// invalid result, 503 for other errors.
func (v *visit) functionFailed(err error) {
	status, result := http.StatusServiceUnavailable, "FunctionExecutionError"
	if errors.As(err, new(*function.ValidationError)) {
		status, result = http.StatusBadGateway, "FunctionValidationError"
	}
	v.entry.Reason = "the CloudFront Function failed: " + err.Error()
	v.entry.Result = result
	v.w.Header().Set("X-Cache", result+" from cloudfront")
	v.entry.Status = status
	v.w.WriteHeader(status)
}
