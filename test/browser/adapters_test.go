package browser_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"premiumhls/local/cloud"
	"premiumhls/local/cloudfront"
	"premiumhls/stacks/assets/npm"
	"premiumhls/test/browser"
	"premiumhls/test/sitetest"
)

// The examples of the element and its adapters play on a page of another origin:
// with cookies on the same site, with a link on another one, and with a link where
// cookies do not arrive. After a refusal they go on where they were; a second one
// in a row is final.
func TestAdapters(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	if err := npm.Install(t.Context(), ".."); err != nil {
		t.Fatal(err)
	}
	ca := sitetest.NewAuthority(t)
	other := repository(t, ca.Config) // https://127.0.0.1:PORT, which is another site than localhost
	sibling := strings.Replace(repository(t, ca.Config), "127.0.0.1", "localhost", 1)

	edge := &expiry{}
	s := sitetest.New(t, sitetest.LinkSettings(map[string]any{"allowedOrigins": []any{other, sibling}}), ca.Serve, edge.watch)
	edge.clock = s.Clock
	s.Put(longLesson(t))

	for _, mode := range []struct {
		name, page string
		options    browser.Options
	}{
		{"cookies", sibling, browser.Options{}},
		{"link", other, browser.Options{BlockCookies: true}},
		// The edge refuses the first file, for lack of cookies.
		{"link in place of cookies", sibling, browser.Options{BlockCookies: true}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			b := browser.OpenWith(t, browser.Chromium, mode.options)
			for _, player := range []string{"element", "hls", "shaka", "videojs"} {
				t.Run(player, func(t *testing.T) {
					b.Go(fmt.Sprintf("%s/player/element/examples/%s.html?api=%s&path=course-1/long", mode.page, player, s.Origin))
					b.Until(`document.readyState === "complete"`)
					b.Number(fmt.Sprintf(`(document.querySelector("form").elements.token.value = %q, 0)`, s.Token("ben")))
					b.Click("form button")
					b.Until(video + `.currentTime > 1`)
					if asked := b.Number(`performance.getEntriesByType("resource").filter((one) => one.name.endsWith("/api/links")).length`); (asked > 0) != (mode.name != "cookies") {
						t.Errorf("%v requests for a link", asked)
					}
					if mode.name == "link in place of cookies" {
						return
					}

					edge.expire()
					defer edge.end()
					b.Number(`(` + video + `.currentTime = 3000, 0)`)
					edge.renewed(t)
					b.Until(video + `.currentTime > 3001`)
					if at := b.Number(video + `.currentTime`); at > 3030 {
						t.Errorf("goes on at %v s, was at 3000 s", at)
					}
					if text := b.Text(alert); text != "" {
						t.Errorf("the page says %q", text)
					}

					// Now the edge refuses what was just granted.
					edge.expire()
					b.Number(`(` + video + `.currentTime = 6000, 0)`)
					b.Until(alert)
					if text := b.Text(alert); !strings.HasPrefix(text, "This video was refused.") {
						t.Errorf("the page says %q", text)
					}
				})
			}
		})
	}
}

const (
	video = `(document.querySelector("premium-video")?.video ?? document.querySelector("video"))`
	alert = `document.querySelector("[role=alert]").textContent`
)

// An expiry is an edge for which all that was granted has expired, until the API
// is asked for more.
type expiry struct {
	clock *sitetest.Clock
	mu    sync.Mutex
	over  chan struct{} // closed when it ends; nil before it begins
}

func (e *expiry) watch(o *cloud.Options) {
	log := o.Requests
	o.Requests = func(entry cloudfront.Entry) {
		log(entry)
		if entry.Method == "POST" && strings.HasPrefix(entry.Path, "/api/") {
			e.end()
		}
	}
}

func (e *expiry) expire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock.Forward(25 * time.Hour)
	e.over = make(chan struct{})
}

func (e *expiry) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over == nil {
		return
	}
	e.clock.Forward(-25 * time.Hour)
	close(e.over)
	e.over = nil
}

// renewed waits until the API was asked.
func (e *expiry) renewed(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	over := e.over
	e.mu.Unlock()
	if over == nil {
		return
	}
	select {
	case <-over:
	case <-time.After(30 * time.Second):
		t.Fatal("the player asks for no other grant")
	}
}

// repository serves the repository, as the examples' README says, and returns
// its origin.
func repository(t *testing.T, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.FileServer(http.Dir("../..")))
	server.TLS = config.Clone()
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// longLesson are the objects of a lesson of two hours, which no player buffers at
// once: the sample's five segments over and over, each time at another address.
func longLesson(t *testing.T) map[string]string {
	t.Helper()
	const folder = "premium/course-1/long/"
	var media strings.Builder
	media.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	for n := range 1800 {
		if n > 0 && n%5 == 0 {
			media.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		fmt.Fprintf(&media, "#EXTINF:4.000000,\nsegment-%02d.ts?n=%d\n", n%5, n)
	}
	media.WriteString("#EXT-X-ENDLIST\n")
	objects := map[string]string{
		folder + "lesson.json":   `{"path":"course-1/long","version":"v1","playlist":"v1/main.m3u8"}`,
		folder + "v1/main.m3u8":  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS=\"avc1.64000d,mp4a.40.2\",RESOLUTION=426x240\nmedia.m3u8\n",
		folder + "v1/media.m3u8": media.String(),
	}
	for n := range 5 {
		name := fmt.Sprintf("segment-%02d.ts", n)
		content, err := os.ReadFile("../../player/sample/premium/course-1/sample/240p/" + name)
		if err != nil {
			t.Fatal(err)
		}
		objects[folder+"v1/"+name] = string(content)
	}
	return objects
}
