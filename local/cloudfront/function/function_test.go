package function

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func request() Event {
	return Event{
		Version: "1.0",
		Context: Context{"d111.cloudfront.net", "E1", ViewerRequest, "id"},
		Viewer:  Viewer{"192.0.2.7"},
		Request: Request{
			Method: "GET", URI: "/a", QueryString: Pairs("id=42&u=a&u=b", "&"), Cookies: Pairs("c=1; d=2", ";"),
			Headers: map[string]Value{"host": {Value: "d111.cloudfront.net"}, "accept": {Value: "*/*"}, "via": {Value: "1.1 x"}},
		},
	}
}

func response() Event {
	e := request()
	e.Context.EventType = ViewerResponse
	e.Response = &Response{StatusCode: 200, StatusDescription: "OK", Headers: map[string]Value{"content-type": {Value: "text/html"}, "via": {Value: "1.1 x"}}}
	return e
}

// JavaScript runtime 2.0 has less than today's JavaScript.
func TestLanguage(t *testing.T) {
	for _, tt := range []struct{ name, code, missing string }{
		{"ES5", `var a = [1].map(function (x) { return x + 1; });`, ""},
		{"let, arrow functions, templates, rest", "const f = (a, ...rest) => `${a} ${rest.length}`; let b = f(1, 2);", ""},
		{"async", `async function f() { const a = await g(); return a; } async function g() { return 2 ** 3; }`, ""},
		{"property names", `var a = { Map: 1, set: 2 }; a.Map = a.eval;`, ""},
		{"the import", "", ""},
		{"class", `class A {}`, "class"},
		{"for of", `for (const a of [1]) {}`, "for…of"},
		{"array destructuring", `const [a] = [1];`, "destructuring"},
		{"object destructuring", `const { a } = {};`, "destructuring"},
		{"destructuring of parameters", `function f({ a }) {}`, "destructuring"},
		{"default parameters", `function f(a = 1) {}`, "a default parameter"},
		{"default parameters of arrow functions", `const f = (a = 1) => a;`, "a default parameter"},
		{"spread in calls", `Math.max(...[1]);`, "spread"},
		{"spread in arrays", `var a = [...[1]];`, "spread"},
		{"spread in objects", `var a = { ...{} };`, "spread"},
		{"optional chaining", `var a = {}; a?.b;`, "optional chaining"},
		{"??", `var a = null ?? 1;`, "??"},
		{"??=", `var a = null; a ??= 1;`, "logical assignment"},
		{"generators", `function* f() {}`, "a generator"},
		{"Map", `var a = new Map();`, "Map"},
		{"Set", `var a = new Set();`, "Set"},
		{"eval", `eval('1');`, "eval"},
		{"new Function", `new Function('1');`, "new Function"},
		{"timers", `setTimeout(function () {}, 1);`, "setTimeout"},
		{"URL", `new URL('/');`, "URL"},
		{"await in arguments", `async function f() { parseFloat(await f()); }`, "await in arguments"},
		{"await in a closure", `async function f() { const g = async () => { await f(); }; }`, "await in a closure"},
		{"another import", `import fs from 'fs';`, "Unexpected reserved word"},
		{"a syntax error", `function (`, "Unexpected"},
		{"too large", "//" + strings.Repeat("a", maxCode), "invalid size"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code := tt.code + "\nfunction handler(event) { return event.request; }"
			if tt.name == "the import" {
				code = "import cf from 'cloudfront';" + code
			}
			_, err := Compile("f", code)
			switch {
			case tt.missing == "" && err != nil:
				t.Error(err)
			case tt.missing != "" && (err == nil || !strings.Contains(err.Error(), tt.missing)):
				t.Errorf("%v, want %s", err, tt.missing)
			}
		})
	}
}

