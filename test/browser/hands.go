package browser

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Hands are a viewer's at a tab of Chromium: what they point at, press and type
// reaches the page as from a mouse and a keyboard, also inside of elements whose
// insides no selector finds.
type Hands struct {
	Tab
	ctx context.Context
}

// OpenChromium is [OpenWith] for Chromium.
func OpenChromium(t testing.TB, o Options) Hands {
	t.Helper()
	tab := OpenWith(t, Chromium, o)
	return Hands{tab, tab.driver.(chromium).ctx}
}

// For returns the tab for a subtest.
func (h Hands) For(t testing.TB) Hands {
	h.t = t
	return h
}

// Keys types characters, of which some are keys (package kb of chromedp).
func (h Hands) Keys(text string) {
	h.t.Helper()
	h.do("type", chromedp.KeyEvent(text))
}

// Move moves the mouse to a place, in pixels of the window.
func (h Hands) Move(x, y float64) {
	h.t.Helper()
	h.do("move the mouse", chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
}

// Press moves the mouse to a place and clicks there.
func (h Hands) Press(x, y float64) {
	h.t.Helper()
	h.Move(x, y)
	h.do("click", chromedp.MouseClickXY(x, y))
}

// Resize makes the window as large as this, in pixels of the page, with so many
// pixels of the screen for each.
func (h Hands) Resize(width, height int64, scale float64) {
	h.t.Helper()
	h.do("resize", chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
}

// Prefer sets what a viewer prefers, by the names of CSS.
func (h Hands) Prefer(features map[string]string) {
	h.t.Helper()
	var list []*emulation.MediaFeature
	for name, value := range features {
		list = append(list, &emulation.MediaFeature{Name: name, Value: value})
	}
	if _, err := chromedp.Call(h.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: list}); err != nil {
		h.t.Fatalf("set preferences: %v", err)
	}
}

// Forget removes all cookies, and all that the browser has cached.
func (h Hands) Forget() {
	h.t.Helper()
	_, err := chromedp.Call(h.ctx, network.ClearBrowserCookies, struct{}{})
	if err == nil {
		_, err = chromedp.Call(h.ctx, network.ClearBrowserCache, struct{}{})
	}
	if err != nil {
		h.t.Fatalf("clear cookies and cache: %v", err)
	}
}

// Connect ends or restores the connection of the browser.
func (h Hands) Connect(connected bool) {
	h.t.Helper()
	conditions := []*network.Conditions{}
	if !connected {
		conditions = append(conditions, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	}
	_, err := chromedp.Call(h.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: conditions})
	if err == nil {
		_, err = chromedp.Call(h.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !connected, DownloadThroughput: -1, UploadThroughput: -1})
	}
	if err != nil {
		h.t.Fatalf("set the connection: %v", err)
	}
}

// Inject runs a script as no policy of the page can forbid.
func (h Hands) Inject(script string) {
	h.t.Helper()
	if _, err := chromedp.Run(h.ctx, chromedp.Evaluate[any](script)); err != nil && err != chromedp.ErrJSNull && err != chromedp.ErrJSUndefined {
		h.t.Fatalf("run a script: %v", err)
	}
}

func (h Hands) do(what string, action chromedp.Action[chromedp.Void]) {
	h.t.Helper()
	if err := chromedp.Do(h.ctx, action); err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
}
