// Command firstframe measures how long a click takes to show the first frame of
// a premium video and of a public one, side by side in one browser, with added
// latency. It needs Chromium and a running local site (premium local).
//
//	go run ./bench/firstframe -url http://localhost:8080/ -rounds 7
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

const (
	trailer = "trailers/sample"
	premium = "course-1"
	other   = "course-2" // plays before each click
)

// pause before each measurement keeps the viewer below the signer's limit of 30
// requests a minute.
const pause = 5 * time.Second

// A gesture is what the viewer does before the click.
type gesture struct {
	name  string
	point time.Duration // how long the pointer rests on the video; none if zero
	again bool          // the video was opened before
}

var gestures = []gesture{
	{name: "pointed at for a second", point: time.Second},
	{name: "pointed at for 300 ms", point: 300 * time.Millisecond},
	{name: "opened again, not pointed at", again: true},
	{name: "opened first, not pointed at"},
}

func main() {
	url := flag.String("url", "http://localhost:8080/", "the local site")
	rounds := flag.Int("rounds", 7, "clicks for each figure")
	latencies := []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}
	flag.Func("latency", "measure this added latency only, as in 100ms", func(text string) error {
		latency, err := time.ParseDuration(text)
		latencies = []time.Duration{latency}
		return err
	})
	flag.Parse()
	if err := run(*url, *rounds, latencies); err != nil {
		fmt.Fprintln(os.Stderr, "firstframe:", err)
		os.Exit(1)
	}
}

func run(url string, rounds int, latencies []time.Duration) error {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		return fmt.Errorf("chromium: not found: apt-get install chromium")
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("mute-audio", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"))...)
	defer cancel()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	t := tab{ctx, url}
	if err := t.signIn(); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	fmt.Println("| added latency | gesture | trailer, ms | premium, ms | ratio |")
	fmt.Println("|---|---|---|---|---|")
	for _, latency := range latencies {
		for _, g := range gestures {
			figures := map[string][]float64{}
			for range rounds {
				for _, video := range []string{trailer, premium} {
					time.Sleep(pause)
					ms, err := t.measure(video, g, latency)
					if err != nil {
						return fmt.Errorf("%s, %s, %v: %w", video, g.name, latency, err)
					}
					figures[video] = append(figures[video], ms)
				}
			}
			a, b := median(figures[trailer]), median(figures[premium])
			fmt.Printf("| %v | %s | %.0f | %.0f | %.2f |\n", latency, g.name, a, b, b/a)
		}
	}
	return nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

type tab struct {
	ctx context.Context
	url string
}

func card(video string) string { return `[data-path="` + video + `"]` }

func (t tab) signIn() error {
	if err := chromedp.Do(t.ctx, chromedp.Navigate(t.url)); err != nil {
		return err
	}
	if err := t.until(`document.querySelector('#sign-in:not([disabled])')`); err != nil {
		return err
	}
	if err := chromedp.Do(t.ctx, chromedp.Click(chromedp.CSS("#sign-in"))); err != nil {
		return err
	}
	if err := t.until(`document.querySelector('button[value="ada"]')`); err != nil {
		return err
	}
	if err := chromedp.Do(t.ctx, chromedp.Click(chromedp.CSS(`button[value="ada"]`))); err != nil {
		return err
	}
	return t.until(`document.querySelector('#sign-out')`)
}

// measure loads the page, plays another video, and returns how long a click on
// this one takes to its first frame, in ms.
func (t tab) measure(video string, g gesture, latency time.Duration) (float64, error) {
	if err := t.emulate(0); err != nil {
		return 0, err
	}
	if err := chromedp.Do(t.ctx, chromedp.Navigate(t.url)); err != nil {
		return 0, err
	}
	open := []string{other}
	if g.again {
		open = []string{video, other}
	}
	for _, v := range open {
		if err := t.until(`document.querySelector('` + card(v) + `') && document.querySelector('#sign-out')`); err != nil {
			return 0, err
		}
		if _, err := t.evaluate(`document.querySelector('` + card(v) + `').click(), 0`); err != nil {
			return 0, err
		}
		if err := t.until(`document.querySelector('` + card(v) + `').ariaCurrent && document.querySelector('premium-video')?.currentTime > 0.2`); err != nil {
			return 0, err
		}
	}
	if err := t.emulate(latency); err != nil {
		return 0, err
	}
	// The pointer's events are dispatched in the page, so that no round trip to
	// this program counts.
	return t.evaluate(fmt.Sprintf(`(async () => {
		const card = document.querySelector(%q);
		if (%d > 0) {
			card.dispatchEvent(new PointerEvent("pointerenter"));
			await new Promise((resolve) => setTimeout(resolve, %[2]d));
		}
		const player = document.querySelector("premium-video");
		const start = performance.now();
		return new Promise((resolve, reject) => {
			setTimeout(() => reject(new Error("no frame within 20 s")), 20_000);
			// From here on the last video's frames are gone.
			player.addEventListener("opening", () => player.video.requestVideoFrameCallback(() => resolve(performance.now() - start)), { once: true });
			card.click();
		});
	})()`, card(video), g.point.Milliseconds()))
}

// emulate adds latency to each request, and turns the browser's cache off for
// both videos alike.
func (t tab) emulate(latency time.Duration) error {
	if _, err := chromedp.Call(t.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}); err != nil {
		return err
	}
	_, err := chromedp.Call(t.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{
			Latency: float64(latency.Milliseconds()), DownloadThroughput: -1, UploadThroughput: -1,
		}},
	})
	return err
}

func (t tab) until(condition string) error {
	for range 1200 {
		if ok, err := t.evaluate("Number(Boolean(" + condition + "))"); err == nil && ok == 1 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("timed out waiting for %s", strings.TrimSpace(condition))
}

func (t tab) evaluate(expression string) (float64, error) {
	return chromedp.Run(t.ctx, chromedp.Evaluate[float64]("(async () => Number(await ("+expression+")))()", chromedp.EvalAwaitPromise))
}
