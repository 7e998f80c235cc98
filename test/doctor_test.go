package test

import (
	"slices"
	"testing"

	"premiumhls/internal/explain/doctor"
)

// A site that runs is found well, all the way to a premium segment, and one
// whose keys are gone is not.
func TestDoctor(t *testing.T) {
	s := newSite(t, map[string]any{"allowedOrigins": []any{"https://www.example.org"}, "links": true})
	options := doctor.Options{Site: "http://" + s.Host, Token: s.Token("ada"), Origins: []string{"https://www.example.org"}}
	results := doctor.Check(t.Context(), options)
	if !slices.ContainsFunc(results, func(r doctor.Result) bool {
		return r.Name == "premium with a link" && r.Found == "master.link.m3u8, index.link.m3u8, segment-00.ts: 200"
	}) {
		t.Errorf("no link is played: %v", results)
	}
	for _, r := range results {
		t.Logf("%s %s: %s %s", r.Status, r.Name, r.Found, r.Advice)
		if r.Status == doctor.Failed || r.Status == doctor.Skipped && r.Name != "HTTPS" {
			t.Errorf("%s is %s: %s. %s", r.Name, r.Status, r.Found, r.Advice)
		}
	}

	s.Parameters.Delete("/PremiumHls/signing-keys/2026-11")
	s.Restart()
	if results := doctor.Check(t.Context(), options); doctor.Healthy(results) {
		t.Errorf("a site that can sign nothing is found well: %v", results)
	}
}
