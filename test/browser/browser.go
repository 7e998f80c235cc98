// Package browser drives the three browser engines that viewers have, for tests:
// Chromium over the Chrome DevTools Protocol, Firefox over WebDriver BiDi and
// WebKit over WebDriver. All of them are Debian packages.
package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// An Engine is a kind of browser.
type Engine struct {
	Name string
	// programs are what the engine needs, each by its possible names.
	programs [][]string
	packages string // what to install
	start    func(t testing.TB, o Options) driver
}

// Options are what a browser may have besides its defaults.
type Options struct {
	// BlockThirdPartyCookies stores no cookies for other sites than the page's:
	// Chromium stores Partitioned ones, and Firefox none. WebKit blocks them in
	// any case.
	BlockThirdPartyCookies bool
	// BlockCookies blocks all cookies, those of the page's own site too.
	// WebKit's driver has no such setting: a new profile has none to send.
	BlockCookies bool
}

// The engines.
var (
	Chromium = Engine{"Chromium", [][]string{chromiumNames}, "chromium", startChromium}
	Firefox  = Engine{"Firefox", [][]string{firefoxNames}, "firefox-esr ffmpeg", startFirefox}
	WebKit   = Engine{"WebKit", [][]string{{"WebKitWebDriver"}, {"Xvfb"}}, webKitPackages, startWebKit}

	Engines = []Engine{Chromium, Firefox, WebKit}
)

// A driver sends commands to one tab of a browser.
type driver interface {
	navigate(url string) error
	// evaluate returns the JSON of what an async function with this body returns.
	evaluate(body string) (json.RawMessage, error)
	// click clicks the middle of an element with the mouse, as a viewer does.
	click(selector string) error
	screenshot() ([]byte, error)
	// frame returns a driver for a frame of another site, and window one for
	// another window, whose address begins with prefix.
	frame(prefix string) (driver, error)
	window(prefix string) (driver, error)
}

// A Tab is a tab of a browser that runs until the test ends. Its methods fail
// the test on errors.
type Tab struct {
	t testing.TB
	driver
}

// Open starts a browser, or skips the test if it is not installed.
func Open(t testing.TB, e Engine) Tab {
	t.Helper()
	return OpenWith(t, e, Options{})
}

// OpenWith is [Open] with options.
func OpenWith(t testing.TB, e Engine, o Options) Tab {
	t.Helper()
	for _, names := range e.programs {
		if find(names) == "" {
			t.Skipf("to run this test in %s: apt-get install %s", e.Name, e.packages)
		}
	}
	return Tab{t, e.start(t, o)}
}

func find(names []string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Go opens an address.
func (b Tab) Go(url string) {
	b.t.Helper()
	if err := b.navigate(url); err != nil {
		b.t.Fatalf("open %s: %v", url, err)
	}
}

// Click waits for an element, and for the page around it, and clicks it. A click
// that comes while a page loads is lost at times.
func (b Tab) Click(selector string) {
	b.t.Helper()
	b.Until(fmt.Sprintf("document.readyState === 'complete' && document.querySelector(%q)", selector))
	if err := b.click(selector); err != nil {
		b.t.Fatalf("click %s: %v\n%s", selector, err, b.text())
	}
}

// Until waits for a condition, also across navigations.
func (b Tab) Until(condition string) {
	b.t.Helper()
	for range 300 {
		if ok, err := b.evaluate("return Boolean(" + condition + ")"); err == nil && string(ok) == "true" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("timed out waiting for %s\nthe page shows: %s", condition, b.text())
}

// Frame waits for a frame of the tab, of another site, whose address begins with
// prefix.
func (b Tab) Frame(prefix string) Tab {
	b.t.Helper()
	return b.other("frame", prefix, b.driver.frame)
}

// Window waits for another window whose address begins with prefix.
func (b Tab) Window(prefix string) Tab {
	b.t.Helper()
	return b.other("window", prefix, b.driver.window)
}

func (b Tab) other(kind, prefix string, find func(string) (driver, error)) Tab {
	b.t.Helper()
	var err error
	for range 300 {
		var d driver
		if d, err = find(prefix); err == nil {
			return Tab{b.t, d}
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("no %s at %s: %v\nthe page shows: %s", kind, prefix, err, b.text())
	return Tab{}
}

// Number returns the value of an expression, which may be a promise.
func (b Tab) Number(expression string) float64 {
	b.t.Helper()
	raw, err := b.evaluate("return Number(await (" + expression + "))")
	var n float64
	if err == nil {
		err = json.Unmarshal(raw, &n)
	}
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return n
}

// Screenshot writes a PNG of what the tab shows.
func (b Tab) Screenshot(file string) {
	b.t.Helper()
	picture, err := b.screenshot()
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		b.t.Fatalf("screenshot: %v", err)
	}
}

// Text returns the value of an expression, a string.
func (b Tab) Text(expression string) string {
	b.t.Helper()
	text, err := b.string(expression)
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return text
}

func (b Tab) string(expression string) (text string, err error) {
	raw, err := b.evaluate("return " + expression)
	if err != nil {
		return "", err
	}
	err = json.Unmarshal(raw, &text)
	return text, err
}

// text is what the page shows, for messages of failed tests.
func (b Tab) text() string {
	text, err := b.string("location.href + '\\n' + document.body.innerText")
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(text)
}

// await polls until a browser has started.
func await(ready func() bool) bool {
	for range 600 {
		if ready() {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}
