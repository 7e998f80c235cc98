package test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"premiumhls/internal/metric"
	"premiumhls/local/cloud"
)

// A logbook takes what functions log.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// lines are the signer's lines about requests.
func (l *logbook) lines(t *testing.T) (found []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(l.text.Bytes()) {
		start := bytes.IndexByte(line, '{')
		var fields map[string]any
		if start >= 0 && json.Unmarshal(line[start:], &fields) == nil && fields["msg"] == "request" {
			found = append(found, fields)
		}
	}
	return found
}

// The signer of a stack counts under the names that its alarms and graphs
// read, and names viewers as the settings say.
func TestSignerCountsForItsStack(t *testing.T) {
	for _, test := range []struct {
		name    string
		changes map[string]any
		counted []string
		viewer  func(*site) string
	}{
		{"as cdk.json has it", nil, []string{"Issued", "KeyAge", "Latency", "Refused"}, func(s *site) string {
			mac := hmac.New(sha256.New, []byte(s.Parameter("viewer-hash-key")))
			mac.Write([]byte("subject-ada"))
			return hex.EncodeToString(mac.Sum(nil))[:16]
		}},
		{"nothing watched, viewers plain", map[string]any{"monitoring": false, "logViewers": "plain"}, nil, func(*site) string { return "subject-ada" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log logbook
			s := newSite(t, test.changes, func(o *cloud.Options) { o.Functions = &log })
			if r := s.Call("POST", "/api/cookies", s.Token("ada"), `{"path":"course-1"}`); r.StatusCode != http.StatusOK {
				t.Fatalf("no cookies: %d %s", r.StatusCode, r.Bytes)
			}
			if r := s.Call("POST", "/api/cookies", s.Token("ada"), `{"path":"../course-1"}`); r.StatusCode != http.StatusBadRequest {
				t.Fatalf("%d %s", r.StatusCode, r.Bytes)
			}
			// A line comes through a pipe, and perhaps after the response.
			lines := log.lines(t)
			for deadline := time.Now().Add(30 * time.Second); len(lines) < 2 && time.Now().Before(deadline); lines = log.lines(t) {
				time.Sleep(10 * time.Millisecond)
			}
			if len(lines) != 2 {
				t.Fatalf("%d lines: %s", len(lines), log.text.String())
			}
			counted := map[string]bool{}
			for _, line := range lines {
				if want := test.viewer(s); line["viewer"] != want {
					t.Errorf("the viewer is %v, want %s", line["viewer"], want)
				}
				if line["_aws"] == nil {
					continue
				}
				if line[metric.Stack] != "PremiumHls" {
					t.Errorf("counted for %v", line[metric.Stack])
				}
				for _, m := range regexp.MustCompile(`"Name":"(\w+)"`).FindAllStringSubmatch(text(line["_aws"]), -1) {
					counted[m[1]] = true
				}
			}
			if got := slices.Sorted(maps.Keys(counted)); !slices.Equal(got, test.counted) {
				t.Errorf("counted %v, want %v", got, test.counted)
			}
		})
	}
}

// What watches a stack can be put in and taken out again, and viewers see
// nothing of it.
func TestWatchingComesAndGoes(t *testing.T) {
	s := newSite(t, nil)
	for _, test := range []struct {
		name    string
		changes map[string]any
		outputs []string
	}{
		{"as cdk.json has it", nil, []string{"Dashboard"}},
		{"everything watched", map[string]any{"accessLogs": true, "tracing": true}, []string{"Dashboard", "LogQueries"}},
		{"logs alone", map[string]any{"accessLogs": true, "monitoring": false}, []string{"LogQueries"}},
		{"nothing watched", map[string]any{"monitoring": false}, nil},
		{"as cdk.json has it, again", nil, []string{"Dashboard"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := s.Deploy(t.Context(), synthesize(t, test.changes).Template); err != nil {
				t.Fatal(err)
			}
			outputs, err := s.Outputs()
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for name := range outputs {
				if name == "Dashboard" || name == "LogQueries" {
					found = append(found, name)
				}
			}
			slices.Sort(found)
			if !slices.Equal(found, test.outputs) {
				t.Errorf("outputs %v, want %v", found, test.outputs)
			}
			if r := s.Get("/premium/course-1/sample/master.m3u8", s.Cookies("ada", "course-1")...); r.StatusCode != http.StatusOK {
				t.Errorf("%d %s", r.StatusCode, r.Bytes)
			}
		})
	}
}
