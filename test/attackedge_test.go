package test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
	"premiumhls/test/sitetest"
)

// What a viewer might try at the edge, with the cookies of course-1 and
// without any, to see course-2.

// raw sends a request line as it is, which no HTTP client would.
func (s *site) raw(target string, cookies []*http.Cookie) sitetest.Reply {
	s.T.Helper()
	connection, err := net.Dial("tcp", strings.Replace(s.Host, "localhost", "127.0.0.1", 1))
	if err != nil {
		s.T.Fatal(err)
	}
	defer connection.Close()
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", target, s.Host)
	if header := sitetest.CookieHeader(cookies); header != nil {
		request += "Cookie: " + header.Get("Cookie") + "\r\n"
	}
	// At once: a server that refuses the first line reads no more than it has,
	// and what came later would reset the connection.
	if _, err := io.WriteString(connection, request+"\r\n"); err != nil {
		s.T.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		s.T.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return sitetest.Reply{Response: response, Bytes: body}
}

func TestAttacksByPath(t *testing.T) {
	s := newSite(t, sitetest.ClaimSettings)
	one, two := s.Cookies("ada", "course-1"), s.Cookies("ada", "course-2")
	if r := s.raw("/premium/course-2/sample/master.m3u8", two); r.StatusCode != 200 || !bytes.Contains(r.Bytes, []byte("#EXTM3U")) {
		t.Fatalf("course-2 with its own cookies: %d %s", r.StatusCode, r.Bytes)
	}
	// Twice encoded, or in letters and bytes that only look like dots, a path is
	// another one: there is nothing at it. What cannot be decoded is a bad
	// request.
	for _, test := range []struct {
		name, target  string
		without, with int // the status without cookies, and with those of course-1
	}{
		{"plainly", "/premium/course-2/sample/master.m3u8", 403, 403},
		{"up and over", "/premium/course-1/../course-2/sample/master.m3u8", 403, 403},
		{"up and over, from a file", "/premium/course-1/sample/master.m3u8/../../../course-2/sample/master.m3u8", 403, 403},
		{"up, encoded", "/premium/course-1/%2e%2e/course-2/sample/master.m3u8", 403, 403},
		{"up, encoded in capitals", "/premium/course-1/%2E%2E/course-2/sample/master.m3u8", 403, 403},
		{"up, half encoded", "/premium/course-1/.%2e/course-2/sample/master.m3u8", 403, 403},
		{"up, with an encoded slash", "/premium/course-1/..%2fcourse-2/sample/master.m3u8", 403, 403},
		{"up, with encoded slashes", "/premium/course-1%2f..%2fcourse-2%2fmaster.m3u8", 403, 403},
		{"up, encoded twice", "/premium/course-1/%252e%252e/course-2/sample/master.m3u8", 403, 404},
		{"up, with a slash encoded twice", "/premium/course-1/..%252fcourse-2/sample/master.m3u8", 403, 404},
		{"up, with a backslash", `/premium/course-1/..\course-2\master.m3u8`, 403, 403},
		{"up, with a backslash before", `/premium/course-1\..\course-2/sample/master.m3u8`, 403, 403},
		{"up, with an encoded backslash", "/premium/course-1/..%5ccourse-2%5cmaster.m3u8", 403, 403},
		{"up, with parameters", "/premium/course-1/..;/course-2/sample/master.m3u8", 403, 404},
		{"up, with parameters that have a value", "/premium/course-1/..;x=y/course-2/sample/master.m3u8", 403, 404},
		{"a segment's parameters", "/premium/course-2;x/master.m3u8", 403, 403},
		{"a behavior's parameters", "/premium;x/course-2/sample/master.m3u8", 404, 404},
		{"up, as overlong UTF-8", "/premium/course-1/%c0%ae%c0%ae/course-2/sample/master.m3u8", 403, 400},
		{"up, as longer UTF-8", "/premium/course-1/%e0%80%ae%e0%80%ae/course-2/sample/master.m3u8", 403, 400},
		{"a slash as overlong UTF-8", "/premium/course-1/..%c0%afcourse-2%c0%afmaster.m3u8", 403, 400},
		{"overlong bytes as they are", "/premium/course-1/\xc0\xae\xc0\xae/course-2/sample/master.m3u8", 403, 400},
		{"up, in wide letters", "/premium/course-1/%ef%bc%8e%ef%bc%8e/course-2/sample/master.m3u8", 403, 404},
		{"up, as %u", "/premium/course-1/%u002e%u002e/course-2/sample/master.m3u8", 400, 400},
		{"a null byte", "/premium/course-2/sample/master.m3u8%00", 403, 403},
		{"a null byte before another ending", "/premium/course-2/sample/master.m3u8%00.jpg", 403, 403},
		{"a null byte between", "/premium/course-1/%00/../../course-2/sample/master.m3u8", 403, 403},
		{"a null byte as it is", "/premium/course-2/sample/master.m3u8\x00.jpg", 400, 400},
		{"slashes", "//premium//course-2//master.m3u8", 403, 403},
		{"slashes below", "/premium/course-1//../course-2/sample/master.m3u8", 403, 403},
		{"here", "/./premium/./course-2/./master.m3u8", 403, 403},
		{"here, encoded", "/premium/%2e/course-2/sample/master.m3u8", 403, 403},
		{"a letter, encoded", "/%70remium/course-2/sample/master.m3u8", 403, 403},
		{"a letter, encoded twice", "/%2570remium/course-2/sample/master.m3u8", 404, 404},
		{"in capitals", "/PREMIUM/course-2/sample/master.m3u8", 404, 404},
		{"an encoded slash after the behavior", "/premium%2Fcourse-2/sample/master.m3u8", 403, 403},
		{"an encoded slash first", "/%2fpremium/course-2/sample/master.m3u8", 403, 403},
		{"from the trailer", "/trailers/../premium/course-2/sample/master.m3u8", 403, 403},
		{"from the trailer, encoded", "/trailers/%2e%2e/premium/course-2/sample/master.m3u8", 403, 403},
		{"from the trailer, out of its folder", "/trailers/%2e%2e/%2e%2e/premium/course-2/sample/master.m3u8", 403, 403},
		{"from the trailer, with encoded slashes", "/trailers/..%2f..%2fpremium/course-2/sample/master.m3u8", 403, 403},
		{"from the API", "/api/../premium/course-2/sample/master.m3u8", 403, 403},
		{"from above", "/../premium/course-2/sample/master.m3u8", 403, 403},
		{"the bucket's own name for it", "/../../premium/course-2/sample/master.m3u8", 403, 403},
		{"in the query", "/?/premium/course-2/sample/master.m3u8", 200, 200},
		{"a fragment", "/premium/course-2/sample/master.m3u8#/premium/course-1/", 403, 403},
		{"a granted path in the query", "/premium/course-2/sample/master.m3u8?/premium/course-1/", 403, 403},
		{"an encoded query", "/premium/course-2/sample/master.m3u8%3f/premium/course-1/", 403, 403},
		{"a wildcard", "/premium/course-?/master.m3u8", 403, 403},
		{"a wildcard, encoded", "/premium/course-%3f/master.m3u8", 403, 403},
		{"in absolute form", "http://" + s.Host + "/premium/course-2/sample/master.m3u8", 403, 403},
		{"in absolute form, of another host", "http://evil.example.com/premium/course-2/sample/master.m3u8", 403, 403},
		{"in absolute form, of a user", "http://premium@" + s.Host + "/premium/course-2/sample/master.m3u8", 403, 403},
		{"without a slash", "premium/course-2/sample/master.m3u8", 400, 400},
		{"a broken encoding", "/premium/course-2/sample/master.m3u8%", 400, 400},
		{"another broken encoding", "/premium/course-2/%zz/../master.m3u8", 400, 400},
		{"a tab", "/premium/course-2/\t/../master.m3u8", 400, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			for with, r := range map[string]sitetest.Reply{"without cookies": s.raw(test.target, nil), "with those of course-1": s.raw(test.target, one)} {
				want := test.without
				if with != "without cookies" {
					want = test.with
				}
				if r.StatusCode != want || bytes.Contains(r.Bytes, []byte("#EXTM3U")) {
					t.Errorf("%s: %d, want %d: %.200s", with, r.StatusCode, want, r.Bytes)
				}
			}
		})
	}
}

