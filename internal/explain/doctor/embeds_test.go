package doctor

import (
	"net/http"
	"strings"
	"testing"
)

// embedding makes a site that pages of shop can embed, with other headers for
// some paths: a Content-Security-Policy and a Cross-Origin-Opener-Policy.
func embedding(changes map[string][2]string) func(*site) {
	headers := map[string][2]string{
		"/": {"frame-ancestors 'none'", "same-origin"}, "/signed-in.html": {"frame-ancestors 'none'", "unsafe-none"},
		"/embed/premiumhls-doctor": {"frame-ancestors " + shop, "same-origin"},
	}
	for path, h := range changes {
		headers[path] = h
	}
	return func(s *site) {
		s.objects["public/config.json"] = strings.Replace(s.objects["public/config.json"], "{", `{"allowedOrigins":["`+shop+`"],`, 1)
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			h, ok := headers[r.URL.Path]
			if !ok {
				return false
			}
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Security-Policy", "default-src 'self'; "+h[0])
			w.Header().Set("Cross-Origin-Opener-Policy", h[1])
			for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "no-referrer"} {
				w.Header().Set(name, value)
			}
			if h[0] == "missing" {
				w.WriteHeader(http.StatusNotFound)
			}
			return true
		}
	}
}

func TestEmbeds(t *testing.T) {
	for name, tt := range map[string]struct {
		change        func(*site)
		status        Status
		found, advice string
	}{
		"nobody":                  {nil, OK, "cannot show the player", ""},
		"the listed":              {embedding(nil), OK, "for pages of " + shop, ""},
		"nobody, though listed":   {embedding(map[string][2]string{"/embed/premiumhls-doctor": {"frame-ancestors 'none'", "same-origin"}}), Failed, "framed by 'none'", "It must be " + shop},
		"everyone":                {embedding(map[string][2]string{"/embed/premiumhls-doctor": {"", "same-origin"}}), Failed, "framed by every page", "It must be " + shop},
		"the main page too":       {embedding(map[string][2]string{"/": {"frame-ancestors " + shop, "same-origin"}}), Failed, "/ can be framed by " + shop, "It must be 'none'"},
		"a window without opener": {embedding(map[string][2]string{"/signed-in.html": {"frame-ancestors 'none'", "same-origin"}}), Failed, `Cross-Origin-Opener-Policy "same-origin"`, "It must be unsafe-none"},
		"no such path":            {embedding(map[string][2]string{"/embed/premiumhls-doctor": {"missing", ""}}), Failed, "/embed/premiumhls-doctor is 404", "uploads the page"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newSite(t, tt.change).check(t, "")["embeds"]
			if r.Status != tt.status || !strings.Contains(r.Found, tt.found) || !strings.Contains(r.Advice, tt.advice) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// The window of an embed's sign-in needs a callback URL of its own.
func TestEmbedsCallback(t *testing.T) {
	r := newSite(t, embedding(nil)).check(t, "")["sign-in of embeds"]
	if r.Status != Failed || !strings.Contains(r.Advice, "/signed-in.html,") {
		t.Errorf("%+v", r)
	}
}
