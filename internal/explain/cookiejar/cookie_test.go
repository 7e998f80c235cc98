package cookiejar

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestSend(t *testing.T) {
	cookie := Cookie{Name: "c", Domain: "video.example.com", HostOnly: true, Path: "/premium", Secure: true, SameSite: Lax}
	changed := func(change func(*Cookie)) Cookie {
		c := cookie
		change(&c)
		return c
	}
	below := changed(func(c *Cookie) { c.Domain, c.HostOnly = "example.com", false })
	tests := []struct {
		name      string
		cookie    Cookie
		url, page string
		reason    string // empty: sent
	}{
		{"sent", cookie, "https://video.example.com/premium/a.ts", "", ""},
		{"the path itself", cookie, "https://video.example.com/premium", "", ""},
		{"a path that only begins the same", cookie, "https://video.example.com/premiums/a.ts", "", "Path=/premium does not cover /premiums/a.ts"},
		{"a path in another case", cookie, "https://video.example.com/Premium/a.ts", "", "Path=/premium does not cover /Premium/a.ts"},
		{"a host in another case", cookie, "https://VIDEO.example.com/premium/a.ts", "", ""},
		{"a port is no part of the host", cookie, "https://video.example.com:8443/premium/a.ts", "", ""},
		{"another host", cookie, "https://www.example.com/premium/a.ts", "", "cookies of the host video.example.com are not sent to www.example.com"},
		{"a host below, host only", cookie, "https://a.video.example.com/premium/a.ts", "", "cookies of the host video.example.com are not sent to a.video.example.com"},
		{"a host below the domain", below, "https://a.video.example.com/premium/a.ts", "", ""},
		{"the domain itself", below, "https://example.com/premium/a.ts", "", ""},
		{"a domain that only ends the same", below, "https://notexample.com/premium/a.ts", "", "Domain=example.com does not cover notexample.com"},
		{"without HTTPS", cookie, "http://video.example.com/premium/a.ts", "", "Secure cookies are sent over HTTPS only"},
		{"without HTTPS on this machine", changed(func(c *Cookie) { c.Domain = "localhost" }), "http://localhost:8080/premium/a.ts", "", ""},
		{"ended", changed(func(c *Cookie) { c.Expires = now }), "https://video.example.com/premium/a.ts", "", "Expires or Max-Age put their end at 2026-11-23T10:00:00Z, and now is 2026-11-23T10:00:00Z"},
		{"not ended", changed(func(c *Cookie) { c.Expires = now.Add(time.Second) }), "https://video.example.com/premium/a.ts", "", ""},
		{"a page of the same site", cookie, "https://video.example.com/premium/a.ts", "https://www.example.com/", ""},
		{"a page of another site", cookie, "https://video.example.com/premium/a.ts", "https://www.example.org/", "SameSite=Lax cookies of https://video.example.com are not sent for a page of another site, https://www.example.org"},
		{"a page without HTTPS", cookie, "https://video.example.com/premium/a.ts", "http://video.example.com/", "SameSite=Lax cookies of https://video.example.com are not sent for a page of another site, http://video.example.com"},
		{"a page of another site, None", changed(func(c *Cookie) { c.SameSite = None }), "https://video.example.com/premium/a.ts", "https://www.example.org/", ""},
		{"a page of the site it was set for, Partitioned", changed(func(c *Cookie) { c.SameSite, c.Partition = None, "https://example.org" }), "https://video.example.com/premium/a.ts", "https://www.example.org/", ""},
		{"a page of another site than it was set for, Partitioned", changed(func(c *Cookie) { c.SameSite, c.Partition = None, "https://example.org" }), "https://video.example.com/premium/a.ts", "https://video.example.com/", "Partitioned cookies that were set for a page of https://example.org are not sent for a page of https://example.com"},
		{"a page of another site, not known", changed(func(c *Cookie) { c.SameSite = Unknown }), "https://video.example.com/premium/a.ts", "https://www.example.org/", ""},
		{"neighbours on a public suffix", changed(func(c *Cookie) { c.Domain = "d1.cloudfront.net" }), "https://d1.cloudfront.net/premium/a.ts", "https://d2.cloudfront.net/", "SameSite=Lax cookies of https://d1.cloudfront.net are not sent for a page of another site, https://d2.cloudfront.net"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sent, withheld := Send([]Cookie{test.cookie}, Request{URL: parse(t, test.url), Page: parse(t, test.page), Time: now})
			if test.reason == "" {
				if len(sent) != 1 || len(withheld) != 0 {
					t.Errorf("withheld: %+v", withheld)
				}
				return
			}
			if len(sent) != 0 || len(withheld) != 1 {
				t.Fatalf("sent: %+v", sent)
			}
			if w := withheld[0]; w.Reason != test.reason || w.Remedy == "" || w.Name != "c" {
				t.Errorf("reason\n\t%s\nwant\n\t%s", w.Reason, test.reason)
			}
		})
	}
}

