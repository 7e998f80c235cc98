package browser_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"premiumhls/local/cloud"
	"premiumhls/local/cloudfront"
	"premiumhls/stacks/assets/npm"
	"premiumhls/test/browser"
	"premiumhls/test/sitetest"
)

// otherSite serves a page of another site with players, and returns its origin.
func otherSite(t *testing.T, config *tls.Config) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir("testdata/player")))
	mux.Handle("/lib/", http.StripPrefix("/lib/", http.FileServer(http.Dir("../node_modules"))))
	server := httptest.NewUnstartedServer(mux)
	server.TLS = config.Clone()
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL // https://127.0.0.1:PORT, which is another site than localhost
}

// A link plays to the end in a page of another site, in every engine and player,
// with all cookies blocked. Expired or for another course it does not.
func TestLinkPlaysInBrowsers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	if err := npm.Install(t.Context(), ".."); err != nil {
		t.Fatal(err)
	}
	ca := sitetest.NewAuthority(t)
	page := otherSite(t, ca.Config)
	served := &sitetest.Segments{}
	s := sitetest.New(t, sitetest.LinkSettings(map[string]any{"allowedOrigins": []any{page}}), ca.Serve, served.Watch, signedURLsOnly(t))
	address := s.Link("ben", `{"path":"course-1/sample"}`)
	url := s.Origin + address
	for _, engine := range browser.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			b := browser.OpenWith(t, engine, browser.Options{BlockCookies: true})
			served.Reset() // not for each player: a browser caches segments
			for _, player := range []string{"hls.js", "Shaka", "video.js", "the browser itself"} {
				if player == "the browser itself" && engine.Name != "Chromium" {
					continue // Firefox has no HLS of its own, and WebKitGTK plays none here
				}
				t.Run(player, func(t *testing.T) {
					// On a busy machine WebKitGTK sometimes has a whole video
					// and does not start it.
					for range 3 {
						b.Go(page + "/")
						b.Number(fmt.Sprintf(`(start(%q, %q), 0)`, player, url))
						if b.Number(started) != 0 {
							break
						}
					}
					b.Number(`(video().playbackRate = 4, 0)`)
					b.Until(`failure || video().ended`)
					if failure := b.Text("failure"); failure != "" {
						t.Errorf("failed: %s", failure)
					}
					if !served.All("segment-%02d.ts") {
						t.Error("not every segment was served")
					}
					if n := b.Number("document.cookie.length"); n != 0 {
						t.Error("the page has cookies")
					}
				})
			}
			for name, url := range map[string]string{
				"with the path of another course": strings.Replace(url, "course-1", "course-2", 1),
				"with one byte changed":           strings.Replace(url, "Signature=M", "Signature=N", 1),
			} {
				t.Run(name, func(t *testing.T) {
					served.Reset()
					b.Go(page + "/")
					b.Number(fmt.Sprintf(`(start("hls.js", %q), 0)`, url))
					b.Until(`failure`)
					if served.Played() != 0 {
						t.Errorf("%d segments were served", served.Played())
					}
				})
			}
		})
	}

	// A cast receiver is a page with Shaka and no cookies, to which a sender
	// sends the link.
	t.Run("a cast receiver", func(t *testing.T) {
		b := browser.OpenWith(t, browser.Chromium, browser.Options{BlockCookies: true})
		served.Reset()
		b.Go(page + "/")
		load := fmt.Sprintf(`(postMessage({ type: "LOAD", media: { contentId: %q, contentType: "application/x-mpegurl" } }), 0)`, url)
		b.Number(load)
		b.Until(`failure || video().currentTime > 1`)
		b.Number(`(video().playbackRate = 4, 0)`)
		b.Until(`failure || video().ended`)
		if failure := b.Text("failure"); failure != "" || !served.All("segment-%02d.ts") {
			t.Errorf("the receiver does not play: %s", failure)
		}

		// A link that has expired.
		s.Clock.Forward(25 * 60 * 60 * 1e9)
		served.Reset()
		b.Go(page + "/")
		b.Number(load)
		b.Until(`failure`)
		if served.Played() != 0 {
			t.Errorf("%d segments of an expired link were served", served.Played())
		}
	})
}

// started resolves to 1 when a video plays or has failed, and to 0 if neither
// happens for some time.
const started = `new Promise((resolve) => {
	const end = Date.now() + 15_000;
	const check = () => failure || video().currentTime > 1 ? resolve(1) : Date.now() > end ? resolve(0) : setTimeout(check, 100);
	check();
})`

// signedURLsOnly fails the test if a video is served for cookies.
func signedURLsOnly(t *testing.T) func(*cloud.Options) {
	return func(o *cloud.Options) {
		log := o.Requests
		o.Requests = func(e cloudfront.Entry) {
			log(e)
			if e.Status == http.StatusOK && strings.HasPrefix(e.Path, "/premium/course-") && !strings.HasPrefix(e.Decision.Checks[0].Found, "signed URL") {
				t.Errorf("%s was served for %s", e.Method, e.Decision.Checks[0].Found)
			}
		}
	}
}
