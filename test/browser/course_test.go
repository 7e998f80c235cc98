package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"premiumhls/local/s3"
	"premiumhls/test/browser"
	"premiumhls/test/sitetest"
)

// shadow finds an element of the player.
func shadow(selector string) string {
	return fmt.Sprintf("document.querySelector('premium-video').shadowRoot.querySelector(%q)", selector)
}

// From an empty site to a course on sale: two films are uploaded, and the course
// appears, locked, on a page that is open already; it plays after a grant, with
// captions, chapters, previews, the viewer's position and the next lesson.
func TestCourse(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to encode films")
	}
	folder := filepath.Join(t.TempDir(), "knots")
	makeCourse(t, folder)
	s := sitetest.Prepare(t, map[string]any{"ingest": true, "entitlements": "table", "sample": false})
	if err := s.Deploy(t.Context(), s.Assembly.Template); err != nil {
		t.Fatal(err)
	}
	b := browser.Open(t, browser.Chromium)
	b.Go(s.Origin + "/")
	b.Until(`/no videos yet/i.test(document.body.innerText)`)
	b.Number(`(globalThis.here = 1)`) // gone after a reload

	premium := s.Command()
	premium("upload", folder)
	b.Until(`document.querySelector('[data-path="knots"]')`)
	b.Click(`[data-path="knots"]`)
	b.Until(`document.querySelectorAll('.lessons [data-path]').length === 2`)
	if got := b.Text(`[...document.querySelectorAll('.lessons [data-path]')].map((one) => one.dataset.path + ' ' + one.querySelector('.mark').innerText).join(', ')`); got != "knots/intro Free, knots/bowline Sign in to watch" {
		t.Errorf("lessons: %s", got)
	}
	if b.Number("globalThis.here ?? 0") != 1 {
		t.Error("the page was reloaded")
	}

	// The preview is free. The other lesson is locked, and its details are too.
	b.Click(`.lessons [data-path="knots/intro"]`)
	b.Until(playing)
	b.Click(`[data-path="knots/bowline"]`)
	b.Until(asksSignIn)
	neverPlays(t, b)
	if status := b.Number(`fetch('/premium/knots/bowline/lesson.json').then((r) => r.status)`); status != 403 {
		t.Errorf("the details of a locked lesson: %v", status)
	}
	b.Click("#sign-in")
	b.Click(`button[value="ben"]`)
	b.Until(`document.querySelector('[data-problem="not_entitled"]')`)
	neverPlays(t, b)

	// A grant opens it where the viewer is.
	b.Number(`(globalThis.here = 2)`)
	premium("grant", "ben", "knots")
	b.Number(`(dispatchEvent(new Event('focus')), 0)`)
	b.Until(`document.querySelector('premium-video').duration > 0 && !document.querySelector('[data-problem]')`)
	b.Number(`(document.querySelector('premium-video').play(), 0)`)
	b.Until(playing)
	if b.Number("globalThis.here ?? 0") != 2 {
		t.Error("the page was reloaded")
	}

	// Captions and chapters.
	b.Number(`(` + shadow("button.captions") + `.click(), 0)`)
	b.Number(`([...` + shadow(".menu") + `.querySelectorAll('button')].find((one) => one.innerText === 'English').click(), 0)`)
	b.Until(shadow(".cues") + `.innerText.includes('rabbit')`)
	b.Click(`[data-chapter="45"]`)
	b.Until(`Math.abs(document.querySelector('premium-video').currentTime - 46) < 3 && document.querySelector('[data-chapter="45"]').ariaCurrent === 'true'`)
	if marks := b.Number(shadow(".seek") + ".querySelectorAll('.mark').length"); marks != 2 {
		t.Errorf("%v chapters are marked on the seek bar, want 2", marks)
	}

	// The preview of a time is its picture, cut out of a sheet.
	b.Number(`(() => {
		const seek = ` + shadow(".seek") + `;
		const box = seek.getBoundingClientRect();
		seek.dispatchEvent(new PointerEvent('pointermove', { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true }));
		return 0;
	})()`)
	b.Until(shadow(".preview .cell img") + `.naturalWidth > 0 && !` + shadow(".preview") + `.hidden`)
	if label := b.Text(shadow(".preview .label") + ".innerText"); label != "0:30 Round the tree" {
		t.Errorf("the preview says %q", label)
	}
	if b.Number(`/translate\(0px, 0px\)/.test(`+shadow(".preview .cell img")+`.style.transform) ? 1 : 0`) != 0 {
		t.Error("the preview of the middle is the first picture")
	}
	if file := os.Getenv("SCREENSHOT"); file != "" {
		b.Screenshot(file)
	}

	// The position is offered after a reload, and the first lesson leads on to
	// this one.
	b.Number(`(document.querySelector('premium-video').currentTime = 30, 0)`)
	b.Until(`Math.abs((JSON.parse(localStorage.getItem('premium-hls.positions') ?? '{}')['knots/bowline']?.time ?? 0) - 33) < 4`)
	b.Number(`(setTimeout(() => location.reload()), 0)`)
	b.Until(`globalThis.here === undefined && document.querySelector('[data-continue]')`)
	b.Click(`[data-continue]`)
	b.Until(currentTime + ` > 31`)
	b.Click(`[data-path="knots/intro"]`)
	b.Until(playing)
	b.Number(`(document.querySelector('premium-video').currentTime = document.querySelector('premium-video').duration - 0.5, 0)`)
	b.Until(`document.querySelector('[data-next="knots/bowline"]')`)
	b.Until(`location.hash === '#/knots/bowline'`)
}

