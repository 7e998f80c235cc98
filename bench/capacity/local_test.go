package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"premiumhls/bench/internal/player"
	"premiumhls/internal/cfn"
	"premiumhls/internal/cost"
	"premiumhls/internal/issuance"
	"premiumhls/local/assembly"
	"premiumhls/local/cloud"
	"premiumhls/local/cloudfront"
	"premiumhls/local/cognito"
	"premiumhls/local/kms"
	"premiumhls/local/ssm"
)

// counts are what the local system counts.
type counts struct {
	mu       sync.Mutex
	behavior map[string]float64 // requests at the edge
	action   map[string]float64 // calls of AWS by the signer
	signer   float64            // invocations that came through the API
}

func (c *counts) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range bytes.Lines(p) {
		var entry struct{ Decision string }
		if json.Unmarshal(line, &entry) == nil && entry.Decision != "" {
			c.signer++
		}
	}
	return len(p), nil
}

func (c *counts) called(action string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.action[action]++
}

func (c *counts) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behavior, c.action, c.signer = map[string]float64{}, map[string]float64{}, 0
}

// The same viewers make the same requests in the simulator and on the real
// local system: real template, real signer, real edge rules.
func TestLocalSystem(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	const burst, later, bots = 6, 54, 25
	var list []cognito.Viewer
	for i := range burst + later {
		list = append(list, cognito.Viewer{Username: fmt.Sprintf("viewer-%d", i), Subject: fmt.Sprintf("00000000-0000-4000-8000-%012d", i)})
	}
	counted := &counts{}
	counted.reset()
	system, origin := runLocal(t, list, counted)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	site, err := player.Open(t.Context(), client, origin)
	if err != nil {
		t.Fatal(err)
	}
	tokens := make([]string, len(list))
	for i, v := range list {
		if tokens[i], err = site.SignIn(t.Context(), v.Username); err != nil {
			t.Fatal(err)
		}
	}
	page := pageFiles(t, site)
	if math.Abs(float64(len(page)-cost.PageRequests)) > 0.2*cost.PageRequests {
		t.Errorf("the page loads %d files, cost.PageRequests is %d: %v", len(page), cost.PageRequests, page)
	}

	// The first viewers come at once, while environments start slowly.
	const slow = 1500 * time.Millisecond
	system.Restart()
	counted.reset()
	var delay atomic.Int64
	delay.Store(int64(slow))
	system.Parameters.SetFault(func(operation string) ssm.Fault {
		counted.called("ssm:" + operation)
		return ssm.Fault{Delay: time.Duration(delay.Load())}
	})
	system.KMS.SetFault(func(operation string) kms.Fault {
		counted.called("kms:" + operation)
		return kms.Fault{}
	})
	// The first viewers arrive and are served in the same step of the expiries.
	step := defaults().Step
	if left := time.Until(time.Now().Truncate(step).Add(step)); left < 2*slow {
		time.Sleep(left + time.Second)
	}
	began := time.Now()
	arrived := make([]time.Duration, len(list))
	courses := []string{"course-1", "course-2"}
	segments := map[string]int{}
	var cookies sync.Map
	var group sync.WaitGroup
	for i := range burst {
		arrived[i] = time.Since(began)
		group.Go(func() {
			got, err := site.Cookies(t.Context(), tokens[i], courses[i%2])
			if err != nil {
				t.Error(err)
			}
			cookies.Store(i, got)
		})
	}
	group.Wait()
	delay.Store(0)
	if t.Failed() {
		t.FailNow()
	}
	for i := range list {
		course := courses[i%2]
		header, ok := cookies.Load(i)
		if !ok {
			arrived[i] = time.Since(began)
			if header, err = site.Cookies(t.Context(), tokens[i], course); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range page {
			if _, err := site.Get(t.Context(), file, ""); err != nil {
				t.Fatal(err)
			}
		}
		segments[course] = watch(t, site, course, header.(string))
	}
	for range bots {
		response, err := client.Post(origin+"/api/cookies", "application/json", strings.NewReader(`{"path":"course-1"}`))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			t.Fatalf("status %d without a token", response.StatusCode)
		}
	}
	system.Restart() // waits for the functions' logs

	// The later viewers came one after the other, so the simulated ones are two
	// seconds apart. The step of the expiries changes at the same viewer, if it
	// does.
	c := defaults()
	at := func(i int) time.Duration {
		if i < burst {
			return 0
		}
		return time.Duration(2*(i-burst)+4) * time.Second
	}
	ends := func(i int) int64 { return issuance.PolicyEnd(began.Add(arrived[i]), c.Lifetime, c.Step, time.Time{}) }
	c.Start = time.Unix(ends(0), 0).Add(-c.Step - c.Lifetime + time.Second)
	for i := 1; i < len(list); i++ {
		if ends(i) != ends(i-1) {
			c.Start = time.Unix(ends(i-1), 0).Add(time.Second - c.Lifetime - at(i))
		}
	}
	c.KMS, c.SeparateAudio, c.Cold, c.PageRequests = true, false, slow, len(page)
	last := at(len(list) - 1)
	simulated := Run(c, Scenario{
		Duration: last + 5*time.Minute,
		Arrival: func(_ *rand.Rand, i int) (time.Duration, time.Duration, int) {
			play := time.Duration(float64(segments[courses[i%2]]) * c.SegmentSeconds * float64(time.Second))
			return at(i), play, i % 2
		},
		Bot: bots, BotStart: last + time.Second, BotEnd: last + 2*time.Second,
	}, len(list)).Totals

	counted.mu.Lock()
	defer counted.mu.Unlock()
	for _, one := range []struct {
		what            string
		simulated, real float64
	}{
		{"requests of the page", simulated.Page, counted.behavior["*"]},
		{"requests of premium", simulated.Premium, counted.behavior["/premium/*"]},
		{"requests of the API", simulated.API, counted.behavior["/api/*"]},
		{"signer invocations", simulated.Invocations, counted.signer},
		{"signatures", simulated.Sign, counted.action["kms:Sign"]},
		{"Parameter Store calls", simulated.SSM, counted.action["ssm:GetParameters"]},
	} {
		t.Logf("%s: simulated %v, real %v", one.what, one.simulated, one.real)
		if one.real == 0 || math.Abs(one.simulated-one.real) > 0.05*one.real {
			t.Errorf("%s: simulated %v, real %v", one.what, one.simulated, one.real)
		}
	}
}

