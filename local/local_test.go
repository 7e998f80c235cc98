package local

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Invalid options and missing tools fail before anything starts, with one line.
func TestRunFailsEarly(t *testing.T) {
	busy, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := busy.Addr().(*net.TCPAddr).Port

	tests := []struct {
		name    string
		options Options
		path    string // the PATH, where it matters
		says    string
	}{
		{"a port in use", Options{Port: port}, "", "port " + strconv.Itoa(port)},
		{"no such folder", Options{Content: filepath.Join(t.TempDir(), "none")}, "", "--content"},
		{"a folder without HLS", Options{Content: t.TempDir()}, "", "--content"},
		{"a host without TLS", Options{Host: "mac.local"}, "", "--tls"},
		{"a host of the internet", Options{Host: "example.com", TLS: true}, "", "private address"},
		{"no Node", Options{}, t.TempDir(), "install Node 20 or newer"},
		{"a bad setting", Options{Settings: []string{"cookieMinutes=soon"}}, "", "cookieMinutes"},
		{"a setting without a value", Options{Settings: []string{"cookieMinutes"}}, "", "NAME=VALUE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.path != "" {
				t.Setenv("PATH", test.path)
			}
			test.options.Out = io.Discard
			err := Run(t.Context(), test.options)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want %q", err, test.says)
			}
			if strings.Contains(err.Error(), "goroutine") || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("more than one line, or a stack trace: %v", err)
			}
		})
	}
}

func TestFindVideos(t *testing.T) {
	const master, media = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n360p/index.m3u8\n", "#EXTM3U\n#EXTINF:4,\na.ts\n"
	tests := []struct {
		name  string
		files map[string]string
		want  []string // path and playlist
	}{
		{"a master above its renditions", map[string]string{"all.m3u8": master, "360p/index.m3u8": media}, []string{"hls all.m3u8"}},
		{"two courses", map[string]string{"a/master.m3u8": master, "a/360p/index.m3u8": media, "b/index.m3u8": media}, []string{"hls/a master.m3u8", "hls/b index.m3u8"}},
		{"a master beside others", map[string]string{"a.m3u8": media, "z.m3u8": master}, []string{"hls z.m3u8"}},
		{"names that a path cannot have", map[string]string{"Lesson 1 (new)/index.m3u8": media}, []string{"hls/Lesson-1--new- index.m3u8"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "hls")
			for name, content := range test.files {
				file := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			videos, err := findVideos(dir)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range videos {
				got = append(got, v.Path+" "+v.Playlist)
			}
			if strings.Join(got, "|") != strings.Join(test.want, "|") {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}
