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
		r := s.Call("POST", "/api/cookies", s.Token(viewer), `{"path":"course-1"}`)
		if r.StatusCode == 200 {
			return "issued"
		}
		return r.Code()
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
	if n := len(s.Assembly.Resources("AWS::DynamoDB::Table")); n != 0 {
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
	s.Get("/before.html")
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
	for id := range s.Assembly.Resources("AWS::S3::Bucket") {
		if strings.HasPrefix(id, "AccessLogs") {
			t.Errorf("the stack makes a new bucket %s", id)
		}
	}
	s.Get("/after.html")
	log, err := s.AccessLog()
	if err != nil {
		t.Fatal(err)
	}
	paths := map[any]bool{}
	for _, row := range athena.ReadDailyEdge(t, s.Assembly, log).Rows {
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
	if n := len(s.Assembly.Resources("AWS::S3::Bucket")); n != 0 {
		t.Errorf("the stack makes %d new buckets", n)
	}
	const video = "/premium/course-9/master.m3u8"
	if r := s.Get(video); r.StatusCode != http.StatusForbidden {
		t.Errorf("without cookies: %d", r.StatusCode)
	}
	if r := s.Get(video, s.Cookies("ada", "course-9")...); r.StatusCode != http.StatusOK {
		t.Errorf("with cookies: %d %s", r.StatusCode, r.Bytes)
	}
}

// Links that were turned off leave nothing, and cookies do as before; those of
// before play again when links are back, until they expire.
func TestLinksAreUsedAgain(t *testing.T) {
	off := map[string]any{"entitlements": "authenticated"}
	on := map[string]any{"entitlements": "authenticated", "links": true}
	s := newSite(t, on)
	const ask = `{"path":"course-1/sample"}`
	address := s.Link("ada", ask)
	_, query, _ := strings.Cut(address, "?")
	const segment = "/premium/course-1/sample/360p/segment-00.ts"
	expect := func(what, path string, status int) {
		t.Helper()
		if r := s.Get(path); r.StatusCode != status {
			t.Errorf("%s: %d %s, want %d", what, r.StatusCode, r.Bytes, status)
		}
	}
	expect("a link", address, http.StatusOK)

	s.change(off)
	for id, r := range s.Assembly.Template.Resources {
		if strings.Contains(id, "Link") || strings.Contains(id, "FailedPlaylists") {
			t.Errorf("links are off, and the template has %s, a %s", id, r.Type)
		}
	}
	for _, statement := range s.IAM().Policies() {
		if strings.Contains(statement.Role, "Links") || strings.Contains(statement.Source, "Links") {
			t.Errorf("links are off, and there is %s", statement)
		}
	}
	if r := s.Call("POST", "/api/links", s.Token("ada"), ask); r.StatusCode != http.StatusNotFound {
		t.Errorf("links are off: %d %s", r.StatusCode, r.Bytes)
	}
	expect("a playlist by a link, off", address, http.StatusNotFound)
	expect("a segment by a link, off", segment+"?"+query, http.StatusOK) // a signed URL: docs/security.md
	watchCourse(t, s)

	s.change(on)
	expect("the link again", address, http.StatusOK)
	expect("a new link", s.Link("ada", ask), http.StatusOK)
}

// The key of the viewers' digests goes when viewers are logged as they are, and
// another comes when they are not.
func TestViewersAreHashedAgain(t *testing.T) {
	const name = "/PremiumHls/viewer-hash-key"
	s := newSite(t, map[string]any{"sample": false})
	before := s.Parameter("viewer-hash-key")
	s.change(map[string]any{"sample": false, "logViewers": "plain"})
	if _, ok := s.Parameters.Get(name); ok {
		t.Errorf("the parameter %s is still there", name)
	}
	s.Cookies("ada", "course-1")
	s.change(map[string]any{"sample": false})
	if s.Parameter("viewer-hash-key") == before {
		t.Error("the key is the one of before")
	}
	s.Cookies("ada", "course-1")
}

// change deploys other settings.
func (s *site) change(changes map[string]any) {
	s.T.Helper()
	s.Assembly = synthesize(s.T, changes)
	if err := s.PublishAssets(s.Assembly.Dir); err != nil {
		s.T.Fatal(err)
	}
	if err := s.Deploy(s.T.Context(), s.Assembly.Template); err != nil {
		s.T.Fatal(err)
	}
}