func TestLongestPathFirst(t *testing.T) {
	cookies := []Cookie{{Name: "a", Domain: "h", Path: "/"}, {Name: "b", Domain: "h", Path: "/p/q"}, {Name: "c", Domain: "h", Path: "/p"}, {Name: "d", Domain: "h", Path: "/p"}}
	sent, _ := Send(cookies, Request{URL: parse(t, "https://h/p/q/r"), Time: now})
	var names []string
	for _, c := range sent {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, ""); got != "bcda" {
		t.Errorf("order %s, want bcda", got)
	}
}

func TestStore(t *testing.T) {
	tests := []struct {
		name, header, from, page string
		want                     Cookie
		reason                   string // empty: stored
	}{
		{"plain", "c=v; Path=/premium/; Secure; HttpOnly; SameSite=Strict", "https://h.example.com/api/cookies", "",
			Cookie{"c", "v", "h.example.com", true, "/premium/", true, Strict, time.Time{}, ""}, ""},
		{"no path", "c=v", "https://h.example.com/api/cookies", "", Cookie{"c", "v", "h.example.com", true, "/api", false, Lax, time.Time{}, ""}, ""},
		{"no path at the root", "c=v", "https://h.example.com/cookies", "", Cookie{"c", "v", "h.example.com", true, "/", false, Lax, time.Time{}, ""}, ""},
		{"a domain", "c=v; Path=/; Domain=.Example.com", "https://h.example.com/", "", Cookie{"c", "v", "example.com", false, "/", false, Lax, time.Time{}, ""}, ""},
		{"an age", "c=v; Path=/; Max-Age=60; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "https://h.example.com/", "", Cookie{"c", "v", "h.example.com", true, "/", false, Lax, now.Add(time.Minute), ""}, ""},
		{"cleared", "c=; Path=/; Max-Age=0", "https://h.example.com/", "", Cookie{"c", "", "h.example.com", true, "/", false, Lax, now, ""}, ""},
		{"an end", "c=v; Path=/; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "https://h.example.com/", "", Cookie{"c", "v", "h.example.com", true, "/", false, Lax, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ""}, ""},
		{"quotes stay", `c="v"; Path=/`, "https://h.example.com/", "", Cookie{"c", `"v"`, "h.example.com", true, "/", false, Lax, time.Time{}, ""}, ""},
		{"an unknown SameSite", "c=v; Path=/; SameSite=Often", "https://h.example.com/", "", Cookie{"c", "v", "h.example.com", true, "/", false, Lax, time.Time{}, ""}, ""},
		{"None for a page of another site", "c=v; Path=/; Secure; SameSite=None", "https://h.example.com/", "https://other.example/", Cookie{"c", "v", "h.example.com", true, "/", true, None, time.Time{}, ""}, ""},
		{"a public suffix for itself", "c=v; Path=/; Domain=github.io", "https://github.io/", "", Cookie{"c", "v", "github.io", true, "/", false, Lax, time.Time{}, ""}, ""},
		{"a public suffix", "c=v; Domain=cloudfront.net", "https://d1.cloudfront.net/", "", Cookie{}, "Domain=cloudfront.net is on the public suffix list: browsers reject its cookies"},
		{"a top-level domain", "c=v; Domain=com", "https://h.example.com/", "", Cookie{}, "Domain=com is on the public suffix list: browsers reject its cookies"},
		{"a foreign domain", "c=v; Domain=example.org", "https://h.example.com/", "", Cookie{}, "h.example.com cannot set cookies with Domain=example.org"},
		{"a domain below", "c=v; Domain=a.h.example.com", "https://h.example.com/", "", Cookie{}, "h.example.com cannot set cookies with Domain=a.h.example.com"},
		{"Partitioned for a page of another site", "c=v; Path=/; Secure; SameSite=None; Partitioned", "https://h.example.com/", "https://www.other.example/", Cookie{"c", "v", "h.example.com", true, "/", true, None, time.Time{}, "https://other.example"}, ""},
		{"Partitioned for its own page", "c=v; Path=/; Secure; SameSite=None; Partitioned", "https://h.example.com/", "", Cookie{"c", "v", "h.example.com", true, "/", true, None, time.Time{}, "https://example.com"}, ""},
		{"Partitioned without Secure", "c=v; Partitioned", "https://h.example.com/", "", Cookie{}, "browsers do not store Partitioned without Secure"},
		{"None without Secure", "c=v; SameSite=None", "https://h.example.com/", "", Cookie{}, "browsers do not store SameSite=None without Secure"},
		{"Secure without HTTPS", "c=v; Secure", "http://h.example.com/", "", Cookie{}, "Secure cookies are not stored when they come without HTTPS"},
		{"Lax for a page of another site", "c=v; Secure", "https://h.example.com/", "https://other.example/", Cookie{}, "SameSite=Lax cookies of https://h.example.com are not stored for a page of another site, https://other.example"},
		{"nothing", "", "https://h.example.com/", "", Cookie{}, "the Set-Cookie header cannot be read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, refused := Store(test.header, Response{URL: parse(t, test.from), Page: parse(t, test.page), Time: now})
			if test.reason != "" {
				if refused == nil || refused.Reason != test.reason || refused.Remedy == "" {
					t.Errorf("%+v, want %s", refused, test.reason)
				}
				return
			}
			if refused != nil {
				t.Fatalf("not stored: %s", refused.Reason)
			}
			if c != test.want {
				t.Errorf("%+v, want %+v", c, test.want)
			}
		})
	}
}

func TestParseNetscape(t *testing.T) {
	const line = "\tTRUE\t/premium/\tTRUE\t1795431600\tCloudFront-Policy\tabc_"
	end := time.Unix(1795431600, 0)
	tests := []struct {
		name, text string
		want       []Cookie
		fails      string
	}{
		{"a domain", ".example.com" + line, []Cookie{{"CloudFront-Policy", "abc_", "example.com", false, "/premium/", true, Unknown, end, ""}}, ""},
		{"a host", "video.example.com\tFALSE\t/\tFALSE\t0\tc\tv\n", []Cookie{{"c", "v", "video.example.com", true, "/", false, Unknown, time.Time{}, ""}}, ""},
		{"HttpOnly", "#HttpOnly_.example.com" + line, []Cookie{{"CloudFront-Policy", "abc_", "example.com", false, "/premium/", true, Unknown, end, ""}}, ""},
		{"comments, blank lines and Windows", "# Netscape HTTP Cookie File\r\n\r\nh\tFALSE\t/\tFALSE\t0\tc\tv\r\n", []Cookie{{"c", "v", "h", true, "/", false, Unknown, time.Time{}, ""}}, ""},
		{"an empty value", "h\tFALSE\t/\tFALSE\t0\tc", []Cookie{{"c", "", "h", true, "/", false, Unknown, time.Time{}, ""}}, ""},
		{"empty", "", nil, ""},
		{"blanks for tabs", "# jar\nh FALSE / FALSE 0 c v", nil, "line 2 of the cookie jar has 1 fields"},
		{"no number", "h\tFALSE\t/\tFALSE\tlater\tc\tv", nil, "line 1 of the cookie jar: the fifth field"},
		{"no domain", "\tFALSE\t/\tFALSE\t0\tc\tv", nil, "line 1 of the cookie jar has no domain"},
		{"a path without a slash", "h\tFALSE\tp\tFALSE\t0\tc\tv", nil, "line 1 of the cookie jar has no domain, no path"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cookies, err := ParseNetscape(test.text)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("error %v, want %s", err, test.fails)
				}
				return
			}
			if err != nil || !slices.Equal(cookies, test.want) {
				t.Errorf("%+v (%v), want %+v", cookies, err, test.want)
			}
		})
	}
}

func FuzzParseNetscape(f *testing.F) {
	f.Add("#HttpOnly_.example.com\tTRUE\t/\tTRUE\t1795431600\tc\tv\n")
	f.Add("# comment\r\nh\tFALSE\t/p\tFALSE\t0\tc\t")
	f.Fuzz(func(t *testing.T, text string) {
		cookies, err := ParseNetscape(text)
		if err != nil && cookies != nil {
			t.Error("cookies beside an error")
		}
		for _, c := range cookies {
			if c.Name == "" || c.Domain == "" || !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Name+c.Value, "\t\n") {
				t.Errorf("%+v", c)
			}
		}
		Send(cookies, Request{URL: &url.URL{Scheme: "https", Host: "h"}, Time: now})
	})
}
