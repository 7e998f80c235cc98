package main

import (
	"bytes"
	"crypto"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

const (
	host    = "d111111abcdef8.cloudfront.net"
	segment = "https://" + host + "/premium/course-1/segment.ts"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// A desk is a folder with a public key, and cookies by its private half.
type desk struct {
	folder  string
	key     crypto.Signer
	cookies []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{folder: t.TempDir()}
	t.Setenv("XDG_CACHE_HOME", d.folder) // no local run
	var err error
	if d.key, err = signedcookie.GenerateKey(signedcookie.ECDSAP256); err != nil {
		t.Fatal(err)
	}
	pem, err := signedcookie.MarshalPublicKey(d.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, "public.pem", string(pem))
	raw, err := signedcookie.Policy{Resource: "https://" + host + "/premium/course-1/*", Expires: now.Add(time.Hour)}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signedcookie.Sign(d.key, signedcookie.SHA256, raw)
	if err != nil {
		t.Fatal(err)
	}
	d.cookies = []string{
		"CloudFront-Policy=" + signedcookie.Encode(raw), "CloudFront-Signature=" + signedcookie.Encode(signature),
		"CloudFront-Key-Pair-Id=K1", "CloudFront-Hash-Algorithm=SHA256",
	}
	d.write(t, "cookies.txt", d.jar("/premium/course-1/"))
	d.write(t, "wrong.txt", d.jar("/premium/course-2/"))
	d.write(t, "curl.sh", "curl '"+segment+"' \\\n  -H 'Cookie: "+d.header()+"'\n")
	d.write(t, "set.txt", d.answer("; Path=/premium/course-1/; Secure"))
	d.write(t, "suffix.txt", d.answer("; Path=/; Domain=cloudfront.net; Secure"))
	d.write(t, "bucket.txt", "HTTP/2 403\r\nserver: AmazonS3\r\n\r\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
	d.write(t, "served.har", d.har(segment, d.header(), 200))
	d.write(t, "refused.har", d.har(segment, "", 403))
	d.write(t, "stripped.har", `{"log":{"entries":[{"request":{"method":"GET","url":"`+segment+`"},"response":{"status":403}}]}}`)
	return d
}

func (d *desk) header() string { return strings.Join(d.cookies, "; ") }

func (d *desk) jar(path string) string {
	text := "# Netscape HTTP Cookie File\n"
	for _, pair := range d.cookies {
		name, value, _ := strings.Cut(pair, "=")
		text += fmt.Sprintf("#HttpOnly_%s\tFALSE\t%s\tTRUE\t0\t%s\t%s\n", host, path, name, value)
	}
	return text
}

func (d *desk) answer(attributes string) string {
	text := "HTTP/2 200 \r\ncontent-type: application/json\r\n"
	for _, pair := range d.cookies {
		text += "set-cookie: " + pair + attributes + "\r\n"
	}
	return text + "\r\n{}"
}

// har is a recording of an answer that sets cookies for another path, and of a
// request for a video.
func (d *desk) har(url, cookies string, status int) string {
	var set, headers []map[string]string
	for _, pair := range d.cookies {
		set = append(set, map[string]string{"name": "set-cookie", "value": pair + "; Path=/premium/course-2/; Secure"})
	}
	if cookies != "" {
		headers = append(headers, map[string]string{"name": "cookie", "value": cookies})
	}
	text, err := json.Marshal(map[string]any{"log": map[string]any{"entries": []any{
		map[string]any{"startedDateTime": "2026-11-23T09:59:00Z", "request": map[string]any{"method": "POST", "url": "https://" + host + "/api/cookies"}, "response": map[string]any{"status": 200, "headers": set}},
		map[string]any{"startedDateTime": "2026-11-23T10:00:00Z", "request": map[string]any{"method": "GET", "url": url, "headers": headers}, "response": map[string]any{"status": status, "content": map[string]any{"text": "<Error><Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value</Message></Error>"}}},
	}}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (d *desk) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs premium explain. DESK in an argument is replaced by the desk's folder,
// COOKIES by its cookies.
func (d *desk) run(t *testing.T, in string, args ...string) (code int, out, errors string) {
	t.Helper()
	return d.premium(t, in, append([]string{"explain"}, args...)...)
}

func (d *desk) premium(t *testing.T, in string, args ...string) (code int, out, errors string) {
	t.Helper()
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "DESK", d.folder)
		args[i] = strings.ReplaceAll(args[i], "COOKIES", d.header())
	}
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, system{
		in: strings.NewReader(in), out: &stdout, err: &stderr,
		now: func() time.Time { return now }, getenv: func(string) string { return "" },
	})
	return code, stdout.String(), stderr.String()
}

func TestExplain(t *testing.T) {
	key := []string{"-public-key", "DESK/public.pem", "-key-id", "K1", "-pattern", "/premium/*"}
	tests := []struct {
		name string
		args []string // besides the key
		in   string
		code int
		out  string // a part of it
	}{
		{"cookies", []string{"-cookie", "COOKIES", segment}, "", 0, "The edge serves this request: key K1 opens"},
		{"cookies as a header", []string{"-cookie", "Cookie: COOKIES", segment}, "", 0, "The edge serves this request"},
		{"the URL first", []string{segment, "-cookie", "COOKIES"}, "", 0, "The edge serves this request"},
		{"no cookies", []string{segment}, "", 1, "The request carries no cookies"},
		{"a fragment", []string{"-cookie", "COOKIES", segment + "#t=10"}, "", 0, "GET " + segment + "\n"},
		{"a curl command", []string{"-curl", "curl '" + segment + "' -b 'COOKIES'"}, "", 0, "The edge serves this request"},
		{"a curl command in a file", []string{"-curl", "@DESK/curl.sh"}, "", 0, "The edge serves this request"},
		{"a curl command from stdin", []string{"-curl", "-"}, "curl " + segment, 1, "The request carries no cookies"},
		{"a curl command with a jar", []string{"-curl", "curl -b DESK/cookies.txt " + segment}, "", 0, "The edge serves this request"},
		{"a curl command with its page", []string{"-curl", "curl " + segment + " -H 'Referer: https://www.example.com/'"}, "", 1, "comes from a page of another site, https://www.example.com"},
		{"a jar", []string{"-jar", "DESK/cookies.txt", segment}, "", 0, "The edge serves this request"},
		{"a jar for another path", []string{"-jar", "DESK/wrong.txt", segment}, "", 1, "Path=/premium/course-2/ does not cover /premium/course-1/segment.ts"},
		{"a HAR that was served", []string{"-har", "DESK/served.har", segment}, "", 0, "The edge serves this request"},
		{"a HAR that was refused", []string{"-har", "DESK/refused.har"}, "", 1, "Path=/premium/course-2/ does not cover /premium/course-1/segment.ts"},
		{"a HAR without cookies", []string{"-har", "DESK/stripped.har"}, "", 1, "exported without cookies"},
		{"the answer that set the cookies", []string{"-set-cookie", "DESK/set.txt", segment}, "", 0, "The edge serves this request"},
		{"an answer that sets none", []string{"-set-cookie", "DESK/suffix.txt", segment}, "", 1, "Domain=cloudfront.net is on the public suffix list"},
		{"an answer from elsewhere", []string{"-set-cookie", "DESK/set.txt", "-set-cookie-from", "https://api.example.com/", segment}, "", 1, "cookies of the host api.example.com are not sent"},
		{"an answer in a HAR", []string{"-set-cookie", "DESK/refused.har", segment}, "", 1, "Path=/premium/course-2/ does not cover"},
		{"a page of another site", []string{"-page", "https://www.example.com/", "-set-cookie", "DESK/set.txt", segment}, "", 1, "are not stored for a page of another site"},
		{"the bucket's 403", []string{"-cookie", "COOKIES", "-response", "DESK/bucket.txt", segment}, "", 1, "the 403 is the bucket's own"},
		{"the bucket's 403 from stdin", []string{"-cookie", "COOKIES", "-response", "-", segment}, "HTTP/1.1 403 Forbidden\n\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", 1, "the 403 is the bucket's own"},
		{"another time", []string{"-cookie", "COOKIES", "-now", "2026-11-23T11:00:00Z", segment}, "", 1, "The policy expired at 2026-11-23T11:00:00Z"},
		{"another method", []string{"-cookie", "COOKIES", "-method", "POST", segment}, "", 0, "POST " + segment},
		{"another behavior than expected", []string{"-cookie", "COOKIES", "-behavior", "/premium/*", "https://" + host + "/Premium/a.ts"}, "", 1, "differs from it in upper and lower case"},
		{"another host than given", []string{"-cookie", "COOKIES", "-host", "video.example.com", segment}, "", 1, "The distribution does not serve the host " + host},
	}
	d := newDesk(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errors := d.run(t, test.in, append(append([]string{}, key...), test.args...)...)
			if code != test.code || !strings.Contains(out, test.out) || errors != "" {
				t.Errorf("exit %d, want %d: %s\n%s", code, test.code, errors, out)
			}
			if policy, _, _ := strings.Cut(d.header(), ";"); strings.Contains(out, policy[:60]) {
				t.Errorf("the output holds a cookie: %s", out)
			}
		})
	}
}

func TestWithTemplate(t *testing.T) {
	d := newDesk(t)
	code, out, _ := d.run(t, "", "-template", "../../internal/explain/target/testdata", "-cookie", "COOKIES", segment)
	if code != 0 || !strings.Contains(out, "not checked  verification") || !strings.Contains(out, "known only after a deploy") {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, _ = d.run(t, "", "-template", "../../internal/explain/target/testdata", "https://other.example.com/premium/a.ts")
	if code != 1 || !strings.Contains(out, "does not serve the host other.example.com: request the URL at video.example.com or its own name, ….cloudfront.net") {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, _ = d.run(t, "", "-template", "../../internal/explain/target/testdata", "-public-key", "DESK/public.pem", "-key-id", "K2", "-cookie", "COOKIES", segment)
	if code != 1 || !strings.Contains(out, "The key K1 is in no key group") {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, _ = d.run(t, "", "-template", "../../internal/explain/target/testdata", "-cookie", "COOKIES", "https://"+host+"/premium/course-2/a.ts")
	if code != 1 || !strings.Contains(out, "FAILED") || !strings.Contains(out, "^") {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestCannotFindOut(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "no request"},
		{"no distribution", []string{segment}, "no distribution for d111111abcdef8.cloudfront.net"},
		{"no URL", []string{"-template", "../../internal/explain/target/testdata"}, "no request"},
		{"two URLs", []string{"-template", "../../internal/explain/target/testdata", segment, segment}, "unexpected argument"},
		{"a URL without a scheme", []string{"-template", "../../internal/explain/target/testdata", "h/a"}, "must be https:// or http:// and a host"},
		{"an unknown flag", []string{"-cokie", "a"}, "unknown flag --cokie"},
		{"two sources", []string{"-template", "../../internal/explain/target/testdata", "-cookie", "a=1", "-jar", "x", segment}, "only one of --cookie, --curl, --har and --jar"},
		{"two distributions", []string{"-template", "../../internal/explain/target/testdata", "-stack", "S", segment}, "either --template or --stack"},
		{"a stack with a key", []string{"-stack", "S", "-public-key", "k", segment}, "--public-key: not allowed with --stack"},
		{"ids without keys", []string{"-template", "../../internal/explain/target/testdata", "-key-id", "K1", segment}, "--key-id: must be set as often as --public-key"},
		{"a template with a host", []string{"-template", "../../internal/explain/target/testdata", "-host", "h", segment}, "--host and --pattern: not allowed with --template"},
		{"a stack with cookies and no URL", []string{"-stack", "S", "-cookie", "a=1"}, "no request"},
		{"a URL beside curl", []string{"-template", "../../internal/explain/target/testdata", "-curl", "curl " + segment, segment}, "not allowed with --curl"},
		{"stdin twice", []string{"-template", "../../internal/explain/target/testdata", "-curl", "-", "-response", "-"}, "only one can be read from stdin"},
		{"a time that is none", []string{"-now", "noon", segment}, "--now"},
		{"an address that is none", []string{"-address", "here"}, "--address"},
		{"a page that is none", []string{"-template", "../../internal/explain/target/testdata", "-page", "here", segment}, "--page"},
		{"no template", []string{"-template", "none", segment}, "finding the template"},
		{"no key", []string{"-public-key", "none", segment}, "reading the public key"},
		{"no jar", []string{"-template", "../../internal/explain/target/testdata", "-jar", "none", segment}, "reading the cookie jar"},
		{"a jar that is none", []string{"-template", "../../internal/explain/target/testdata", "-jar", "main.go", segment}, "reading the cookie jar main.go: line 1"},
		{"no HAR", []string{"-template", "../../internal/explain/target/testdata", "-har", "none"}, "reading the HAR file"},
		{"a HAR without the URL", []string{"-template", "../../internal/explain/target/testdata", "-har", "DESK/served.har", "https://h/"}, "no request for https://h/"},
		{"no curl command", []string{"-template", "../../internal/explain/target/testdata", "-curl", "wget x"}, "does not begin with curl"},
		{"a curl command for another protocol", []string{"-template", "../../internal/explain/target/testdata", "-curl", "curl ftp://h/"}, "must be https:// or http:// and a host"},
		{"an answer without headers", []string{"-template", "../../internal/explain/target/testdata", "-response", "main.go", segment}, "save it with curl -i"},
		{"an answer that sets no cookies", []string{"-template", "../../internal/explain/target/testdata", "-set-cookie", "DESK/bucket.txt", segment}, "sets no cookies"},
	}
	d := newDesk(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errors := d.run(t, "", test.args...)
			if code != 2 || !strings.Contains(errors, test.want) || out != "" {
				t.Errorf("exit %d: %s%s, want 2: %s", code, errors, out, test.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	d := newDesk(t)
	code, out, _ := d.run(t, "", "-template", "../../internal/explain/target/testdata", "-json", "-har", "DESK/refused.har")
	var printed struct {
		Served   *bool
		Requests []struct {
			URL, Method, Time, Code, Advice string
			Served                          *bool
			Checks                          []struct{ Name, Verdict, Found, Expected string }
		}
	}
	if err := json.Unmarshal([]byte(out), &printed); err != nil {
		t.Fatal(err)
	}
	if code != 1 || printed.Served == nil || *printed.Served || len(printed.Requests) != 1 {
		t.Fatalf("exit %d: %s", code, out)
	}
	r := printed.Requests[0]
	if r.Served == nil || *r.Served || r.URL != segment || r.Method != "GET" || r.Code != "MissingKey" || r.Time != "2026-11-23T10:00:00Z" || r.Advice == "" {
		t.Errorf("%+v", r)
	}
	if last := r.Checks[len(r.Checks)-1]; last.Name != "key pair id" || last.Verdict != "failed" {
		t.Errorf("%+v", last)
	}
}

func TestDoctor(t *testing.T) {
	d := newDesk(t)
	code, out, _ := d.premium(t, "", "doctor", "-site", "http://127.0.0.1:1")
	if code != 1 || !strings.Contains(out, "FAILED  page") {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, _ = d.premium(t, "", "doctor", "-json", "-site", "http://127.0.0.1:1")
	var printed struct {
		Site    string
		Healthy *bool
		Checks  []struct{ Name, Status, Found, Advice string }
	}
	if err := json.Unmarshal([]byte(out), &printed); err != nil {
		t.Fatal(err)
	}
	if code != 1 || printed.Site != "http://127.0.0.1:1" || printed.Healthy == nil || *printed.Healthy || len(printed.Checks) != 1 || printed.Checks[0].Status != "failed" {
		t.Errorf("exit %d: %s", code, out)
	}
	for _, args := range [][]string{{}, {"-site", "localhost"}, {"-site", "http://127.0.0.1:1", "-stack", "S"}} {
		if code, out, errors := d.premium(t, "", append([]string{"doctor"}, args...)...); code != 2 || out != "" || errors == "" {
			t.Errorf("%q: exit %d: %s%s", args, code, out, errors)
		}
	}
}

// A cookie that is set again takes the place of the one before; cleared, it is
// not sent any more.
func TestBrowserReplaces(t *testing.T) {
	d := newDesk(t)
	good := d.answer("; Path=/premium/course-1/; Secure")
	old := strings.NewReplacer("=K1;", "=K0;").Replace(good)
	gone := strings.ReplaceAll(good, "Secure", "Secure; Max-Age=0")
	d.write(t, "again.txt", strings.TrimSuffix(old, "{}")+good)
	d.write(t, "cleared.txt", strings.TrimSuffix(good, "{}")+gone)
	for file, want := range map[string]string{"again.txt": "The edge serves this request", "cleared.txt": "Expires or Max-Age put their end at"} {
		t.Run(file, func(t *testing.T) {
			_, out, errors := d.run(t, "", "-public-key", "DESK/public.pem", "-key-id", "K1", "-set-cookie", "DESK/"+file, segment)
			if !strings.Contains(out, want) {
				t.Errorf("%s%s", out, errors)
			}
		})
	}
}

// What a request holds cannot do anything to a terminal.
func TestPrintable(t *testing.T) {
	d := newDesk(t)
	_, out, _ := d.run(t, "", "-template", "../../internal/explain/target/testdata", "-cookie", "CloudFront-Key-Pair-Id=K\x1b[31m", "-public-key", "DESK/public.pem", "-key-id", "K1", segment)
	if strings.Contains(out, "\x1b") || !strings.Contains(out, "K\uFFFD[31m") {
		t.Errorf("%q", out)
	}
}

func TestTranscript(t *testing.T) {
	tests := []struct {
		name, text string
		count      int
		status     int
		cookies    int
		body       string
	}{
		{"curl -i", "HTTP/2 403 \r\nserver: CloudFront\r\n\r\n<Error/>\n", 1, 403, 0, "<Error/>\n"},
		{"after a redirect", "HTTP/1.1 301 Moved\r\nLocation: x\r\n\r\nHTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\nbody", 2, 200, 2, "body"},
		{"curl -v", "> GET / HTTP/2\n< HTTP/2 200\n< set-cookie: a=1\n< \nbody", 1, 200, 1, "body"},
		{"headers only", "HTTP/2 404", 1, 404, 0, ""},
		{"a body that looks like headers", "HTTP/2 200\n\nline\nHTTP/1.1 500 no\n", 1, 200, 0, "line\nHTTP/1.1 500 no\n"},
		{"nothing", "<html>", 0, 0, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answers := transcript([]byte(test.text))
			if len(answers) != test.count {
				t.Fatalf("%d answers, want %d", len(answers), test.count)
			}
			if test.count == 0 {
				return
			}
			last := answers[len(answers)-1]
			if last.status != test.status || len(last.header.Values("Set-Cookie")) != test.cookies || last.body != test.body {
				t.Errorf("%+v", last)
			}
		})
	}
}
