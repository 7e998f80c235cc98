package test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// In a real browser the video plays for who signed in, and not for who did
// not; and it goes on when the first cookies have ended.
func TestPlaysInBrowser(t *testing.T) {
	path := find(t, "Chromium (apt-get install chromium)", "chromium", "chromium-browser", "google-chrome")
	s := newSite(t, nil)
	b := newBrowser(t, path)

	b.do(chromedp.Navigate("http://" + s.host + "/"))
	b.until(`document.querySelector('[data-path="course-1"]')`)

	// Whoever has not signed in sees the trailer and no premium video.
	b.do(chromedp.Click(chromedp.CSS(`[data-path="trailers/sample"]`)))
	b.until(playing)
	b.do(chromedp.Click(chromedp.CSS(`[data-path="course-1"]`)))
	b.until(`/sign in/i.test(document.querySelector('#status').textContent)`)
	for range 10 {
		time.Sleep(100 * time.Millisecond)
		if at := b.number(currentTime); at != 0 {
			t.Fatalf("a premium video plays without signing in, at %v s", at)
		}
	}

	// Signing in comes back to the page, and the video plays.
	b.do(chromedp.Click(chromedp.CSS("#sign-in")))
	b.until(`[...document.querySelectorAll('button')].find(b => b.value === 'ada')`)
	b.do(chromedp.Click(chromedp.CSS(`button[value="ada"]`)))
	b.until(`document.querySelector('#sign-out') && document.querySelector('[data-path="course-1"]')`)
	b.do(chromedp.Click(chromedp.CSS(`[data-path="course-1"]`)))
	b.until(playing)

	// Signing out ends it.
	b.do(chromedp.Click(chromedp.CSS("#sign-out")))
	b.until(`document.querySelector('#sign-in')`)
	b.do(chromedp.Click(chromedp.CSS(`[data-path="course-1"]`)))
	b.until(`/sign in/i.test(document.querySelector('#status').textContent)`)
	if status := b.number(`fetch('/premium/course-1/master.m3u8').then(r => r.status)`); status != 403 {
		t.Errorf("after signing out the playlist is %v", status)
	}
}

// The page shows a viewer what is not theirs, plays what is, and says why it
// does not play the rest.
func TestPageShowsLocks(t *testing.T) {
	path := find(t, "Chromium (apt-get install chromium)", "chromium", "chromium-browser", "google-chrome")
	s := newSite(t, map[string]any{"entitlements": map[string]any{"claim": "custom:courses", "paths": true}})
	b := newBrowser(t, path)
	b.do(chromedp.Navigate("http://" + s.host + "/"))
	b.until(`document.querySelector('#sign-in')`)
	b.do(chromedp.Click(chromedp.CSS("#sign-in")))
	b.until(`[...document.querySelectorAll('button')].find(b => b.value === 'ben')`)
	b.do(chromedp.Click(chromedp.CSS(`button[value="ben"]`)))
	b.until(`/not part of your plan/i.test(document.querySelector('[data-path="course-2"]')?.innerText)`)
	if b.number(`/not part of your plan/i.test(document.querySelector('[data-path="course-1"]').innerText) ? 1 : 0`) != 0 {
		t.Error("course-1 is locked, which ben has bought")
	}
	b.do(chromedp.Click(chromedp.CSS(`[data-path="course-1"]`)))
	b.until(playing)
	b.do(chromedp.Click(chromedp.CSS(`[data-path="course-2"]`)))
	b.until(`/plan/i.test(document.querySelector('#status').textContent)`)
	for range 10 {
		time.Sleep(100 * time.Millisecond)
		if at := b.number(currentTime); at != 0 {
			t.Fatalf("course-2 plays for ben, at %v s", at)
		}
	}
	if file := os.Getenv("SCREENSHOT"); file != "" {
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(90))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	currentTime = `(document.querySelector('video')?.currentTime ?? 0)`
	playing     = currentTime + ` > 1`
)

// find looks for a program, and skips the test where none of its names is one.
func find(t testing.TB, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("to run this test, install %s", install)
	return ""
}

// A browser is a headless Chromium with one tab.
type browser struct {
	t   *testing.T
	ctx context.Context
}

func newBrowser(t *testing.T, path string) browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Flag("no-sandbox", true), // it would not start as root
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("mute-audio", true),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	return browser{t, ctx}
}

func (b browser) do(action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, action); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a condition, over changes of the page.
func (b browser) until(condition string) {
	b.t.Helper()
	for range 300 {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")")); err == nil && ok {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + '\n' + document.body.innerText`))
	b.t.Fatalf("never came: %s\nthe page says: %s", condition, strings.TrimSpace(page))
}

func (b browser) number(expression string) float64 {
	b.t.Helper()
	n, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](fmt.Sprintf("(async () => await (%s))()", expression), chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return n
}
