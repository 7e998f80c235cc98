package browser_test

import (
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"premiumhls/local/cloud"
	"premiumhls/local/cloudfront"
	"premiumhls/test/browser"
	"premiumhls/test/sitetest"
)

const (
	currentTime = `(document.querySelector('premium-video')?.currentTime ?? 0)`
	playing     = currentTime + ` > 1`
	asksSignIn  = `/sign in/i.test(document.querySelector('#status').textContent)`
)

// course selects a video in the page's list.
func course(path string) string { return `[data-path="` + path + `"]` }

// requests counts successful requests to a site by method and path.
type requests struct {
	mu     sync.Mutex
	counts map[string]int
}

func (r *requests) count(o *cloud.Options) {
	log := o.Requests
	r.counts = map[string]int{}
	o.Requests = func(e cloudfront.Entry) {
		log(e)
		r.mu.Lock()
		defer r.mu.Unlock()
		if e.Status == http.StatusOK {
			r.counts[e.Method+" "+e.Path]++
		}
	}
}

func (r *requests) of(request string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[request]
}

// In each engine, over TLS, a premium video plays after sign-in only, its
// cookies are renewed, and sign-out ends access and the refresh token.
func TestPlaysInBrowsers(t *testing.T) {
	ca := sitetest.NewAuthority(t)
	served := &requests{}
	s := sitetest.New(t, nil, ca.Serve, served.count)
	for _, engine := range browser.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			b := browser.Open(t, engine)
			b.Go(s.Origin + "/")

			// Signed out: the trailer plays, premium does not.
			b.Click(course("trailers/sample"))
			b.Until(playing)
			b.Click(course("course-1"))
			b.Until(asksSignIn)
			neverPlays(t, b)

			signIn(b, "ada")
			b.Click(course("course-1"))
			b.Until(playing)

			// Two hours later by the page's clock, token and cookies are renewed.
			const issue = "POST /api/cookies"
			issued := served.of(issue)
			token := b.Number(`JSON.parse(sessionStorage.getItem('premium-hls.tokens')).since`)
			b.Number(`(() => {
				document.querySelector('premium-video').currentTime = 0;
				const now = Date.now;
				Date.now = () => now() + 7_200_000;
				dispatchEvent(new Event('focus'));
				return 0;
			})()`)
			for range 100 {
				if served.of(issue) > issued {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if got := served.of(issue); got != issued+1 {
				t.Errorf("%d requests for cookies, want %d", got, issued+1)
			}
			if b.Number(`JSON.parse(sessionStorage.getItem('premium-hls.tokens')).since`) <= token {
				t.Error("the token was not refreshed")
			}
			b.Until(playing)

			refresh := b.Text(`JSON.parse(sessionStorage.getItem('premium-hls.tokens')).refreshToken`)
			client := b.Text(`(await fetch('config.json').then((r) => r.json())).signIn.clientId`)
			b.Click("#sign-out")
			b.Until(`document.querySelector('#sign-in') && document.querySelector('` + course("course-1") + `')`)
			b.Click(course("course-1"))
			b.Until(asksSignIn)
			if status := b.Number(`fetch('/premium/course-1/sample/master.m3u8').then((r) => r.status)`); status != 403 {
				t.Errorf("after sign-out the playlist returns %v, want 403", status)
			}
			response, err := (&http.Client{Transport: ca.Transport()}).PostForm(s.IssuerURL()+"/oauth2/token", url.Values{
				"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {client},
			})
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusBadRequest {
				t.Errorf("after sign-out the refresh token returns %d, want 400", response.StatusCode)
			}
		})
	}
}

// WebKit sends no Secure cookies over http, also not to localhost. The page
// says so, and public videos play.
func TestPageNeedsHTTPSInWebKit(t *testing.T) {
	s := sitetest.New(t, nil)
	b := browser.Open(t, browser.WebKit)
	b.Go(s.Origin + "/")
	b.Click(course("trailers/sample"))
	b.Until(playing)
	signIn(b, "ada")
	b.Click(course("course-1"))
	b.Until(`/https/.test(document.querySelector('#status').textContent)`)
	neverPlays(t, b)
}

// The page shows which videos a viewer is not entitled to, plays the others,
// and says why it plays no more. This is over http, as in a local run.
func TestPageShowsLocks(t *testing.T) {
	s := sitetest.New(t, map[string]any{"entitlements": map[string]any{"claim": "custom:courses", "paths": true}, "userPoolAttributes": []any{"courses"}})
	b := browser.Open(t, browser.Chromium)
	b.Go(s.Origin + "/")
	signIn(b, "ben")
	b.Until(`/not part of your plan/i.test(document.querySelector('[data-path="course-2"]')?.innerText)`)
	if b.Number(`/not part of your plan/i.test(document.querySelector('[data-path="course-1"]').innerText) ? 1 : 0`) != 0 {
		t.Error("course-1 is locked, to which ben is entitled")
	}
	b.Click(course("course-1"))
	b.Until(playing)
	b.Click(course("course-2"))
	b.Until(`/plan/i.test(document.querySelector('#status').textContent)`)
	neverPlays(t, b)
	if file := os.Getenv("SCREENSHOT"); file != "" {
		b.Screenshot(file)
	}
}

// signIn signs a viewer in at the local issuer and waits for the page.
func signIn(b browser.Tab, viewer string) {
	b.Click("#sign-in")
	b.Click(`button[value="` + viewer + `"]`)
	b.Until(`document.querySelector('#sign-out') && document.querySelector('` + course("course-1") + `')`)
}

// neverPlays checks for a second that no video plays.
func neverPlays(t *testing.T, b browser.Tab) {
	t.Helper()
	for range 10 {
		time.Sleep(100 * time.Millisecond)
		if at := b.Number(currentTime); at != 0 {
			t.Fatalf("a refused video plays, at %v s", at)
		}
	}
}
