package browser

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

const webKitPackages = "webkit2gtk-driver xvfb gstreamer1.0-libav gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"

// webKitEnvironment keeps WebKit off hardware that a test machine does not
// have. GStreamer's fake sink replaces a sound card: without one no video plays.
var webKitEnvironment = []string{
	"GST_PLUGIN_FEATURE_RANK=fakeaudiosink:MAX",
	"LIBGL_ALWAYS_SOFTWARE=1",
	"WEBKIT_DISABLE_DMABUF_RENDERER=1",
	"NO_AT_BRIDGE=1",
	"GSETTINGS_BACKEND=memory",
	"GIO_USE_VFS=local",
}

// A webKit is a session of WebKitWebDriver (W3C WebDriver).
type webKit struct {
	session string // its URL
	handle  string // of the window
	inside  string // selects the frame in the window; empty for the window
}

func startWebKit(t testing.TB, _ Options) driver {
	display := startDisplay(t)
	port := freePort(t)
	command := exec.Command("WebKitWebDriver", "--port="+port)
	home := t.TempDir()
	command.Env = append(append(os.Environ(), "DISPLAY="+display, "HOME="+home, "XDG_RUNTIME_DIR="+home), webKitEnvironment...)
	run(t, command)
	base := "http://127.0.0.1:" + port
	if !await(func() bool { return call("GET", base+"/status", nil, nil) == nil }) {
		t.Fatal("WebKitWebDriver failed to start")
	}
	var session struct{ SessionID string }
	if err := call("POST", base+"/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"acceptInsecureCerts": true,
		"timeouts":            map[string]any{"script": 60000, "pageLoad": 60000},
	}}}, &session); err != nil {
		t.Fatalf("start a session of WebKit: %v", err)
	}
	w := webKit{session: base + "/session/" + session.SessionID}
	if err := w.do("GET", "/window", nil, &w.handle); err != nil {
		t.Fatalf("WebKit has no window: %v", err)
	}
	t.Cleanup(func() { w.do("DELETE", "", nil, nil) })
	w.do("POST", "/window/rect", map[string]any{"width": 1280, "height": 900}, nil)
	return w
}

// startDisplay starts an X server without a screen and returns its name.
func startDisplay(t testing.TB) string {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	command := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp")
	command.ExtraFiles = []*os.File{write}
	run(t, command)
	write.Close()
	read.SetReadDeadline(time.Now().Add(30 * time.Second))
	var number int
	if _, err := fmt.Fscan(read, &number); err != nil {
		t.Fatalf("Xvfb failed to start: %v", err)
	}
	return ":" + strconv.Itoa(number)
}

// run starts a program that ends with the test.
func run(t testing.TB, command *exec.Cmd) {
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Signal(os.Interrupt)
		done := make(chan struct{})
		go func() { command.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			command.Process.Kill()
			<-done
		}
	})
}

func freePort(t testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func (w webKit) do(method, path string, body, result any) error {
	return call(method, w.session+path, body, result)
}

// call sends a command of WebDriver.
func call(method, url string, body, result any) error {
	var sent io.Reader
	if method == "POST" {
		if body == nil {
			body = struct{}{}
		}
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(raw)
	}
	request, err := http.NewRequest(method, url, sent)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Timeout: 2 * time.Minute}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var message struct{ Value json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&message); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(string(message.Value))
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(message.Value, result)
}

// enter makes the window or the frame the one that commands are for.
func (w webKit) enter() error {
	if err := w.do("POST", "/window", map[string]any{"handle": w.handle}, nil); err != nil {
		return err
	}
	if err := w.do("POST", "/frame", map[string]any{"id": nil}, nil); err != nil || w.inside == "" {
		return err
	}
	var element map[string]string
	if err := w.do("POST", "/element", map[string]any{"using": "css selector", "value": w.inside}, &element); err != nil {
		return err
	}
	return w.do("POST", "/frame", map[string]any{"id": element}, nil)
}

func (w webKit) frame(prefix string) (driver, error) {
	w.inside = fmt.Sprintf("iframe[src^=%q]", prefix)
	return w, w.enter()
}

func (w webKit) window(prefix string) (driver, error) {
	var handles []string
	if err := w.do("GET", "/window/handles", nil, &handles); err != nil {
		return nil, err
	}
	for _, handle := range handles {
		other := webKit{session: w.session, handle: handle}
		raw, err := other.evaluate("return location.href")
		var url string
		if err == nil && json.Unmarshal(raw, &url) == nil && handle != w.handle && strings.HasPrefix(url, prefix) {
			return other, nil
		}
	}
	return nil, fmt.Errorf("there are %d windows", len(handles))
}

func (w webKit) navigate(url string) error {
	if err := w.enter(); err != nil {
		return err
	}
	return w.do("POST", "/url", map[string]any{"url": url}, nil)
}

func (w webKit) evaluate(body string) (json.RawMessage, error) {
	if err := w.enter(); err != nil {
		return nil, err
	}
	var text string
	err := w.do("POST", "/execute/async", map[string]any{
		"script": `const done = arguments[0];
			(async () => { ` + body + ` })().then((value) => done(JSON.stringify([value ?? null])), (error) => done("!" + error));`,
		"args": []any{},
	}, &text)
	if err != nil {
		return nil, err
	}
	var value []json.RawMessage
	if err := json.Unmarshal([]byte(text), &value); err != nil || len(value) != 1 {
		return nil, errors.New(text)
	}
	return value[0], nil
}

func (w webKit) click(selector string) error {
	if err := w.enter(); err != nil {
		return err
	}
	var element map[string]string
	if err := w.do("POST", "/element", map[string]any{"using": "css selector", "value": selector}, &element); err != nil {
		return err
	}
	for _, id := range element {
		return w.do("POST", "/element/"+id+"/click", nil, nil)
	}
	return errors.New("the driver returned no element")
}

func (w webKit) screenshot() ([]byte, error) {
	if err := w.enter(); err != nil {
		return nil, err
	}
	var encoded string
	if err := w.do("GET", "/screenshot", nil, &encoded); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(encoded)
}
