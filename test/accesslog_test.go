package test

import (
	"net/http"
	"strings"
	"testing"

	"premiumhls/local/cloud"
	"premiumhls/stacks/stacktest/athena"
	"premiumhls/test/sitetest"
)

// The signer's own lines, and the names that the edge gives requests, lead
// from the segments to the viewer.
func TestLogsLeadFromSegmentsToViewers(t *testing.T) {
	var log logbook
	s := newSite(t, map[string]any{"accessLogs": true, "premiumPath": "paid", "entitlements": map[string]any{"claim": "custom:courses", "paths": true}, "userPoolAttributes": []any{"courses"}},
		func(o *cloud.Options) { o.Functions = &log })
	watch := func(viewer, course string) {
		asked := s.Call("POST", "/api/cookies", s.Token(viewer), `{"path":"`+course+`"}`)
		folder := "/paid/" + course + "/sample/"
		master := s.Get(folder+"master.m3u8", asked.Cookies()...)
		if master.StatusCode != http.StatusOK {
			return
		}
		media := sitetest.Playlist(folder, master.Bytes)[0]
		s.Get(sitetest.Playlist(media, s.Get(media, asked.Cookies()...).Bytes)[0], asked.Cookies()...)
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
	found := athena.Run(t, s.Assembly, athena.ReadDailyEdge(t, s.Assembly, file), athena.ReadSigner(t, s.Assembly, lines...))
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
