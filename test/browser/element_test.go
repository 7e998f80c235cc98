package browser_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"premiumhls/internal/hls"
	"premiumhls/stacks/assets/npm"
	"premiumhls/test/browser"
	"premiumhls/test/sitetest"
)

const (
	filmSeconds = 90
	cellSeconds = 10
)

// cells are the colors of the pictures in the film's storyboard.
var cells = []color.RGBA{
	{200, 40, 40, 255}, {40, 200, 40, 255}, {40, 40, 200, 255},
	{200, 200, 40, 255}, {40, 200, 200, 255}, {200, 40, 200, 255},
	{230, 120, 30, 255}, {120, 230, 120, 255}, {120, 120, 230, 255},
}

// lesson is a film below a folder of the bucket, as ingest lays it out: two
// renditions, captions in two languages, chapters and a storyboard.
func lesson(t *testing.T, folder string) map[string]string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to encode films")
	}
	dir := t.TempDir()
	out, err := exec.Command("ffmpeg", "-v", "error",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=640x360:r=10:d=%d", filmSeconds), "-f", "lavfi", "-i", fmt.Sprintf("sine=d=%d", filmSeconds),
		"-filter_complex", "[0:v]split[a][b];[b]scale=320:180[c]", "-map", "[a]", "-map", "1:a", "-map", "[c]", "-map", "1:a",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "40", "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k",
		"-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-hls_flags", "independent_segments",
		"-var_stream_map", "v:0,a:0,name:360 v:1,a:1,name:180", filepath.Join(dir, "%v", "index.m3u8")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := map[string]string{}
	err = filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if err == nil {
			relative, _ := filepath.Rel(dir, name)
			files[folder+"v1/"+filepath.ToSlash(relative)] = string(content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	captions := func(language, text string) string {
		var b strings.Builder
		b.WriteString("WEBVTT\n")
		for at := 0; at < filmSeconds; at += 10 {
			fmt.Fprintf(&b, "\n00:%02d:%02d.000 --> 00:%02d:%02d.500\n%s %d\n", at/60, at%60, (at+9)/60, (at+9)%60, text, at)
		}
		files[folder+"v1/"+language+".vtt"] = b.String()
		return fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:%d\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:%d,\n%s.vtt\n#EXT-X-ENDLIST\n", filmSeconds, filmSeconds, language)
	}
	files[folder+"v1/captions_en.m3u8"] = captions("en", "Hello")
	files[folder+"v1/captions_de.m3u8"] = captions("de", "Hallo")
	files[folder+"v1/main.m3u8"] = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",AUTOSELECT=YES,URI="captions_en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Deutsch",LANGUAGE="de",AUTOSELECT=YES,URI="captions_de.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS="avc1.42c01e,mp4a.40.2",SUBTITLES="s"
360/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=320x180,CODECS="avc1.42c01e,mp4a.40.2",SUBTITLES="s"
180/index.m3u8
`
	files[folder+"lesson.json"] = fmt.Sprintf(`{"path":"course-1/film","version":"v1","playlist":"v1/main.m3u8","duration":%d,"storyboard":"v1/storyboard.vtt",
"chapters":[{"start":0,"title":"Beginning"},{"start":30,"title":"Middle"},{"start":70,"title":"End <b>bold</b>"}]}`, filmSeconds)

	const width, height, columns = 64, 36, 5
	sheet := image.NewRGBA(image.Rect(0, 0, columns*width, 2*height))
	for i, c := range cells {
		for x := range width {
			for y := range height {
				sheet.Set(i%columns*width+x, i/columns*height+y, c)
			}
		}
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, sheet); err != nil {
		t.Fatal(err)
	}
	files[folder+"v1/sheet.png"] = picture.String()
	files[folder+"v1/storyboard.vtt"] = hls.Storyboard{
		Sheets: []string{"sheet.png"}, Columns: columns, Rows: 2, Width: width, Height: height,
		Interval: cellSeconds * time.Second, Pictures: len(cells), Duration: filmSeconds * time.Second,
	}.WebVTT()
	return files
}

// elementPage is the page that the tests of the element use, below a folder.
func elementPage(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"index.html", "page.css", "page.js"} {
		content, err := os.ReadFile(filepath.Join("testdata/element", name))
		if err != nil {
			t.Fatal(err)
		}
		files[folder+name] = string(content)
	}
	return files
}

// A stage is a tab with the test page, in which an element is shown.
type stage struct {
	browser.Hands
	t    *testing.T
	page string
}

// show opens the page anew and shows an element with these properties.
func (s stage) show(properties map[string]any) {
	s.t.Helper()
	s.Go(s.page)
	s.Until("globalThis.ready")
	text, err := json.Marshal(properties)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Number(fmt.Sprintf("(show(%s), 0)", text))
}

// press clicks in the middle of a part of the element.
func (s stage) press(selector string) {
	s.t.Helper()
	s.Until(fmt.Sprintf("at(%q)?.checkVisibility()", selector))
	s.point(selector, 0.5, 0.5) // controls that have hidden appear
	s.Until(fmt.Sprintf("seen(%q)", selector))
	s.Press(s.place(selector, 0.5, 0.5))
}

// point moves the mouse to a place in a part of the element.
func (s stage) point(selector string, x, y float64) {
	s.t.Helper()
	s.Move(s.place(selector, x, y))
}

func (s stage) place(selector string, x, y float64) (float64, float64) {
	s.t.Helper()
	at := fmt.Sprintf("place(%q, %v, %v)", selector, x, y)
	return s.Number(at + "[0]"), s.Number(at + "[1]")
}

// wants fails the test unless a condition holds now.
func (s stage) wants(condition string) {
	s.t.Helper()
	if s.Number("Boolean("+condition+") ? 1 : 0") != 1 {
		s.t.Errorf("not so: %s", condition)
	}
}

// colorAt is the color of a pixel of what the tab shows.
func (s stage) colorAt(x, y float64) color.RGBA {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "tab.png")
	s.Screenshot(file)
	f, err := os.Open(file)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		s.t.Fatal(err)
	}
	r, g, b, _ := picture.At(int(x), int(y)).RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
}

// like reports whether two colors look the same.
func like(a, b color.RGBA) bool {
	near := func(a, b uint8) bool { return max(a, b)-min(a, b) < 25 }
	return near(a.R, b.R) && near(a.G, b.G) && near(a.B, b.B)
}

const (
	elementPlays = `video.playing && video.currentTime > 0.5 && last('playing')`
	shortly      = `new Promise((resolve) => setTimeout(resolve, 300))`
)

// <premium-video> on a page of the site, with the site's own content security
// policy.
func TestElement(t *testing.T) {
	ca := sitetest.NewAuthority(t)
	served := &requests{}
	s := sitetest.New(t, sitetest.LinkSettings(nil), ca.Serve, served.count)
	s.Put(lesson(t, "premium/course-1/film/"))
	s.Put(elementPage(t, "public/element-test/"))
	// Its segments are another course's, which no cookie of this one opens.
	s.Put(map[string]string{"premium/course-1/foreign/master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/premium/course-2/sample/360p/index.m3u8\n"})
	film := func(more map[string]any) map[string]any {
		properties := map[string]any{"token": s.Token("ben"), "path": "course-1/film", "videoTitle": "A film", "autoplay": true, "attributes": map[string]any{"autoplay": "", "muted": ""}}
		for name, value := range more {
			properties[name] = value
		}
		return properties
	}
	b := stage{browser.OpenChromium(t, browser.Options{}), t, s.Origin + "/element-test/index.html"}
	b.Resize(1280, 800, 1)
	run := func(name string, test func(t *testing.T, b stage)) {
		t.Run(name, func(t *testing.T) {
			b := stage{b.For(t), t, b.page}
			test(t, b)
			if violations := b.Text("violations.join()"); violations != "" {
				t.Errorf("the content security policy forbids %s", violations)
			}
		})
	}

	run("plays", func(t *testing.T, b stage) {
		b.show(film(nil))
		b.Until(elementPlays)
		if got := b.Text(`[...new Set(events.map(([name]) => name))].filter((name) => ["opening", "ready", "playing", "refused"].includes(name)).join()`); got != "opening,ready,playing" {
			t.Errorf("events %s", got)
		}
		b.wants(`tokens === 1`)
		b.wants(`Math.abs(video.duration - 90) < 1`)
		b.Until(`at('.of').textContent === ' / 1:30'`)
		b.Number(`(video.pause(), 0)`)
		b.Until(`last('pause') && last('status').code === 'paused' && !video.playing`)
	})

	run("a folder made by hand", func(t *testing.T, b stage) {
		b.show(film(map[string]any{"path": "course-1/sample", "details": nil}))
		b.Until(elementPlays)
		b.wants(`performance.getEntriesByType('resource').every(({ name }) => !name.endsWith('lesson.json'))`)
		b.wants(`at('button.chapters').hidden && at('button.captions').hidden`)
	})

	run("another video in its place", func(t *testing.T, b stage) {
		b.show(film(map[string]any{"path": "course-1/sample", "details": nil}))
		b.Until(elementPlays)
		b.Number(`(video.details = undefined, video.path = 'course-1/film', events.length = 0, 0)`)
		b.Until(elementPlays + ` && video.duration > 80`)
		b.wants(`events.filter(([name]) => name === 'opening').length === 1`)
	})

	run("a free video", func(t *testing.T, b stage) {
		b.show(map[string]any{"src": "/trailers/sample/master.m3u8", "attributes": map[string]any{"autoplay": "", "muted": ""}})
		b.Until(elementPlays)
	})

	run("refused", func(t *testing.T, b stage) {
		b.show(film(map[string]any{"path": "course-2/sample"}))
		b.Until(`last('refused')`)
		b.wants(`last('refused').code === 'not_entitled' && last('refused').text.includes('“A film”')`)
		b.Until(`seen('.refusal') && at('.refusal').innerText.includes('Not part of your plan') && at('.refusal').role !== ''`)
		b.wants(`!seen('.bar') && !seen('.big') && !video.playing`)
		// Another video opens as ever.
		b.Number(`(video.path = 'course-1/film', video.play(), 0)`)
		b.Until(elementPlays + ` && !seen('.refusal')`)
	})

	run("nobody is signed in", func(t *testing.T, b stage) {
		b.show(map[string]any{"path": "course-1/film", "videoTitle": "A film"})
		b.Until(`last('refused')?.code === 'signed_out' && last('refused').action === 'sign-in'`)
		b.Number(fmt.Sprintf(`(video.token = %q, video.play(), 0)`, s.Token("ben")))
		b.Until(elementPlays)
	})

	run("a page's own words cover the video", func(t *testing.T, b stage) {
		b.show(film(map[string]any{"path": "course-2/sample"}))
		b.Number(`(video.append(Object.assign(document.createElement('p'), { id: 'mine', textContent: 'Buy it' })), 0)`)
		b.Until(`last('refused')`)
		b.wants(`document.querySelector('#mine').checkVisibility() && !seen('.refusal')`)
	})

	run("refused twice", func(t *testing.T, b stage) {
		issued := served.of("POST /api/cookies")
		b.show(film(map[string]any{"path": "course-1/foreign"}))
		b.Until(`last('refused')?.code === 'media_refused'`)
		if got := served.of("POST /api/cookies") - issued; got != 2 {
			t.Errorf("%d requests for cookies, want one and one more", got)
		}
	})

	run("renewed before the cookies expire", func(t *testing.T, b stage) {
		b.show(film(nil))
		b.Until(elementPlays)
		issued := served.of("POST /api/cookies")
		b.Number(`(() => { const now = Date.now; Date.now = () => now() + 7_200_000; dispatchEvent(new Event('focus')); return 0; })()`)
		b.Until(`last('renewed')`)
		if got := served.of("POST /api/cookies") - issued; got != 1 {
			t.Errorf("%d requests for cookies, want 1", got)
		}
		b.wants(`video.playing && !last('refused')`)
	})

	run("goes on after its cookies are gone", func(t *testing.T, b stage) {
		b.show(film(nil))
		b.Until(elementPlays)
		b.Forget()
		b.Number(`(video.currentTime = 75, 0)`)
		b.Until(`video.currentTime > 75.5 && video.playing`)
		b.wants(`events.some(([name, detail]) => name === 'status' && detail.code === 'reopening') && !last('refused')`)
		b.wants(`video.currentTime < 85`)
	})

	run("goes on after the connection was lost", func(t *testing.T, b stage) {
		b.show(film(nil))
		b.Until(elementPlays)
		b.Forget()
		b.Connect(false)
		t.Cleanup(func() { b.Connect(true) })
		b.Number(`(video.currentTime = 75, 0)`)
		b.Until(`last('status').code === 'trouble' && at('.note').innerText.includes('connection')`)
		b.Connect(true)
		b.Until(`video.currentTime > 75.5 && video.playing && at('.note').innerText === ''`)
		b.wants(`!last('refused')`)
	})

	run("begins where the page says, and goes on there when it is opened again", func(t *testing.T, b stage) {
		b.show(film(map[string]any{"currentTime": 42}))
		b.Until(elementPlays + ` && video.currentTime > 42.5`)
		b.wants(`video.currentTime < 50`)
		b.Number(`(video.reload(), events.length = 0, 0)`)
		b.wants(`video.currentTime > 42`)
		b.Until(elementPlays + ` && video.currentTime > 42.5`)
		b.wants(`video.currentTime < 60`)
	})

	run("captions", func(t *testing.T, b stage) {
		shown := func(text string) string { return fmt.Sprintf(`at('.cues').innerText.startsWith(%q)`, text) }
		b.show(film(nil))
		b.Until(elementPlays)
		b.wants(`at('.cues').innerText.trim() === ''`)
		b.press("button.captions")
		b.Until(`at('.menu').innerText.includes('Deutsch')`)
		b.wants(`at('.menu').role === 'menu' && at('button.captions').getAttribute('aria-expanded') === 'true' && focused().closest('.menu')`)
		b.Keys(kb.ArrowDown + kb.ArrowDown + kb.Enter)
		b.Until(shown("Hallo"))
		b.wants(`!seen('.menu') && focused() === at('button.captions')`)
		// They are remembered, for the next video too.
		b.show(film(nil))
		b.Until(elementPlays)
		b.Until(shown("Hallo"))
		b.Keys("c")
		b.Until(`at('.cues').innerText.trim() === ''`)
		b.Number(`(localStorage.clear(), 0)`)
	})

	run("chapters", func(t *testing.T, b stage) {
		b.show(film(nil))
		b.Until(elementPlays)
		b.wants(`last('chapters').chapters.length === 3`)
		b.Until(`video.shadowRoot.querySelectorAll('.mark').length === 2`)
		b.press("button.chapters")
		b.Until(`at('.menu').innerText.includes('End <b>bold</b>')`)
		b.press(`.menu button:nth-of-type(2)`)
		b.Until(`video.currentTime >= 30 && video.currentTime < 40`)
		b.Until(`at('.chapter').textContent === 'Middle' && at('.seek').getAttribute('aria-valuetext').endsWith('Middle')`)
	})

	run("previews on the seek bar", func(t *testing.T, b stage) {
		b.show(film(map[string]any{"attributes": map[string]any{"muted": ""}}))
		b.Until(`last('ready')`)
		b.wants(`performance.getEntriesByType('resource').every(({ name }) => !name.endsWith('storyboard.vtt'))`)
		for _, at := range []float64{0.02, 0.35, 0.62, 0.99} {
			b.point(".seek .line", at, 0.5)
			b.Until(`seen('.preview .cell') && at('.preview img').complete && at('.preview img').naturalWidth > 0`)
			b.Number(shortly)
			x, y := b.place(".preview .cell", 0.5, 0.5)
			if got, want := b.colorAt(x, y), cells[int(at*filmSeconds/cellSeconds)]; !like(got, want) {
				t.Errorf("at %v the preview is %v, want %v", at, got, want)
			}
			b.wants(`at('.preview').getBoundingClientRect().left >= 0 && at('.preview').getBoundingClientRect().right <= innerWidth`)
		}
		b.wants(`at('.preview .label').textContent.includes('End <b>bold</b>')`)
		// With keys too.
		b.Move(1, 1)
		b.Until(`!seen('.preview')`)
		b.Number(`(at('.seek').focus(), 0)`)
		b.Keys("5")
		b.Until(`seen('.preview .cell') && at('.preview .label').textContent.startsWith('0:45') && Math.abs(video.currentTime - 45) < 0.1`)
	})

	run("keys", func(t *testing.T, b stage) {
		b.show(film(nil))
		b.Until(elementPlays)
		b.Number(`(at('.frame').focus(), 0)`)
		b.Keys(" ")
		b.Until(`video.paused`)
		b.Keys("0")
		b.Until(`video.currentTime === 0`)
		b.Keys(kb.ArrowRight)
		b.Until(`video.currentTime === 5`)
		b.Keys("l")
		b.Until(`video.currentTime === 15`)
		b.Keys("j" + kb.ArrowLeft)
		b.Until(`video.currentTime === 0`)
		b.Keys(kb.End)
		b.Until(`video.currentTime > 89`)
		b.Keys(kb.Home)
		b.Until(`video.currentTime === 0`)
		b.Number(`(at('.seek').focus(), 0)`)
		b.Keys(kb.PageUp)
		b.Until(`video.currentTime === 60`)
		b.Keys(kb.PageDown + kb.ArrowUp)
		b.Until(`video.currentTime === 5`)
		b.Number(`(at('.frame').focus(), 0)`)
		b.Keys("m")
		b.Until(`!video.video.muted`)
		b.Keys(kb.ArrowDown)
		b.Until(`video.video.volume === 0.9`)
		b.Keys(">>")
		b.Until(`video.video.playbackRate === 1.5`)
		b.Keys("<")
		b.Until(`video.video.playbackRate === 1.25`)
		b.Keys("k")
		b.Until(`!video.paused`)
		b.Keys("f")
		b.Until(`document.fullscreenElement === video`)
		b.Keys("f")
		b.Until(`!document.fullscreenElement`)
		b.Number(`(localStorage.clear(), 0)`)
	})

	run("quality and speed", func(t *testing.T, b stage) {
		b.show(film(nil))
		b.Until(elementPlays)
		b.Until(`video.video.videoHeight === 360`)
		b.press("button.settings")
		b.Until(`at('.menu').innerText.includes('Auto (360p)')`)
		choose := func(text string) {
			t.Helper()
			b.Number(fmt.Sprintf(`([...video.shadowRoot.querySelectorAll('.menu button')].find((one) => one.innerText.trim() === %q).dataset.test = '', 0)`, text))
			b.press(".menu [data-test]")
		}
		choose("180p")
		b.Until(`video.video.videoHeight === 180`)
		b.press("button.settings")
		b.Until(`[...video.shadowRoot.querySelectorAll('.menu [aria-checked="true"]')].map((one) => one.innerText.trim()).join() === '180p,Normal'`)
		choose("1.5×")
		b.Until(`video.video.playbackRate === 1.5`)
		b.Number(`(localStorage.clear(), 0)`)
	})

	run("for a screen reader", func(t *testing.T, b stage) {
		if err := npm.Install(t.Context(), ".."); err != nil {
			t.Fatal(err)
		}
		axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string) {
			t.Helper()
			b.Inject(string(axe))
			if found := b.Text(`(await axe.run('premium-video', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules: { 'video-caption': { enabled: false }, region: { enabled: false } } }))
				.violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ': ' + failureSummary)).join('\n')`); found != "" {
				t.Errorf("%s: %s", what, found)
			}
		}
		b.show(film(nil))
		b.Until(elementPlays)
		b.Number(`(video.pause(), 0)`)
		check("paused")
		for _, menu := range []string{"chapters", "captions", "settings"} {
			b.press("button." + menu)
			b.Until(`seen('.menu')`)
			check("with the menu " + menu)
		}
		b.show(film(map[string]any{"path": "course-2/sample"}))
		b.Until(`last('refused')`)
		check("refused")
	})
}

// The element plays over TLS in every engine.
func TestElementPlaysInBrowsers(t *testing.T) {
	ca := sitetest.NewAuthority(t)
	s := sitetest.New(t, sitetest.LinkSettings(nil), ca.Serve)
	s.Put(lesson(t, "premium/course-1/film/"))
	s.Put(elementPage(t, "public/element-test/"))
	for _, engine := range browser.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			b := browser.Open(t, engine)
			b.Go(s.Origin + "/element-test/index.html")
			b.Until("globalThis.ready")
			b.Number(fmt.Sprintf(`(show({ token: %q, path: 'course-1/film', attributes: { muted: '', autoplay: '' } }), 0)`, s.Token("ben")))
			b.Until(elementPlays)
			b.Until(`seen('button.chapters') && seen('button.captions')`)
			b.Number(`(video.currentTime = 60, 0)`)
			b.Until(`video.currentTime > 60.5`)
			if violations := b.Text("violations.join()"); violations != "" {
				t.Errorf("the content security policy forbids %s", violations)
			}
		})
	}
}

// On a page of another site, whose visitor blocks all cookies, the element plays
// with a link, with captions and previews.
func TestElementOnAnotherSite(t *testing.T) {
	ca := sitetest.NewAuthority(t)
	if err := npm.Install(t.Context(), ".."); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir("testdata/element")))
	mux.Handle("/element/", http.StripPrefix("/element/", http.FileServer(http.Dir("../../player/element"))))
	mux.HandleFunc("/element/vendor/hls.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "../node_modules/hls.js/dist/hls.min.mjs")
	})
	page := httptest.NewUnstartedServer(mux)
	page.TLS = ca.Config.Clone()
	page.StartTLS()
	t.Cleanup(page.Close)
	s := sitetest.New(t, sitetest.LinkSettings(map[string]any{"allowedOrigins": []any{page.URL}}), ca.Serve, signedURLsOnly(t))
	s.Put(lesson(t, "premium/course-1/film/"))

	b := stage{browser.OpenChromium(t, browser.Options{BlockCookies: true}), t, page.URL + "/"}
	b.Resize(1280, 800, 1)
	film := map[string]any{"token": s.Token("ben"), "api": s.Origin, "path": "course-1/film", "attributes": map[string]any{"muted": "", "autoplay": ""}}
	b.show(film)
	b.Until(elementPlays)
	b.Until(`seen('button.captions') && seen('button.chapters')`)
	b.Number(`(at('.frame').focus(), 0)`)
	b.Keys("c")
	b.Until(`at('.cues').innerText.startsWith('Hello')`)
	b.point(".seek .line", 0.35, 0.5)
	b.Until(`at('.preview img').complete && at('.preview img').naturalWidth > 0`)
	b.Number(shortly)
	if x, y := b.place(".preview .cell", 0.5, 0.5); !like(b.colorAt(x, y), cells[3]) {
		t.Errorf("the preview is %v, want %v", b.colorAt(x, y), cells[3])
	}
	// A course that the viewer may not watch.
	film["path"] = "course-2/sample"
	b.show(film)
	b.Until(`last('refused')?.code === 'not_entitled'`)
}
