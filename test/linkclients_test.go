package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"premiumhls/test/sitetest"
)

// linkCommands play a link to the end, without any option. docs/links.md has
// them.
var linkCommands = map[string]func(url, folder string) []string{
	// It plays to a file, which takes no time.
	"VLC": func(url, folder string) []string {
		return []string{"cvlc", "--intf", "dummy", "--play-and-exit", "--sout", "#std{access=file,mux=ts,dst=" + filepath.Join(folder, "video.ts") + "}", url}
	},
}

// A link plays to the end in clients that know nothing of it, a lesson made by
// hand and one with a key, an audio group and captions. With another course's
// path and with one byte changed it does not.
func TestLinkPlaysInClients(t *testing.T) {
	served := &sitetest.Segments{}
	s := newSite(t, sitetest.LinkSettings(nil), served.Watch)
	s.Put(encrypted(t))
	sample := s.Link("ben", `{"path":"course-1/sample"}`)
	path, query, _ := strings.Cut(sample, "?")
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			c.find(t)
			play := linkCommands[c.name]
			if play == nil {
				play = func(url, folder string) []string { return c.command(url, "", folder) }
			}
			for _, lesson := range []struct{ name, address, segments string }{
				{"made by hand", sample, "segment-%02d.ts"},
				{"encrypted, with an audio group", s.Link("ben", `{"path":"course-1/film"}`), "video%d.ts"},
			} {
				if c.name == "streamlink" && lesson.address != sample {
					continue // it reads all of it, but does not join sound and picture here
				}
				t.Run(lesson.name, func(t *testing.T) {
					served.Reset()
					folder := clientFolder(t)
					output, err := run(t, folder, play(s.Origin+lesson.address, folder))
					if err != nil {
						t.Fatalf("%v\n%.2000s", err, output)
					}
					if !served.All(lesson.segments) {
						t.Errorf("not every segment was served\n%.2000s", output)
					}
					if c.check != nil {
						c.check(t, output, folder)
					}
				})
			}
			for name, address := range map[string]string{
				"with the path of another course": strings.Replace(path, "course-1", "course-2", 1) + "?" + query,
				"with one byte changed":           path + "?" + strings.Replace(query, "Signature=M", "Signature=N", 1),
			} {
				t.Run(name, func(t *testing.T) {
					served.Reset()
					folder := clientFolder(t)
					output, err := run(t, folder, play(s.Origin+address, folder))
					if served.Played() != 0 || served.Refusals() == 0 {
						t.Errorf("%d segments served, %d requests refused", served.Played(), served.Refusals())
					}
					if err == nil && c.name != "VLC" { // it exits with 0 in any case
						t.Errorf("the client succeeds\n%s", output)
					}
				})
			}
		})
	}
	t.Run("expired", func(t *testing.T) {
		find(t, "ffmpeg: apt-get install ffmpeg", "ffmpeg")
		s.Clock.Forward(25 * 60 * 60 * 1e9)
		served.Reset()
		folder := clientFolder(t)
		if output, err := run(t, folder, clients[0].command(s.Origin+sample, "", folder)); err == nil || served.Played() != 0 || served.Refusals() == 0 {
			t.Errorf("an expired link plays\n%s", output)
		}
	})
}

// encrypted is a lesson of twenty seconds, as ingest lays lessons out: five
// segments, encrypted, with sound in a group of its own, and captions.
func encrypted(t *testing.T) map[string]string {
	t.Helper()
	ffmpeg := find(t, "ffmpeg: apt-get install ffmpeg", "ffmpeg")
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("film.key", "0123456789abcdef")
	write("info", "film.key\n"+filepath.Join(dir, "film.key")+"\n")
	encode := func(arguments ...string) {
		command := exec.Command(ffmpeg, append([]string{"-v", "error", "-nostdin"}, arguments...)...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	layout := []string{"-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_type", "mpegts", "-hls_key_info_file", "info"}
	encode(append([]string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=20", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
		"-g", "100", "-keyint_min", "100", "-sc_threshold", "0", "-hls_segment_filename", "video%d.ts"}, append(layout, "video.m3u8")...)...)
	encode(append([]string{"-f", "lavfi", "-i", "sine=d=20", "-c:a", "aac", "-hls_segment_filename", "audio%d.aac.ts"}, append(layout, "audio.m3u8")...)...)
	write("en.vtt", "WEBVTT\n\n00:00.500 --> 00:19.000\nHello\n")
	write("en.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:20\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:20,\nen.vtt\n#EXT-X-ENDLIST\n")
	write("main.m3u8", `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",URI="en.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS="avc1.42c00d,mp4a.40.2",RESOLUTION=320x180,AUDIO="a",SUBTITLES="s"
video.m3u8
`)
	const folder = "premium/course-1/film/"
	objects := map[string]string{folder + "lesson.json": `{"path":"course-1/film","version":"v1","playlist":"v1/main.m3u8","duration":20}`}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if file.Name() != "info" {
			objects[folder+"v1/"+file.Name()] = string(content)
		}
	}
	return objects
}