// makeCourse makes a course of a free film of some seconds, and of one of a
// minute with captions and chapters.
func makeCourse(t *testing.T, folder string) {
	t.Helper()
	for name, text := range map[string]string{
		"course.json":    `{"title": "Sailor's Knots", "description": "Knots that hold."}`,
		"intro.json":     `{"title": "Why knots", "order": 1, "free": true}`,
		"bowline.json":   `{"title": "The bowline", "order": 2, "chapters": [{"start": "0:00", "title": "The loop"}, {"start": "0:20", "title": "Round the tree"}, {"start": "0:45", "title": "Pull it tight"}]}`,
		"bowline.en.vtt": "WEBVTT\n\n00:01.000 --> 00:19.000\nThe rabbit comes out of the hole\n\n00:20.000 --> 00:59.000\nand round the tree.\n",
	} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, seconds := range map[string]int{"intro": 12, "bowline": 60} {
		source := fmt.Sprintf("testsrc2=s=320x180:r=25:d=%d", seconds)
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-f", "lavfi", "-i", fmt.Sprintf("sine=d=%d", seconds),
			"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", filepath.Join(folder, name+".mp4")).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}

// From a locked course over a purchase to a playing video, on one page.
func TestBuyOnThePage(t *testing.T) {
	s := sitetest.NewShop(t)
	references := make(chan string, 1)
	ca := sitetest.NewAuthority(t)
	// The payment page of Stripe, which sends the buyer back.
	pay := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reference := r.URL.Query().Get("client_reference_id"); reference != "" {
			references <- reference
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a id="back" href="%s/?purchase=done#/course-1">Back to the course</a>`, s.Origin)
	}))
	pay.TLS = ca.Config.Clone()
	pay.StartTLS()
	t.Cleanup(pay.Close)
	bucket, err := s.Bucket()
	if err != nil {
		t.Fatal(err)
	}
	list := `{"videos": [{"path": "course-1", "title": "Northern Light", "playlist": "sample/master.m3u8", "price": "€49", "paymentLink": "` + pay.URL + `/course-1"}]}`
	if err := bucket.Put("public/catalog.json", s3.Object{Content: []byte(list), ContentType: "application/json"}); err != nil {
		t.Fatal(err)
	}
	premium := s.Command()

	b := browser.Open(t, browser.Chromium)
	b.Go(s.Origin + "/#/course-1")
	b.Until(`/€49/.test(document.querySelector('[data-buy]')?.innerText)`)
	b.Click("#sign-in")
	b.Click(`button[value="ben"]`)
	b.Until(`document.querySelector('[data-problem="not_entitled"] [data-buy]')`)
	neverPlays(t, b)
	if file := os.Getenv("SCREENSHOT"); file != "" {
		b.Screenshot(file)
	}
	b.Click(`[data-problem] [data-buy]`)
	b.Click("#back")
	b.Until(`/waiting for the payment/i.test(document.querySelector('#notice')?.textContent)`)
	b.Number(`(globalThis.here = 1)`)
	premium("stripe", "simulate", "checkout", "--reference", <-references, "--email", "another@example.com", "--product", "course-1")
	b.Until(`!document.querySelector('[data-problem]') && document.querySelector('premium-video').duration > 0`)
	b.Until(`/has arrived/i.test(document.querySelector('#notice').textContent)`)
	b.Number(`(document.querySelector('premium-video').play(), 0)`)
	b.Until(playing)
	if b.Number("globalThis.here ?? 0") != 1 {
		t.Error("the page was reloaded")
	}
	if search := b.Text("location.search"); search != "" {
		t.Errorf("the address still says %s", search)
	}
}
