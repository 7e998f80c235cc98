package test

import (
	"net/http"
	"strings"
	"testing"

	"premiumhls/local/cloud"
	"premiumhls/stacks/stacktest/athena"
)

// The signer's own lines, and the names that the edge gives requests, lead
// from the segments to the viewer.
func TestLogsLeadFromSegmentsToViewers(t *testing.T) {
	var log logbook
	s := newSite(t, map[string]any{"accessLogs": true, "premiumPath": "paid", "entitlements": map[string]any{"claim": "custom:courses", "paths": true}, "userPoolAttributes": []any{"courses"}},
		func(o *cloud.Options) { o.Functions = &log })
	watch := func(viewer, course string) {
		asked := s.api("POST", "/api/cookies", s.token(viewer), `{"path":"`+course+`"}`)
		folder := "/paid/" + course + "/sample/"
		master := s.get(folder+"master.m3u8", asked.Cookies()...)
		if master.StatusCode != http.StatusOK {
			return
		}
		media := playlist(folder, master.body)[0]
		s.get(playlist(media, s.get(media, asked.Cookies()...).body)[0], asked.Cookies()...)
	}
	watch("ada", "course-2")
	watch("ben", "course-2") // who has not bought it
	file, err := s.AccessLog()
	if err != nil {
		t.Fatal(err)
	}

	var lines []any
	for _, line := range log.lines(t) {
		lines = append(lines, line)
	}
	found := athena.Run(t, s.assembly, athena.ReadDailyEdge(t, s.assembly, file), athena.ReadSigner(t, s.assembly, lines...))
	ada, _ := lines[0].(map[string]any)["viewer"].(string) // a keyed digest
	if r := found["Who watched what"]; len(r) != 1 || ada == "" || r[0]["viewer"] != ada || !strings.HasPrefix(r[0]["path"].(string), "course-2") || r[0]["requests"] != 1.0 || r[0]["bytes"].(float64) < 1000 {
		t.Errorf("watched %v, want what ada did", r)
	}
	if r := found["Watched without asking"]; len(r) != 0 {
		t.Errorf("unasked %v", r)
	}
	if r := found["Who was refused"]; len(r) != 1 || r[0]["decision"] != "not_entitled" || r[0]["path"] != "course-2" || r[0]["viewer"] == ada || r[0]["requests"] != 1.0 {
		t.Errorf("refused %v, want ben", r)
	}
}
