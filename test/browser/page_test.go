package browser_test

import (
	"os"
	"testing"

	"premiumhls/local/s3"
	"premiumhls/test/browser"
	"premiumhls/test/sitetest"
)

// What changes on the page while it is open: courses and lessons that appear at
// the address a viewer has already, and the lesson that follows.
func TestPage(t *testing.T) {
	t.Parallel()
	s := sitetest.New(t, map[string]any{"siteName": "Ropes & <Knots>"})
	bucket, err := s.Bucket()
	if err != nil {
		t.Fatal(err)
	}
	put := func(objects map[string]string) {
		t.Helper()
		for key, content := range objects {
			if err := bucket.Put(key, s3.Object{Content: []byte(content), ContentType: "application/json", CacheControl: "no-cache"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	const folder = "public/trailers/sample/"
	details := `{"path": "knots/one", "playlist": "master.m3u8", "duration": 8}`
	lesson := func(name string) string {
		return `{"path": "knots/` + name + `", "title": "Lesson ` + name + `", "duration": 8, "free": true, "details": "trailers/sample/lesson.json"}`
	}
	courses := func(lessons string) string {
		return `{"courses": [{"path": "knots", "title": "Knots", "lessons": ` + lessons + `, "duration": 16, "free": true}], "videos": [{"path": "course-1", "title": "Northern Light", "playlist": "sample/master.m3u8"}]}`
	}
	put(map[string]string{
		folder + "lesson.json": details,
		"public/catalog.json":  `{"videos": [{"path": "trailers/sample", "title": "Evening Light", "public": true}]}`,
	})
	b := browser.Open(t, browser.Chromium)
	b.Go(s.Origin + "/#/knots")
	b.Until(`/no such video/i.test(document.querySelector('h1')?.innerText)`)

	// The course appears where the viewer waits for it.
	put(map[string]string{
		"public/catalog/knots.json": `{"path": "knots", "title": "Knots", "lessons": [` + lesson("one") + `]}`,
		"public/catalog.json":       courses("1"),
	})
	look := func() { b.Number(`(dispatchEvent(new Event('focus')), 0)`) }
	look()
	b.Until(`document.querySelectorAll('.lessons [data-path]').length === 1`)
	if title := b.Text(`document.title`); title != "Knots – Ropes & <Knots>" {
		t.Errorf("the title is %q", title)
	}

	// So does a lesson of a course that was read before.
	b.Click(`.brand`)
	b.Until(`document.querySelector('.home')`)
	put(map[string]string{
		"public/catalog/knots.json": `{"path": "knots", "title": "Knots", "lessons": [` + lesson("one") + `, ` + lesson("two") + `]}`,
		"public/catalog.json":       courses("2"),
	})
	b.Number(`(location.hash = '#/knots/two', 0)`)
	b.Until(`document.querySelector('h1')?.innerText === 'Lesson two'`)

	// Nothing lies over a video without a panel.
	b.Click(`[data-path="knots/one"]`)
	b.Until(playing)
	if text := b.Text(`document.querySelector('premium-video').textContent.trim()`); text != "" {
		t.Errorf("over the video stands %q", text)
	}
	if file := os.Getenv("SCREENSHOT"); file != "" {
		b.Screenshot(file)
	}

	// A video that ends twice, as after the End key, leads on once.
	b.Number(`(() => {
		globalThis.seen = [];
		globalThis.running = new Set();
		const [set, clear] = [setInterval, clearInterval];
		globalThis.setInterval = (...given) => { const id = set(...given); if (given[1] === 1000) running.add(id); return id; };
		globalThis.clearInterval = (id) => { running.delete(id); clear(id); };
		return 0;
	})()`)
	b.Number(`(document.querySelector('premium-video').currentTime = document.querySelector('premium-video').duration - 0.5, 0)`)
	b.Until(`document.querySelector('[data-next="knots/two"]')`)
	b.Number(`(document.querySelector('premium-video').video.currentTime = document.querySelector('premium-video').duration, 0)`)
	b.Number(`new Promise((done) => setTimeout(done, 1500)).then(() => 0)`)
	if n := b.Number(`running.size`); n != 1 {
		t.Errorf("%v countdowns", n)
	}
	b.Until(`location.hash === '#/knots/two'`)
	b.Until(`running.size === 0`)
}
