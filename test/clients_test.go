package test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"premiumhls/test/sitetest"
)

// A client plays HLS without a browser.
type client struct {
	name     string
	install  string
	programs []string
	// installed is a command that fails if more than the programs is missing;
	// may be nil.
	installed []string
	// command plays a URL to the end and sends cookies, "NAME=VALUE; …", with
	// each request. Without cookies it sends none. Files go to folder.
	command func(url, cookies, folder string) []string
	check   func(t *testing.T, output []byte, folder string) // of a successful run; may be nil
}

// clients are the clients that Debian has. docs/playback.md has the commands.
var clients = []client{
	{
		name: "ffmpeg", install: "ffmpeg", programs: []string{"ffmpeg"},
		command: func(url, cookies, _ string) []string {
			return withCookies([]string{"ffmpeg", "-nostdin", "-loglevel", "error", "-stats_period", "100"},
				cookies, "-headers", "Cookie: %s\r\n", "-i", url, "-map", "0:v:0", "-f", "framecrc", "-")
		},
		check: func(t *testing.T, output []byte, _ string) {
			if frames := bytes.Count(output, []byte("\n0,")); frames < 400 {
				t.Errorf("%d frames, want those of twenty seconds", frames)
			}
		},
	},
	{
		name: "mpv", install: "mpv", programs: []string{"mpv"},
		command: func(url, cookies, _ string) []string {
			return withCookies([]string{"mpv", "--no-config", "--no-terminal", "--ytdl=no", "--vo=null", "--ao=null", "--untimed", "--ao-null-untimed"},
				cookies, "", "--http-header-fields=Cookie: %s", url)
		},
	},
	{
		name: "GStreamer", install: "python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav", programs: []string{"/usr/bin/python3"},
		installed: []string{"/usr/bin/python3", "playbin3.py"},
		command: func(url, cookies, _ string) []string {
			return withCookies([]string{"/usr/bin/python3", "playbin3.py", url}, cookies, "", "%s")
		},
	},
	{
		name: "streamlink", install: "streamlink", programs: []string{"streamlink"},
		command: func(url, cookies, folder string) []string {
			return withCookies([]string{"streamlink"}, cookies, "--http-header", "Cookie=%s",
				"--output", filepath.Join(folder, "video.ts"), "hls://"+url, "best")
		},
		check: hasVideo("video.ts"),
	},
	{
		name: "yt-dlp", install: "yt-dlp", programs: []string{"yt-dlp"},
		command: func(url, cookies, folder string) []string {
			return withCookies([]string{"yt-dlp", "--ignore-config", "--no-progress"}, cookies, "--add-header", "Cookie: %s",
				"--output", filepath.Join(folder, "video.mp4"), url)
		},
		check: hasVideo("video.mp4"),
	},
	{
		// VLC has no option for cookies, so streamlink fetches and VLC plays. It
		// plays to a file, which takes no time.
		name: "VLC", install: "vlc-bin vlc-plugin-base streamlink", programs: []string{"cvlc", "streamlink"},
		command: func(url, cookies, folder string) []string {
			header := ""
			if cookies != "" {
				header = "--http-header 'Cookie=" + cookies + "'"
			}
			return []string{"bash", "-o", "pipefail", "-c", "streamlink " + header + " --stdout 'hls://" + url + "' best | " +
				"cvlc --intf dummy --play-and-exit --sout '#std{access=file,mux=ts,dst=" + filepath.Join(folder, "video.ts") + "}' fd://0"}
		},
		check: hasVideo("video.ts"),
	},
}

// withCookies returns a command with an option for cookies, if there are any,
// before what follows.
func withCookies(command []string, cookies, option, value string, follows ...string) []string {
	if cookies != "" {
		if option != "" {
			command = append(command, option)
		}
		command = append(command, fmt.Sprintf(value, cookies))
	}
	return append(command, follows...)
}

func hasVideo(name string) func(*testing.T, []byte, string) {
	return func(t *testing.T, _ []byte, folder string) {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() < 100_000 {
			t.Errorf("no video in %s: %v", name, err)
		}
	}
}

// Clients that share nothing with a browser play with the cookies and are
// refused without them, and with those of another course.
func TestPlaysInClients(t *testing.T) {
	served := &sitetest.Segments{}
	s := newSite(t, nil, served.Watch)
	url := s.Origin + "/premium/course-1/sample/master.m3u8"
	mine := sitetest.CookieHeader(s.Cookies("ada", "course-1")).Get("Cookie")
	other := sitetest.CookieHeader(s.Cookies("ada", "course-2")).Get("Cookie")
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			c.find(t)
			served.Reset()
			folder := clientFolder(t)
			output, err := run(t, folder, c.command(url, mine, folder))
			if err != nil {
				t.Fatalf("with cookies: %v\n%s", err, output)
			}
			if got := served.Played(); got != 5 {
				t.Errorf("%d of 5 segments were served\n%s", got, output)
			}
			if c.check != nil {
				c.check(t, output, folder)
			}

			for name, cookies := range map[string]string{"without cookies": "", "with the cookies of another course": other} {
				served.Reset()
				folder := clientFolder(t)
				output, err := run(t, folder, c.command(url, cookies, folder))
				if served.Played() != 0 || served.Refusals() == 0 {
					t.Errorf("%s: %d segments served, %d requests refused", name, served.Played(), served.Refusals())
				}
				if err == nil && c.name != "VLC" { // VLC exits with 0 in any case
					t.Errorf("%s: the client succeeds\n%s", name, output)
				}
			}
		})
	}
}

// clientFolder is a temporary folder for any user.
func clientFolder(t *testing.T) string {
	folder, err := os.MkdirTemp("", "client")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chown(folder, 65534, 65534); err != nil && os.Getuid() == 0 {
		t.Fatal(err)
	}
	return folder
}

// run runs a client, as an ordinary user: VLC refuses to run as root.
func run(t *testing.T, folder string, command []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env = append(os.Environ(), "HOME="+folder, "XDG_RUNTIME_DIR="+folder)
	c.WaitDelay = 5 * time.Second
	if os.Getuid() == 0 && strings.Contains(strings.Join(command, " "), "cvlc") {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		c.Dir = folder
	}
	return c.CombinedOutput()
}

// find skips the test if the client is not installed.
func (c client) find(t *testing.T) {
	t.Helper()
	install := c.name + ": apt-get install " + c.install
	for _, program := range c.programs {
		find(t, install, program)
	}
	if c.installed == nil {
		return
	}
	if output, err := exec.CommandContext(t.Context(), c.installed[0], c.installed[1:]...).CombinedOutput(); err != nil {
		t.Skipf("to run this test, install %s (%v: %s)", install, err, output)
	}
}

// find returns the path of a program, or skips the test if it is not installed.
func find(t testing.TB, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("to run this test, install %s", install)
	return ""
}
