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
