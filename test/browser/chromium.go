package browser

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/chromedp/chromedp"
)

var chromiumNames = []string{"chromium", "chromium-browser", "google-chrome"}

type chromium struct{ ctx context.Context }

func startChromium(t testing.TB) driver {
	ctx := StartChromium(t, map[string]any{"autoplay-policy": "no-user-gesture-required"})
	return chromium{ctx}
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
	return chromedp.Do(c.ctx, chromedp.Click(chromedp.CSS(selector)))
}

func (c chromium) screenshot() ([]byte, error) {
	return chromedp.Run(c.ctx, chromedp.CaptureScreenshot())
}
