package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

var chromiumNames = []string{"chromium", "chromium-browser", "google-chrome"}

type chromium struct {
	ctx context.Context
	tab *chromium // that a frame is in
}

// chromiumBlocks is the profile of a viewer who chose to block third-party
// cookies.
const chromiumBlocks = `{"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": true}}`

// chromiumBlocksAll is that of one who chose to block all cookies.
const chromiumBlocksAll = `{"profile": {"default_content_setting_values": {"cookies": 2}}}`

func startChromium(t testing.TB, o Options) driver {
	flags := map[string]any{"autoplay-policy": "no-user-gesture-required"}
	if o.BlockThirdPartyCookies || o.BlockCookies {
		preferences := chromiumBlocks
		if o.BlockCookies {
			preferences = chromiumBlocksAll
		}
		profile := t.TempDir()
		err := os.Mkdir(filepath.Join(profile, "Default"), 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(preferences), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		flags["user-data-dir"] = profile
	}
	return chromium{ctx: StartChromium(t, flags)}
}

// StartChromium starts a headless Chromium that accepts any certificate, for
// what needs the Chrome DevTools Protocol itself. It ends with the test.
func StartChromium(t testing.TB, flags map[string]any) context.Context {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(find(chromiumNames)),
		chromedp.Flag("no-sandbox", true), // it would not start as root
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("mute-audio", true),
	)
	for name, value := range flags {
		options = append(options, chromedp.Flag(name, value))
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	return ctx
}

func (c chromium) navigate(url string) error {
	return chromedp.Do(c.ctx, chromedp.Navigate(url))
}

func (c chromium) evaluate(body string) (json.RawMessage, error) {
	return chromedp.Run(c.ctx, chromedp.Evaluate[json.RawMessage]("(async () => { "+body+" })()", chromedp.EvalAwaitPromise))
}

func (c chromium) click(selector string) error {
	if c.tab == nil {
		return chromedp.Do(c.ctx, chromedp.Click(chromedp.CSS(selector)))
	}
	// The mouse is the tab's, also where it clicks into a frame.
	var inside, frame [2]float64
	for _, one := range []struct {
		of       chromium
		selector string
		middle   bool
		at       *[2]float64
	}{{c, selector, true, &inside}, {*c.tab, "iframe", false, &frame}} {
		raw, err := one.of.evaluate(fmt.Sprintf(`
			const box = document.querySelector(%q).getBoundingClientRect();
			return %t ? [box.x + box.width / 2, box.y + box.height / 2] : [box.x, box.y];`, one.selector, one.middle))
		if err == nil {
			err = json.Unmarshal(raw, one.at)
		}
		if err != nil {
			return err
		}
	}
	return chromedp.Do(c.tab.ctx, chromedp.MouseClickXY(frame[0]+inside[0], frame[1]+inside[1]))
}

func (c chromium) screenshot() ([]byte, error) {
	return chromedp.Run(c.ctx, chromedp.CaptureScreenshot())
}

func (c chromium) frame(prefix string) (driver, error)  { return c.target("iframe", prefix) }
func (c chromium) window(prefix string) (driver, error) { return c.target("page", prefix) }

// target attaches to a target of Chromium, which lasts as long as its browser.
func (c chromium) target(kind, prefix string) (driver, error) {
	infos, err := chromedp.Targets(c.ctx)
	if err != nil {
		return nil, err
	}
	var seen []string
	for _, info := range infos {
		seen = append(seen, info.Type+" "+info.URL)
		if info.Type != kind || !strings.HasPrefix(info.URL, prefix) || info.TargetID == c.id() {
			continue
		}
		ctx, _ := chromedp.NewContext(c.ctx, chromedp.WithTargetID(info.TargetID))
		other := chromium{ctx: ctx}
		if kind == "iframe" {
			other.tab = &c
		}
		_, err := other.evaluate("return 0")
		return other, err
	}
	return nil, fmt.Errorf("there are %s", strings.Join(seen, ", "))
}

func (c chromium) id() target.ID { return chromedp.FromContext(c.ctx).Target.TargetID }
