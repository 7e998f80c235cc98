package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"premiumhls/internal/link"
)

// With links a deploy requests one, whose signature CloudFront must accept and
// which the links function must answer.
func TestLinkCheck(t *testing.T) {
	const missing = `{"code":"not_found","requestId":"r"}`
	for _, test := range []struct {
		name   string
		status int
		body   string
		says   []string // nil: the check passes
	}{
		{"the function says that there is no playlist", 404, missing, nil},
		{"the bucket cannot be read", 503, `{"code":"bucket_unavailable","requestId":"r"}`, []string{`"link" of key 2026-11`, "503 bucket_unavailable", "cannot read the bucket"}},
		{"the function does not know the secret", 403, `{"code":"not_through_distribution","requestId":"r"}`, []string{"403 not_through_distribution", "origin secret"}},
		{"the function cannot read the secret", 503, `{"code":"keys_unavailable","requestId":"r"}`, []string{"503 keys_unavailable", "origin secret"}},
		{"the function refuses the link", 403, `{"code":"invalid_link","requestId":"r"}`, []string{"403 invalid_link", "its log"}},
		{"the API has no route", 404, `{"message":"Not Found"}`, []string{"404", "comes before that of the premium path"}},
		{"something is served", 200, "#EXTM3U", []string{"200", "comes before that of the premium path"}},
		{"the bucket answers", 0, "", []string{"404 NoSuchKey", "comes before that of the premium path"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			s.properties["Links"] = "true"
			var asked []string
			s.front = func(edge http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.HasSuffix(r.URL.Path, link.Suffix) || test.status == 0 {
						edge.ServeHTTP(w, r)
						return
					}
					asked = append(asked, r.URL.Path)
					if len(r.Cookies()) > 0 || r.URL.Query().Get("Signature") == "" || strings.Count(r.URL.Query().Get("l"), ".") != 3 {
						t.Errorf("the check sends %s %s", r.Header, r.URL)
					}
					w.WriteHeader(test.status)
					w.Write([]byte(test.body))
				})
			}
			_, err := s.checker(t).handle(t.Context(), s.event(cfn.RequestUpdate))
			if test.says == nil {
				if err != nil || len(asked) != 2 || asked[0] != "/premium/.deploy-check/none.link.m3u8" {
					t.Errorf("asked for %q: %v", asked, err)
				}
				return
			}
			if err == nil {
				t.Fatal("the check passes")
			}
			for _, want := range append(test.says, "Deploy check") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v: does not say %s", err, want)
				}
			}
			if strings.Contains(err.Error(), "Signature=") {
				t.Errorf("the failure has the link: %v", err)
			}
		})
	}
}

// Without links there is no such request.
func TestNoLinkCheck(t *testing.T) {
	s := newSite(t)
	s.front = func(edge http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" {
				t.Errorf("the check requests %s", r.URL)
			}
			edge.ServeHTTP(w, r)
		})
	}
	if _, err := s.checker(t).handle(t.Context(), s.event(cfn.RequestUpdate)); err != nil {
		t.Error(err)
	}
}
