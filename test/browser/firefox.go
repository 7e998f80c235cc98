package browser

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

var firefoxNames = []string{"firefox-esr", "firefox"}

// firefoxPreferences are what differs from a new profile.
const firefoxPreferences = `
user_pref("media.autoplay.default", 0);
user_pref("media.cubeb.backend", "null");
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
`

// A firefox is a WebDriver BiDi session (W3C WebDriver BiDi, "Commands") with
// one tab. Commands are sent one at a time.
type firefox struct {
	connection *websocket.Conn
	tab        string // the browsing context
	id         *int   // of the last command
}

const listening = "WebDriver BiDi listening on "

func startFirefox(t testing.TB, o Options) driver {
	profile := t.TempDir()
	preferences := firefoxPreferences
	if o.BlockThirdPartyCookies {
		preferences += `user_pref("network.cookie.cookieBehavior", 1);` + "\n"
	}
	if o.BlockCookies {
		preferences += `user_pref("network.cookie.cookieBehavior", 2);` + "\n"
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(preferences), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(find(firefoxNames), "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank")
	command.Env = append(os.Environ(), "HOME="+profile, "MOZ_DISABLE_CONTENT_SANDBOX=1")
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	addresses := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, address, ok := strings.Cut(lines.Text(), listening); ok {
				addresses <- address
			}
		}
	}()
	var address string
	select {
	case address = <-addresses:
	case <-time.After(time.Minute):
		t.Fatal("Firefox failed to start")
	}
	f := &firefox{id: new(int)}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if f.connection, _, err = websocket.Dial(ctx, address+"/session", nil); err != nil {
		t.Fatalf("connect to Firefox: %v", err)
	}
	f.connection.SetReadLimit(32 << 20)
	t.Cleanup(func() { f.connection.CloseNow() })
	if _, err = f.send("session.new", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{"acceptInsecureCerts": true}}}); err != nil {
		t.Fatalf("start a session of Firefox: %v", err)
	}
	raw, err := f.send("browsingContext.getTree", map[string]any{"maxDepth": 0})
	var tree struct {
		Contexts []struct{ Context string }
	}
	if err == nil {
		err = json.Unmarshal(raw, &tree)
	}
	if err != nil || len(tree.Contexts) == 0 {
		t.Fatalf("Firefox has no tab: %v", err)
	}
	f.tab = tree.Contexts[0].Context
	f.send("browsingContext.setViewport", map[string]any{"context": f.tab, "viewport": map[string]any{"width": 1280, "height": 900}})
	return f
}

// send sends a command and waits for its result.
func (f *firefox) send(method string, parameters any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	*f.id++
	if err := wsjson.Write(ctx, f.connection, map[string]any{"id": *f.id, "method": method, "params": parameters}); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	for {
		var message struct {
			ID      int
			Result  json.RawMessage
			Error   string
			Message string
		}
		if err := wsjson.Read(ctx, f.connection, &message); err != nil {
			return nil, fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case message.ID != *f.id: // an event
		case message.Error != "":
			return nil, fmt.Errorf("%s: %s: %s", method, message.Error, message.Message)
		default:
			return message.Result, nil
		}
	}
}

func (f *firefox) navigate(url string) error {
	_, err := f.send("browsingContext.navigate", map[string]any{"context": f.tab, "url": url, "wait": "complete"})
	return err
}

func (f *firefox) evaluate(body string) (json.RawMessage, error) {
	// As a string, since BiDi has its own serialization.
	raw, err := f.send("script.evaluate", map[string]any{
		"expression":   "(async () => { " + body + " })().then((value) => JSON.stringify(value ?? null))",
		"target":       map[string]any{"context": f.tab},
		"awaitPromise": true,
	})
	if err != nil {
		return nil, err
	}
	var result struct {
		Type             string
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return nil, err
	}
	if result.Type != "success" {
		return nil, errors.New(result.ExceptionDetails.Text)
	}
	return json.RawMessage(result.Result.Value), nil
}

func (f *firefox) click(selector string) error {
	raw, err := f.evaluate(fmt.Sprintf(`
		const element = document.querySelector(%q);
		element.scrollIntoView({ block: "center" });
		const box = element.getBoundingClientRect();
		return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)];`, selector))
	var at [2]int
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	if err != nil {
		return err
	}
	_, err = f.send("input.performActions", map[string]any{"context": f.tab, "actions": []any{map[string]any{
		"type": "pointer", "id": "mouse", "actions": []any{
			map[string]any{"type": "pointerMove", "x": at[0], "y": at[1]},
			map[string]any{"type": "pointerDown", "button": 0},
			map[string]any{"type": "pointerUp", "button": 0},
		},
	}}})
	return err
}

func (f *firefox) screenshot() ([]byte, error) {
	raw, err := f.send("browsingContext.captureScreenshot", map[string]any{"context": f.tab})
	if err != nil {
		return nil, err
	}
	var picture struct{ Data string }
	if err := json.Unmarshal(raw, &picture); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(picture.Data)
}

// A firefoxContext is a tab, window or frame.
type firefoxContext struct {
	Context  string
	URL      string
	Children []firefoxContext
}

func (f *firefox) frame(prefix string) (driver, error) {
	return f.context(map[string]any{"root": f.tab}, prefix)
}

func (f *firefox) window(prefix string) (driver, error) {
	return f.context(map[string]any{}, prefix)
}

func (f *firefox) context(of map[string]any, prefix string) (driver, error) {
	raw, err := f.send("browsingContext.getTree", of)
	var tree struct{ Contexts []firefoxContext }
	if err == nil {
		err = json.Unmarshal(raw, &tree)
	}
	if err != nil {
		return nil, err
	}
	var seen []string
	for all := tree.Contexts; len(all) > 0; all = all[1:] {
		one := all[0]
		all = append(all, one.Children...)
		seen = append(seen, one.URL)
		if one.Context != f.tab && strings.HasPrefix(one.URL, prefix) {
			return &firefox{connection: f.connection, tab: one.Context, id: f.id}, nil
		}
	}
	return nil, fmt.Errorf("there are %s", strings.Join(seen, ", "))
}
