package local

import (
	"errors"
	"strings"
	"testing"

	"premiumhls/local/cloudfront"
)

func TestTerminalNamesFunctions(t *testing.T) {
	for name, tt := range map[string]struct {
		run  cloudfront.FunctionRun
		want string
	}{
		"changed":   {cloudfront.FunctionRun{Changed: []string{"x-a", "-x-b"}}, "changed x-a, -x-b"},
		"generated": {cloudfront.FunctionRun{Status: 302}, "set status 302"},
		"failed":    {cloudfront.FunctionRun{Err: errors.New("thrown")}, "failed: thrown"},
		"nothing":   {cloudfront.FunctionRun{}, "no change"},
		"log":       {cloudfront.FunctionRun{Log: []string{"hello\n"}}, `log: "hello\n"`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			term := &terminal{out: &out}
			term.open.Store(true)
			tt.run.Name, tt.run.Event = "Rewrite", "viewer-request"
			term.request(cloudfront.Entry{Status: 200, Path: "/a", Functions: []cloudfront.FunctionRun{tt.run}})
			if got := out.String(); !strings.Contains(got, "Rewrite (viewer-request)") || !strings.Contains(got, tt.want) {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// A signature in a URL is a credential: no line has it, also not the one with
// the command that explains a refusal.
func TestTerminalHasNoLink(t *testing.T) {
	for _, query := range []string{"Policy=SECRET&Signature=SECRET&Key-Pair-Id=K&l=SECRET.SECRET.K.SHA256", "l=SECRET.SECRET.K.SHA256", "v=1&l=SECRET", "%6c=SECRET"} {
		for _, status := range []int{200, 403} {
			var out strings.Builder
			term := &terminal{out: &out, site: "http://localhost:8080", command: "premium"}
			term.open.Store(true)
			term.request(cloudfront.Entry{Status: status, Path: "/premium/a.link.m3u8?" + query})
			if got := out.String(); !strings.Contains(got, "/premium/a.link.m3u8") || strings.Contains(got, "SECRET") {
				t.Errorf("%s is shown as %s", query, got)
			}
		}
	}
}
