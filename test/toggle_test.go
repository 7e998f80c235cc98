package test

import (
	"net/http"
	"strings"
	"testing"

	"premiumhls/local/s3"
	"premiumhls/stacks/stacktest/athena"
)

// A feature that is turned off and on again leaves its data behind and, with the
// setting that names it, uses it again.

func TestTableIsUsedAgain(t *testing.T) {
	s := newSite(t, map[string]any{"entitlements": "table", "sample": false})
	endpoint, table := s.Table()
	if endpoint == "" {
		t.Fatal("no table")
	}
	if err := s.Grant(t.Context(), "subject-ada", "course-1"); err != nil {
		t.Fatal(err)
	}
	cookies := func(viewer string) string {
		r := s.api("POST", "/api/cookies", s.token(viewer), `{"path":"course-1"}`)
		if r.StatusCode == 200 {
			return "issued"
		}
		return r.code()
	}
	expect := func(rule, ada, ben string) {
		t.Helper()
		if got := cookies("ada"); got != ada {
			t.Errorf("%s: ada gets %s, want %s", rule, got, ada)
		}
		if got := cookies("ben"); got != ben {
			t.Errorf("%s: ben gets %s, want %s", rule, got, ben)
		}
	}
	expect("a table", "issued", "not_entitled")

	s.change(map[string]any{"entitlements": "authenticated", "sample": false})
	if _, name := s.Table(); name != "" {
		t.Errorf("the stack still has the table %s", name)
	}
	expect("authenticated", "issued", "issued")

	s.change(map[string]any{"entitlements": "table", "grantsTable": table, "sample": false})
	// The local run would give a new table the name of the old one; AWS would not.
	if n := len(s.assembly.Resources("AWS::DynamoDB::Table")); n != 0 {
		t.Errorf("the stack makes %d new tables", n)
	}
	if _, name := s.Table(); name != table {
		t.Errorf("the table is %s, want %s", name, table)
	}
	expect("the table again", "issued", "not_entitled")
}

func TestLogBucketIsUsedAgain(t *testing.T) {
	on := map[string]any{"accessLogs": true, "sample": false}
	s := newSite(t, on)
	s.get("/before.html")
	if _, err := s.AccessLog(); err != nil {
		t.Fatal(err)
	}
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	bucket := outputs["LogBucket"]

	s.change(map[string]any{"sample": false})
	if log, err := s.AccessLog(); err == nil {
		t.Errorf("logs are off and there is a log: %s", log)
	}

	s.change(map[string]any{"accessLogs": true, "logBucket": bucket, "sample": false})
	for id := range s.assembly.Resources("AWS::S3::Bucket") {
		if strings.HasPrefix(id, "AccessLogs") {
			t.Errorf("the stack makes a new bucket %s", id)
		}
	}
	s.get("/after.html")
	log, err := s.AccessLog()
	if err != nil {
		t.Fatal(err)
	}
	paths := map[any]bool{}
	for _, row := range athena.ReadDailyEdge(t, s.assembly, log).Rows {
		paths[row[7]] = true // cs_uri_stem
	}
	if !paths["/before.html"] || !paths["/after.html"] {
		t.Errorf("the log has %v, want the requests before and after", paths)
	}
}

// A stack that is removed leaves its bucket behind, and a new one plays the
// videos in it.
func TestBucketIsUsedAgain(t *testing.T) {
	s := newSite(t, map[string]any{"sample": false})
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	videos, err := s.Bucket()
	if err != nil {
		t.Fatal(err)
	}
	if err := videos.Put("premium/course-9/master.m3u8", s3.Object{Content: []byte("#EXTM3U\n")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}

	s.change(map[string]any{"bucket": outputs["Bucket"], "sample": false})
	// The local run would give a new bucket the name of the old one; AWS would not.
	if n := len(s.assembly.Resources("AWS::S3::Bucket")); n != 0 {
		t.Errorf("the stack makes %d new buckets", n)
	}
	const video = "/premium/course-9/master.m3u8"
	if r := s.get(video); r.StatusCode != http.StatusForbidden {
		t.Errorf("without cookies: %d", r.StatusCode)
	}
	if r := s.get(video, s.cookies("ada", "course-9")...); r.StatusCode != http.StatusOK {
		t.Errorf("with cookies: %d %s", r.StatusCode, r.body)
	}
}

// change deploys other settings.
func (s *site) change(changes map[string]any) {
	s.t.Helper()
	s.assembly = synthesize(s.t, changes)
	if err := s.PublishAssets(s.assembly.Dir); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Deploy(s.t.Context(), s.assembly.Template); err != nil {
		s.t.Fatal(err)
	}
}
