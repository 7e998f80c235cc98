package diagnosis

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestNoteFraming(t *testing.T) {
	const policy = "default-src 'self'; frame-ancestors https://www.example.org https://shop.example.net"
	for _, tt := range []struct {
		name, page, policy string
		noted              bool
	}{
		{"a listed page", "https://www.example.org/course", policy, false},
		{"another page", "https://www.example.com/course", policy, true},
		{"a page with a listed origin inside", "https://www.example.org.evil.example/", policy, true},
		{"nobody may", "https://www.example.org/course", "frame-ancestors 'none'", true},
		{"the site's own page", "https://" + host + "/", "frame-ancestors 'none'", false},
		{"no policy", "https://www.example.org/", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, err := url.Parse(tt.page)
			if err != nil {
				t.Fatal(err)
			}
			report := Explain(site(), Request{URL: "https://" + host + "/embed/course-1", Viewer: viewer, Time: now, Page: page,
				Response: &Response{Status: 200, Header: http.Header{"Content-Security-Policy": {tt.policy}}}})
			noted := strings.Contains(strings.Join(report.Notes, "\n"), "in a frame of a page of "+page.Scheme+"://"+page.Host+":")
			if noted != tt.noted {
				t.Errorf("notes %q", report.Notes)
			}
		})
	}
}