func TestModules(t *testing.T) {
	for name, tt := range map[string]struct{ code, want string }{
		"sha256 in hex":       {`require('crypto').createHash('sha256').update('a').digest('hex')`, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
		"hmac in base64url":   {`require('crypto').createHmac('sha1', 'k').update('a').update('b').digest('base64url')`, "ix7Xzz4IVJqOJi1Z99KqNkqFd_c"},
		"md5 as a Buffer":     {`require('crypto').createHash('md5').update('a').digest().toString('hex')`, "0cc175b9c0f1b6a831c399e269772661"},
		"Buffer":              {`Buffer.from('aGk', 'base64url').toString('utf8')`, "hi"},
		"querystring parse":   {`JSON.stringify(require('querystring').parse('a=1&b=x%20y&a=2'))`, `{"a":["1","2"],"b":"x y"}`},
		"querystring escape":  {`require('querystring').stringify({ a: ['1', '2'], b: 'x y' })`, "a=1&a=2&b=x%20y"},
		"Buffer to base64url": {`Buffer.from('hi?').toString('base64url')`, "aGk_"},
		"no process":          {`typeof globalThis['process'] + typeof globalThis['Map']`, "undefinedundefined"},
		"time stands still":   {`(function () { var a = Date.now(); for (var i = 0; i < 1e5; i++) {} return String(Date.now() - a); })()`, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Compile("f", `function handler(event) { event.request.headers['x-result'] = { value: `+tt.code+` }; console.log('ran'); return event.request; }`)
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Run(request())
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Request.Headers["x-result"].Value; got != tt.want || !reflect.DeepEqual(r.Log, []string{"ran"}) {
				t.Errorf("%q, log %q; want %q", got, r.Log, tt.want)
			}
		})
	}
	p, err := Compile("f", `import cf from 'cloudfront';
async function handler(event) { const v = await cf.kvs().get('a'); return event.request; }`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(request()); err == nil || !strings.Contains(err.Error(), "cf.kvs") {
		t.Errorf("a key value store: %v", err)
	}
}

// What a function may do, and what CloudFront answers with 502 or 503.
func TestRun(t *testing.T) {
	const ok, failed, refused = "", "503", "502"
	for _, tt := range []struct {
		name, event, body, want string
	}{
		{"nothing", ViewerRequest, `return event.request;`, ok},
		{"async", ViewerRequest, `const r = await Promise.resolve(event.request); return r;`, ok},
		{"a header", ViewerRequest, `event.request.headers['x-a'] = { value: 'b' }; return event.request;`, ok},
		{"another uri", ViewerRequest, `event.request.uri = '/b'; return event.request;`, ok},
		{"a response", ViewerRequest, `return { statusCode: 302, headers: { location: { value: '/x' } } };`, ok},
		{"a response without headers", ViewerRequest, `return { statusCode: 403 };`, ok},
		{"reads everything", ViewerRequest, `var r = event.request; if (r.querystring.u.multiValue[1].value !== 'b' || r.cookies.d.value !== '2' || r.headers.host.value !== 'd111.cloudfront.net' || event.viewer.ip !== '192.0.2.7' || event.context.eventType !== 'viewer-request') { throw new Error('no'); } return r;`, ok},
		{"a response header", ViewerResponse, `event.response.headers['x-a'] = { value: 'b' }; return event.response;`, ok},

		{"throws", ViewerRequest, `throw new Error('broken');`, failed},
		{"rejects", ViewerRequest, `await Promise.reject(new Error('broken'));`, failed},
		{"returns nothing", ViewerRequest, ``, failed},
		{"returns a string", ViewerRequest, `return 'a';`, failed},
		{"a response returns a request", ViewerResponse, `return event.request;`, failed},
		{"never settles", ViewerRequest, `await new Promise(function () {});`, failed},

		{"a forbidden header", ViewerRequest, `event.request.headers['x-forwarded-proto'] = { value: 'b' }; return event.request;`, refused},
		{"a forbidden prefix", ViewerResponse, `event.response.headers['x-edge-a'] = { value: 'b' }; return event.response;`, refused},
		{"X-Cache", ViewerResponse, `event.response.headers['x-cache'] = { value: 'Hit' }; return event.response;`, refused},
		{"upper case", ViewerRequest, `event.request.headers['X-A'] = { value: 'b' }; return event.request;`, refused},
		{"a cookie as a header", ViewerRequest, `event.request.headers['cookie'] = { value: 'b' }; return event.request;`, refused},
		{"Host", ViewerRequest, `event.request.headers.host = { value: 'b' }; return event.request;`, refused},
		{"Host deleted", ViewerRequest, `delete event.request.headers.host; return event.request;`, refused},
		{"Via of a response", ViewerResponse, `event.response.headers.via = { value: 'b' }; return event.response;`, refused},
		{"the method", ViewerRequest, `event.request.method = 'POST'; return event.request;`, refused},
		{"a uri with a space", ViewerRequest, `event.request.uri = '/a b'; return event.request;`, refused},
		{"a status out of range", ViewerRequest, `return { statusCode: 99 };`, refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Compile("f", `async function handler(event) { `+tt.body+` }`)
			if err != nil {
				t.Fatal(err)
			}
			e := request()
			if tt.event == ViewerResponse {
				e = response()
			}
			_, err = p.Run(e)
			got := ok
			if err != nil {
				got = failed
				if errors.As(err, new(*ValidationError)) {
					got = refused
				}
			}
			if got != tt.want {
				t.Errorf("%q (%v), want %q", got, err, tt.want)
			}
		})
	}
}
