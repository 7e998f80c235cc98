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
	"premiumhls/test/browser"
	"premiumhls/test/sitetest"
)

// hostPage serves pages of another site that show what their query says in a
// frame, and hand in a token when asked, and returns their origin. At /nested it
// shows that page in a frame of its own.
func hostPage(t *testing.T, config *tls.Config) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>Another site</title><body><div id="snippet"></div><script>
			const query = new URLSearchParams(location.search);
			globalThis.said = [];
			const show = (html) => { document.querySelector("#snippet").innerHTML = html; };
			addEventListener("message", ({ data, origin, source }) => {
				said.push(data.type + " " + (data.code ?? ""));
				if (data.type === "premium-hls:ready" && query.has("token")) source.postMessage({ type: "premium-hls:token", token: query.get("token") }, origin);
			});
			if (query.has("src")) show('<iframe width="640" height="360" allow="autoplay" src="' + query.get("src") + '"></iframe>');
			// A page that posts a token to a frame that is not its own.
			if (query.has("attack")) setInterval(() => { for (let n = 0; n < parent.length; n++) parent[n].postMessage({ type: "premium-hls:token", token: query.get("attack") }, "*"); }, 100);
		</script>`)
	})
	server := httptest.NewUnstartedServer(mux)
	server.TLS = config.Clone()
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL // https://127.0.0.1:PORT, which is another site than localhost
}

// how counts by which credentials media was served.
type how struct {
	mu     sync.Mutex
	counts map[string]int
}

func (h *how) watch(o *cloud.Options) {
	log := o.Requests
	o.Requests = func(e cloudfront.Entry) {
		log(e)
		path, _, _ := strings.Cut(e.Path, "?")
		if e.Status != http.StatusOK || !strings.HasSuffix(path, ".ts") {
			return
		}
		by := "none"
		if len(e.Decision.Checks) > 0 && strings.HasPrefix(path, "/premium/") {
			by = "cookies"
			if strings.HasPrefix(e.Decision.Checks[0].Found, "signed URL") {
				by = "link"
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.counts[by]++
	}
}

func (h *how) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts = map[string]int{}
}

// only reports whether something was served, all of it by one credential.
func (h *how) only(by string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[by] > 0 && len(h.counts) == 1
}

// playFrame plays the video of a frame. On a busy machine WebKitGTK sometimes
// has a whole video and does not start it: then it is opened again.
func playFrame(f browser.Tab) {
	const player = `document.querySelector('premium-video')`
	f.Until(player + `.duration > 0`)
	f.Number(`(` + player + `.video.muted = true, 0)`)
	for range 3 {
		f.Number(`(` + player + `.play(), 0)`)
		if f.Number(`new Promise((resolve) => {
			const end = Date.now() + 15_000;
			const check = () => `+player+`.currentTime > 1 ? resolve(1) : Date.now() > end ? resolve(0) : setTimeout(check, 100);
			check();
		})`) != 0 {
			return
		}
		f.Number(`(` + player + `.reload(), 0)`)
	}
	f.Until(player + `.currentTime > 1`)
}

// A listed page shows a video in a frame: with the site's cookies where the
// browser has them, with a link where it does not, for a viewer who signs in in
// a window or whose token the page hands in.
func TestEmbed(t *testing.T) {
	ca := sitetest.NewAuthority(t)
	page, unlisted := hostPage(t, ca.Config), hostPage(t, ca.Config)
	served := &how{}
	s := sitetest.New(t, map[string]any{
		"allowedOrigins": []any{page}, "cookieSameSite": "None", "links": true, "entitlements": map[string]any{"claim": "custom:courses", "paths": true},
		"userPoolAttributes": []any{"courses"},
	}, ca.Serve, served.watch)
	shows := func(path, token string) string {
		return fmt.Sprintf("%s/?src=%s/embed/%s&token=%s", page, s.Origin, path, token)
	}

	for _, tt := range []struct {
		name    string
		engine  browser.Engine
		options browser.Options
		by      string
	}{
		{"Chromium", browser.Chromium, browser.Options{}, "cookies"},
		{"Chromium without third-party cookies", browser.Chromium, browser.Options{BlockThirdPartyCookies: true}, "cookies"},
		{"Firefox", browser.Firefox, browser.Options{}, "cookies"},
		{"Firefox without third-party cookies", browser.Firefox, browser.Options{BlockThirdPartyCookies: true}, "link"},
		{"WebKit", browser.WebKit, browser.Options{}, "link"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := browser.OpenWith(t, tt.engine, tt.options)
			served.reset()
			b.Go(shows("course-1", s.Token("ben")))
			f := b.Frame(s.Origin + "/embed/")
			playFrame(f)
			if !served.only(tt.by) {
				t.Errorf("served by %v, want %s", served.counts, tt.by)
			}
			if tt.name == "Chromium" {
				if file := os.Getenv("SCREENSHOT"); file != "" {
					b.Screenshot(file)
				}
			}
			// The token is nowhere that another script or site could read it.
			if found := f.Number(`document.documentElement.outerHTML.includes('eyJ') || JSON.stringify({ ...sessionStorage }).includes('eyJ') ? 1 : 0`); found != 0 {
				t.Error("the frame has the token in its document or its storage")
			}
		})
	}

	open := func(t *testing.T) browser.Tab {
		served.reset()
		return browser.OpenWith(t, browser.Chromium, browser.Options{BlockThirdPartyCookies: true})
	}
	t.Run("a free video needs nobody", func(t *testing.T) {
		b := open(t)
		b.Go(shows("trailers/sample", ""))
		f := b.Frame(s.Origin + "/embed/")
		playFrame(f)
		if !served.only("none") {
			t.Errorf("served by %v", served.counts)
		}
	})

	t.Run("a viewer who may not watch it", func(t *testing.T) {
		b := open(t)
		b.Go(shows("course-2", s.Token("ben")))
		f := b.Frame(s.Origin + "/embed/")
		f.Until(`/not part of your plan/i.test(document.querySelector('#panel').innerText)`)
		b.Until(`said.includes('premium-hls:refused not_entitled')`)
	})

	t.Run("the sign-in in a window", func(t *testing.T) {
		b := open(t)
		b.Go(fmt.Sprintf("%s/?src=%s/embed/course-1", page, s.Origin))
		f := b.Frame(s.Origin + "/embed/")
		f.Click(`[data-action="sign-in"]`)
		w := b.Window(s.IssuerURL())
		w.Click(`button[value="ben"]`)
		f.Until(`document.querySelector('#panel').hidden`)
		playFrame(f)
		b.Until(`said.some((one) => one.startsWith('premium-hls:signed-in'))`)
	})

	t.Run("the snippet on the page of a course", func(t *testing.T) {
		own := open(t)
		own.Go(s.Origin + "/#/course-1")
		own.Until(`document.querySelector('[data-snippet]')`)
		snippet := own.Text(`document.querySelector('[data-snippet]').textContent`)
		own.Go(fmt.Sprintf("%s/?token=%s", page, s.Token("ben")))
		own.Number(fmt.Sprintf(`(show(%q), 0)`, snippet))
		f := own.Frame(s.Origin + "/embed/")
		f.Until(`document.querySelector('premium-video').duration > 0`)
		if title := own.Text(`document.querySelector('iframe').title`); title != "Northern Light" {
			t.Errorf("the frame's title is %q", title)
		}
	})

	// Whoever is not listed gets nothing, and can give nothing.
	t.Run("a page that is not listed shows no frame", func(t *testing.T) {
		b := open(t)
		b.Go(fmt.Sprintf("%s/?src=%s/embed/course-1&token=%s", unlisted, s.Origin, s.Token("ben")))
		time.Sleep(2 * time.Second)
		if said := b.Text(`said.join()`); said != "" || len(served.counts) != 0 {
			t.Errorf("the page heard %q, and %v was served", said, served.counts)
		}
	})
	t.Run("a frame of another origin beside it is not heard", func(t *testing.T) {
		b := open(t)
		b.Go(fmt.Sprintf("%s/?src=%s/embed/course-1", page, s.Origin))
		b.Number(fmt.Sprintf(`(() => {
			const frame = document.createElement('iframe');
			frame.src = %q;
			document.body.append(frame);
			return 0;
		})()`, unlisted+"/?attack="+s.Token("ben")))
		f := b.Frame(s.Origin + "/embed/")
		f.Until(`/sign in/i.test(document.querySelector('#panel').innerText)`)
		time.Sleep(2 * time.Second)
		if f.Number(`document.querySelector('#panel').hidden ? 1 : 0`) != 0 || len(served.counts) != 0 {
			t.Errorf("a foreign token was used: %v", served.counts)
		}
	})
	t.Run("a page that is not listed can call nothing", func(t *testing.T) {
		b := open(t)
		b.Go(unlisted + "/")
		for _, request := range []string{
			fmt.Sprintf(`fetch('%s/api/links', { method: 'POST', headers: { Authorization: 'Bearer %s', 'Content-Type': 'application/json' }, body: '{"path":"course-1"}' })`, s.Origin, s.Token("ben")),
			fmt.Sprintf(`fetch('%s/config.json')`, s.Origin),
			fmt.Sprintf(`fetch('%s/trailers/sample/master.m3u8')`, s.Origin),
			fmt.Sprintf(`import('%s/element/premium-video.js')`, s.Origin),
		} {
			if b.Number(request+`.then(() => 1, () => 0)`) != 0 {
				t.Errorf("%s: the page can read the response", request)
			}
		}
	})
}

// With neither links nor cookies that reach the edge, the frame says so.
func TestEmbedSaysThatCookiesAreBlocked(t *testing.T) {
	ca := sitetest.NewAuthority(t)
	page := hostPage(t, ca.Config)
	s := sitetest.New(t, map[string]any{"allowedOrigins": []any{page}}, ca.Serve)
	b := browser.OpenWith(t, browser.Chromium, browser.Options{BlockThirdPartyCookies: true})
	b.Go(fmt.Sprintf("%s/?src=%s/embed/course-1&token=%s", page, s.Origin, s.Token("ada")))
	f := b.Frame(s.Origin + "/embed/")
	f.Until(`/blocks the video's cookies/i.test(document.querySelector('#panel').innerText)`)
	if address := f.Text(`document.querySelector('#panel a').href`); address != s.Origin+"/#/course-1" {
		t.Errorf("it leads to %s", address)
	}
	if file := os.Getenv("SCREENSHOT"); file != "" {
		b.Screenshot(file)
	}
}