// Cookies that were made for something else, or by somebody else.
func TestAttacksByCookie(t *testing.T) {
	s := newSite(t, sitetest.ClaimSettings)
	good := s.Cookies("ada", "course-1")
	ours, err := signedcookie.ParsePrivateKey([]byte(storedKey(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := signedcookie.GenerateKey(signedcookie.RSA2048)
	if err != nil {
		t.Fatal(err)
	}
	const target = "/premium/course-1/sample/master.m3u8"
	soon := time.Now().Add(time.Hour).Unix()
	policy := func(resource string) string {
		return fmt.Sprintf(`{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%d}}}]}`, resource, soon)
	}
	mine := "https://" + s.Host + "/premium/course-1/*"
	condition := func(text string) string {
		return `{"Statement":[{"Resource":"` + mine + `","Condition":{` + text + `}}]}`
	}
	ends := fmt.Sprintf(`"DateLessThan":{"AWS:EpochTime":%d}`, soon)

	// Those that are signed with the distribution's own key: one that another
	// distribution trusts as well, or that leaked for a moment.
	if r := s.Get(target, signedBy(t, ours, good, []byte(policy(mine)))...); r.StatusCode != 200 {
		t.Fatalf("what the key may sign: %d %s", r.StatusCode, r.Bytes)
	}
	for _, test := range []struct{ name, policy, code string }{
		{"another distribution that trusts the same key", policy("https://d2.cloudfront.net/premium/course-1/*"), "AccessDenied"},
		{"another distribution whose name begins alike", policy("https://" + s.Host + ".example.com/premium/course-1/*"), "AccessDenied"},
		{"another distribution in the path", policy("https://d2.cloudfront.net/" + s.Host + "/premium/course-1/*"), "AccessDenied"},
		{"this distribution as a user's name", policy("https://" + s.Host + "@d2.cloudfront.net/premium/course-1/*"), "AccessDenied"},
		{"another port", policy("https://localhost:1/premium/course-1/*"), "AccessDenied"},
		{"another scheme", policy("http://" + s.Host + "/premium/course-1/*"), "AccessDenied"},
		{"another course", policy("https://" + s.Host + "/premium/course-2/*"), "AccessDenied"},
		{"one file of the course", policy("https://" + s.Host + "/premium/course-1/index.m3u8"), "AccessDenied"},
		{"the course in capitals", policy("https://" + s.Host + "/premium/COURSE-1/*"), "AccessDenied"},
		{"an ended policy", condition(`"DateLessThan":{"AWS:EpochTime":1700000000}`), "AccessDenied"},
		{"a policy that has not begun", condition(ends + fmt.Sprintf(`,"DateGreaterThan":{"AWS:EpochTime":%d}`, soon-60)), "AccessDenied"},
		{"another address", condition(ends + `,"IpAddress":{"AWS:SourceIp":"192.0.2.7"}`), "AccessDenied"},
		{"every file of every distribution", fmt.Sprintf(`{"Statement":[{"Condition":{%s}}]}`, ends), "MalformedPolicy"},
		{"an empty resource", policy(""), "MalformedPolicy"},
		{"anything", policy("*"), "MalformedPolicy"},
		{"a path alone", policy("/premium/course-1/*"), "MalformedPolicy"},
		{"no end", condition(""), "MalformedPolicy"},
		{"an end in quotes", condition(fmt.Sprintf(`"DateLessThan":{"AWS:EpochTime":"%d"}`, soon)), "MalformedPolicy"},
		{"an end in milliseconds", condition(fmt.Sprintf(`"DateLessThan":{"AWS:EpochTime":%d000}`, soon)), "MalformedPolicy"},
		{"an end twice", condition(`"DateLessThan":{"AWS:EpochTime":1},` + ends), "MalformedPolicy"},
		{"two statements", strings.Replace(policy(mine), `]}`, `,{"Resource":"`+mine+`","Condition":{`+ends+`}}]}`, 1), "MalformedPolicy"},
		{"no statement", `{"Statement":[]}`, "MalformedPolicy"},
		{"something after it", policy(mine) + "{}", "MalformedPolicy"},
		{"a member that is not known", condition(ends + `,"StringLike":{"aws:UserAgent":"*"}`), "MalformedPolicy"},
		{"no JSON", "yes", "MalformedPolicy"},
	} {
		t.Run("a good signature of "+test.name, func(t *testing.T) {
			refused(t, s.Get(target, signedBy(t, ours, good, []byte(test.policy))...), 403, test.code)
		})
	}

	value := func(name string) string {
		for _, c := range good {
			if c.Name == name {
				return c.Value
			}
		}
		t.Fatalf("no cookie %s", name)
		return ""
	}
	without := func(names ...string) (left []*http.Cookie) {
		for _, c := range good {
			if !strings.Contains(strings.Join(names, " "), c.Name) {
				left = append(left, c)
			}
		}
		return left
	}
	signature := value(signedcookie.SignatureCookie)
	decoded, err := signedcookie.Decode(value(signedcookie.PolicyCookie))
	if err != nil {
		t.Fatal(err)
	}
	canned := append(without(signedcookie.PolicyCookie), &http.Cookie{Name: signedcookie.ExpiresCookie, Value: fmt.Sprint(soon)})
	other := newSite(t, sitetest.ClaimSettings) // the same stack in another account
	for _, test := range []struct {
		name    string
		cookies []*http.Cookie
		code    string
	}{
		{"a wider policy under the old signature", changed(good, signedcookie.PolicyCookie, signedcookie.Encode([]byte(policy("https://"+s.Host+"/premium/*")))), "AccessDenied"},
		{"a longer policy under the old signature", changed(good, signedcookie.PolicyCookie, signedcookie.Encode(append(decoded, ' '))), "AccessDenied"},
		{"a foreign key under the name of ours", signedBy(t, theirs, good, []byte(policy(mine))), "AccessDenied"},
		{"a foreign key under its own name", changed(signedBy(t, theirs, good, []byte(policy(mine))), signedcookie.KeyPairIDCookie, "K2FOREIGN00000"), "InvalidKey"},
		{"the name of our key in small letters", changed(good, signedcookie.KeyPairIDCookie, strings.ToLower(value(signedcookie.KeyPairIDCookie))), "InvalidKey"},
		{"the key group in place of the key", changed(good, signedcookie.KeyPairIDCookie, "*"), "InvalidKey"},
		{"no key", without(signedcookie.KeyPairIDCookie), "MissingKey"},
		{"no policy", without(signedcookie.PolicyCookie), "MalformedPolicy"},
		{"no signature", without(signedcookie.SignatureCookie), "MalformedSignature"},
		{"an empty signature", changed(good, signedcookie.SignatureCookie, ""), "MalformedSignature"},
		{"a short signature", changed(good, signedcookie.SignatureCookie, signedcookie.Encode([]byte{0})), "AccessDenied"},
		{"a signature in usual base64", changed(good, signedcookie.SignatureCookie, strings.NewReplacer("-", "+", "~", "/", "_", "=").Replace(signature)), "MalformedSignature"},
		{"no hash, which is SHA-1", without(signedcookie.HashAlgorithmCookie), "AccessDenied"},
		{"another hash", changed(good, signedcookie.HashAlgorithmCookie, "SHA1"), "AccessDenied"},
		{"a hash that is none", changed(good, signedcookie.HashAlgorithmCookie, "none"), "AccessDenied"},
		{"an end of one's own in place of the policy", canned, "AccessDenied"},
		{"an end of one's own beside the policy", append(good[:len(good):len(good)], canned[len(canned)-1]), "MalformedPolicy"},
		{"good ones first, another policy last", append(good[:len(good):len(good)], &http.Cookie{Name: signedcookie.PolicyCookie, Value: signedcookie.Encode([]byte(policy("https://" + s.Host + "/*")))}), "AccessDenied"},
		{"those of the same stack in another account", other.Cookies("ada", "course-1"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := s.Get(target, test.cookies...)
			if test.code == "" {
				test.code = r.Code() // by which of the two names the key goes there
			}
			refused(t, r, 403, test.code)
		})
	}
	t.Run("cookies as a signed URL of another course", func(t *testing.T) {
		query := "?Policy=" + value(signedcookie.PolicyCookie) + "&Signature=" + signature + "&Key-Pair-Id=" + value(signedcookie.KeyPairIDCookie) + "&Hash-Algorithm=SHA256"
		if r := s.Get(target + query); r.StatusCode != 200 {
			t.Errorf("of their own: %d %s", r.StatusCode, r.Bytes)
		}
		refused(t, s.Get("/premium/course-2/sample/master.m3u8"+query), 403, "AccessDenied")
	})
}

// Where the address is bound, it is the one that CloudFront saw.
func TestAttacksByAddress(t *testing.T) {
	s := newSite(t, map[string]any{"bindViewerAddress": true, "viewerRequestsPerMinute": 0.0, "requestsPerSecond": 10000.0, "requestBurst": 5000.0})
	ada := s.Token("ada")
	for name, claims := range map[string]http.Header{
		"nothing":                        {},
		"X-Forwarded-For":                {"X-Forwarded-For": {"192.0.2.1"}},
		"X-Forwarded-For, twice":         {"X-Forwarded-For": {"192.0.2.1", "192.0.2.2, 192.0.2.3"}},
		"X-Real-IP":                      {"X-Real-Ip": {"192.0.2.1"}, "True-Client-Ip": {"192.0.2.1"}},
		"Forwarded":                      {"Forwarded": {"for=192.0.2.1"}},
		"CloudFront's header":            {"Cloudfront-Viewer-Address": {"192.0.2.1:443"}},
		"CloudFront's header, twice":     {"Cloudfront-Viewer-Address": {"192.0.2.1:443", "192.0.2.2:443"}},
		"CloudFront's header, in small":  {"cloudfront-viewer-address": {"192.0.2.1:443"}},
		"CloudFront's header, nearly":    {"Cloudfront_viewer_address": {"192.0.2.1:443"}},
		"CloudFront's header, taken off": {"Cloudfront-Viewer-Address": {"192.0.2.1:443"}, "Connection": {"CloudFront-Viewer-Address"}},
		"the secret of the distribution": {"X-Origin-Secret": {"guess"}, "Cloudfront-Viewer-Address": {"192.0.2.1:443"}},
		"the function's header":          {"X-Viewer-Address": {"192.0.2.1"}},
		"the function's header, twice":   {"X-Viewer-Address": {"192.0.2.1", "192.0.2.2"}},
		"the function's header, nearly":  {"X_viewer_address": {"192.0.2.1"}},
		"the function's header, off":     {"X-Viewer-Address": {"192.0.2.1"}, "Connection": {"X-Viewer-Address"}},
		"all together":                   {"X-Forwarded-For": {"192.0.2.1"}, "Forwarded": {"for=192.0.2.1"}, "Cloudfront-Viewer-Address": {"192.0.2.1:443"}, "X-Viewer-Address": {"192.0.2.1"}, "X-Origin-Secret": {"guess"}},
	} {
		t.Run(name, func(t *testing.T) {
			claims["Authorization"], claims["Content-Type"] = []string{"Bearer " + ada}, []string{"application/json"}
			r := s.Do("POST", "/api/cookies", claims, `{"path":"course-1"}`)
			if r.StatusCode != 200 {
				t.Fatalf("%d %s", r.StatusCode, r.Bytes)
			}
			var body map[string]any
			r.JSON(t, &body)
			raw, err := signedcookie.Decode(body[signedcookie.PolicyCookie].(string))
			if err != nil {
				t.Fatal(err)
			}
			if policy, err := signedcookie.ParsePolicy(raw); err != nil || policy.SourceIP != "127.0.0.1" {
				t.Errorf("the policy is bound to %q, %v", policy.SourceIP, err)
			}
		})
	}

	cookies := s.Cookies("ada", "course-1")
	from := func(address string, header http.Header) sitetest.Reply {
		r := httptest.NewRequest("GET", "/premium/course-1/sample/master.m3u8", nil)
		r.Host, r.RemoteAddr = s.Host, address
		for name, values := range header {
			r.Header[name] = values
		}
		r.Header.Set("Cookie", sitetest.CookieHeader(cookies).Get("Cookie"))
		recorder := httptest.NewRecorder()
		s.ServeHTTP(recorder, r)
		return sitetest.Reply{Response: recorder.Result(), Bytes: recorder.Body.Bytes()}
	}
	if r := from("127.0.0.1:5000", nil); r.StatusCode != 200 {
		t.Errorf("from the viewer's own address: %d %s", r.StatusCode, r.Bytes)
	}
	for name, attack := range map[string]sitetest.Reply{
		"copied to another address":                      from("192.0.2.9:5000", nil),
		"copied, in the name of the first":               from("192.0.2.9:5000", http.Header{"X-Forwarded-For": {"127.0.0.1"}, "Cloudfront-Viewer-Address": {"127.0.0.1:5000"}}),
		"copied to the address as IPv6 writes a foreign": from("[::ffff:192.0.2.9]:5000", nil),
	} {
		t.Run(name, func(t *testing.T) { refused(t, attack, 403, "AccessDenied") })
	}
	t.Run("copied to an address of IPv6", func(t *testing.T) {
		if r := from("[2001:db8::9]:5000", nil); r.StatusCode != 403 {
			t.Errorf("%d %s", r.StatusCode, r.Bytes)
		}
	})
}

// Signing out clears cookies in one browser and nowhere else: neither they nor
// the token can be taken back. What was copied works until it ends, so ends
// are short, and after them it is refused.
func TestReplayAfterSignOut(t *testing.T) {
	const life, step = time.Minute, time.Minute // the shortest that can be set
	s := newSite(t, map[string]any{"cookieMinutes": life.Minutes(), "cookieStepMinutes": step.Minutes()})
	copied := s.Cookies("ada", "course-1")
	const target = "/premium/course-1/sample/master.m3u8"
	r := s.Call("DELETE", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`)
	if r.StatusCode != 204 {
		t.Fatalf("%d %s", r.StatusCode, r.Bytes)
	}
	for _, c := range r.Cookies() {
		if c.MaxAge >= 0 || c.Value != "" {
			t.Errorf("the browser keeps %s", c.Raw)
		}
	}
	// This is what signed cookies cannot do.
	if r := s.Get(target, copied...); r.StatusCode != 200 {
		t.Errorf("the copy: %d %s", r.StatusCode, r.Bytes)
	}
	// And this is what a short end does.
	s.Clock.Forward(life + step + time.Second)
	refused(t, s.Get(target, copied...), 403, "AccessDenied")
}