// runLocal deploys the stack on this machine, with keys in KMS so that each
// signature is a call.
func runLocal(t *testing.T, viewers []cognito.Viewer, counted *counts) (*cloud.Cloud, string) {
	t.Helper()
	folder := t.TempDir()
	file, s, err := assembly.Synthesize(t.Context(), folder, assembly.Changes{"keyCustody": "kms"})
	if err != nil {
		t.Fatal(err)
	}
	template, err := cfn.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var system *cloud.Cloud
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { system.ServeHTTP(w, r) }))
	host := "localhost:" + server.Listener.Addr().String()[strings.LastIndexByte(server.Listener.Addr().String(), ':')+1:]
	system, err = cloud.New(cloud.Options{
		Root: "../..", Assembly: folder, Stack: s.StackName, Host: host, Viewers: viewers, Functions: io.Writer(counted),
		Requests: func(e cloudfront.Entry) {
			counted.mu.Lock()
			defer counted.mu.Unlock()
			counted.behavior[e.Behavior]++
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { system.Close() })
	server.Start()
	t.Cleanup(server.Close)
	if err := system.Deploy(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	return system, "http://" + host
}

// watch fetches the playlists of a course and all segments of its first
// rendition, and returns how many these are.
func watch(t *testing.T, site *player.Site, course, cookies string) (segments int) {
	t.Helper()
	address := site.Origin + "/premium/" + course + "/sample/master.m3u8"
	for address != "" {
		content, err := site.Get(t.Context(), address, cookies)
		if err != nil {
			t.Fatal(err)
		}
		next := ""
		for line := range strings.Lines(string(content)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			uri := resolve(t, address, line)
			if path.Ext(line) == ".m3u8" {
				if next == "" {
					next = uri
				}
				continue
			}
			if _, err := site.Get(t.Context(), uri, cookies); err != nil {
				t.Fatal(err)
			}
			segments++
		}
		address = next
	}
	return segments
}

var reference = regexp.MustCompile(`(?:src|href)="([\w./-]+)"|(?:from|import)\s*\(?"(\.?/[^"]+)"|(?:fetch|read)\("([^"]+)"|"poster":\s*"([^"]+)"`)

// pageFiles returns what a browser loads of the page: the document, what it
// names, and what that names.
func pageFiles(t *testing.T, site *player.Site) []string {
	t.Helper()
	files := []string{site.Origin + "/"}
	known := map[string]bool{files[0]: true}
	for i := 0; i < len(files); i++ {
		content, err := site.Get(t.Context(), files[i], "")
		if err != nil { // the page does without it, such as the catalog of an owner who has none yet
			files = append(files[:i], files[i+1:]...)
			i--
			continue
		}
		for _, match := range reference.FindAllStringSubmatch(string(content), -1) {
			name := strings.Join(match[1:], "")
			base := files[i]
			if strings.HasPrefix(match[0], `"poster"`) || strings.HasPrefix(match[0], "fetch") || strings.HasPrefix(match[0], "read") {
				base = files[0]
			}
			file := resolve(t, base, name)
			if strings.HasPrefix(file, site.Origin+"/") && !strings.Contains(file, "/api/") && !known[file] && path.Ext(files[i]) != ".css" && !strings.Contains(files[i], "vendor") {
				known[file] = true
				files = append(files, file)
			}
		}
	}
	return files
}

func resolve(t *testing.T, base, name string) string {
	t.Helper()
	b, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return r.String()
}
