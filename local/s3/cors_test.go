package s3_test

import (
	"testing"

	"premiumhls/local/s3"
)

func TestCORS(t *testing.T) {
	b, server := served(t)
	const page = "https://www.example.org"
	if got := ask(t, server, "GET", "/premium/m.m3u8", map[string]string{"Origin": page}).header; got.Get("Access-Control-Allow-Origin") != "" || got.Get("Vary") != "" {
		t.Errorf("without rules: %v", got)
	}
	b.SetCORS([]s3.CORSRule{{Origins: []string{page}, Methods: []string{"GET"}, Expose: []string{"Content-Length"}}})
	for _, test := range []struct{ method, origin, allowed string }{
		{"GET", page, page}, {"GET", "https://evil.example", ""}, {"GET", "", ""}, {"HEAD", page, ""},
	} {
		header := map[string]string{}
		if test.origin != "" {
			header["Origin"] = test.origin
		}
		got := ask(t, server, test.method, "/premium/m.m3u8", header)
		credentials, expose := "", ""
		if test.allowed != "" {
			credentials, expose = "true", "Content-Length"
		}
		if got.status != 200 || got.header.Get("Access-Control-Allow-Origin") != test.allowed || got.header.Get("Access-Control-Allow-Credentials") != credentials ||
			got.header.Get("Access-Control-Expose-Headers") != expose || got.header.Get("Vary") == "" {
			t.Errorf("%s from %q: %d %v", test.method, test.origin, got.status, got.header)
		}
	}
}
