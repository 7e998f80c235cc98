package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert"

	"premiumhls/internal/catalog"
	"premiumhls/internal/hls"
	standin "premiumhls/local/mediaconvert"
	"premiumhls/local/s3"
)

// objects lets the stand-in read and write the test's bucket.
type objects struct{ *s3.Bucket }

func (o objects) Fetch(_, _, key, file string) error {
	content, err := o.Read(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

func (o objects) Store(_, _, key, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return o.Put(key, s3.Object{Content: content})
}

// encodes gives a site a MediaConvert that encodes, and returns its events.
func (s *site) encodes() <-chan event {
	events := make(chan event, 100)
	service := standin.New(standin.Options{
		Bucket: objects{s.objects}, Account: "111122223333", Region: "us-east-1",
		Send: func(kind string, detail map[string]any) { events <- s.event("aws.mediaconvert", kind, detail) },
	})
	s.Cleanup(service.Close)
	server := httptest.NewServer(service)
	s.Cleanup(server.Close)
	s.convert = mediaconvert.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
	return events
}

// settled sends events until a lesson plays or has failed.
func (s *site) settled(events <-chan event, course, lesson string) catalog.Record {
	s.Helper()
	for {
		if r := s.lesson(course, lesson); r.State == catalog.Playing || r.State == catalog.Failed {
			return r
		}
		select {
		case e := <-events:
			s.send(e)
		case <-time.After(5 * time.Minute):
			s.Fatal("no event for five minutes")
		}
	}
}

// What becomes of odd films, from the job that the function orders to the
// playlists that it writes: everything is encoded by the stand-in for
// MediaConvert and held to Apple's rules.
func TestOddFilms(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to encode films")
	}
	sound := []string{"-f", "lavfi", "-i", "sine=d=9:r=44100"}
	picture := func(spec string) []string { return []string{"-f", "lavfi", "-i", "testsrc2=" + spec + ":d=9"} }
	h264 := []string{"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"}
	for name, tt := range map[string]struct {
		file   string
		args   [][]string
		want   string // renditions
		audio  int    // channels; 0: no sound
		rotate bool
	}{
		"landscape":     {"l.mp4", [][]string{picture("s=1280x720:r=25"), sound, h264, {"-c:a", "aac", "-ac", "2"}}, "1280x720 854x480 640x360", 2, false},
		"29.97":         {"l.mp4", [][]string{picture("s=640x360:r=30000/1001"), sound, h264, {"-c:a", "aac", "-ac", "2"}}, "640x360", 2, false},
		"23.976":        {"l.mov", [][]string{picture("s=640x360:r=24000/1001"), sound, h264, {"-c:a", "aac"}}, "640x360", 1, false},
		"60":            {"l.mp4", [][]string{picture("s=640x360:r=60"), sound, h264, {"-c:a", "aac", "-ac", "2"}}, "640x360", 2, false},
		"portrait":      {"l.mp4", [][]string{picture("s=480x854:r=30"), sound, h264, {"-c:a", "aac", "-ac", "2"}}, "480x854 360x640", 2, false},
		"rotated":       {"l.mp4", [][]string{picture("s=640x360:r=30"), sound, h264, {"-c:a", "aac", "-ac", "2"}}, "360x640", 2, true},
		"odd size":      {"l.mp4", [][]string{picture("s=722x406:r=30"), h264, {"-vf", "crop=721:405:exact=1", "-pix_fmt", "yuv444p"}}, "640x360", 0, false},
		"no sound":      {"l.mp4", [][]string{picture("s=640x360:r=30"), h264}, "640x360", 0, false},
		"mono":          {"l.mp4", [][]string{picture("s=640x360:r=30"), sound, h264, {"-c:a", "aac", "-ac", "1"}}, "640x360", 1, false},
		"surround":      {"l.mp4", [][]string{picture("s=640x360:r=30"), sound, h264, {"-c:a", "aac", "-ac", "6"}}, "640x360", 2, false},
		"ten bits":      {"l.mp4", [][]string{picture("s=640x360:r=30"), {"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"}}, "640x360", 0, false},
		"Matroska":      {"l.mkv", [][]string{picture("s=640x360:r=30"), sound, h264, {"-c:a", "libopus", "-ac", "2"}}, "640x360", 2, false},
		"WebM":          {"l.webm", [][]string{picture("s=320x240:r=30"), sound, {"-c:v", "libvpx", "-b:v", "300k", "-deadline", "realtime", "-c:a", "libopus"}}, "320x240", 1, false},
		"variable rate": {"l.mp4", [][]string{picture("s=640x360:r=30"), {"-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr"}, h264}, "640x360", 0, false},
		"ProRes":        {"l.mov", [][]string{picture("s=640x360:r=30"), {"-c:v", "prores_ks"}}, "640x360", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			events := s.encodes()
			file := filepath.Join(t.TempDir(), tt.file)
			args := []string{"-v", "error"}
			for _, part := range tt.args {
				args = append(args, part...)
			}
			if out, err := exec.Command("ffmpeg", append(args, file)...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if tt.rotate {
				matrix := content[strings.Index(string(content), "tkhd")+4+40:]
				copy(matrix, "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00")
			}
			s.send(s.upload("uploads/c/"+tt.file, content), s.upload("uploads/c/l.en.vtt", []byte(vtt)))
			r := s.settled(events, "c", "l")
			if r.State != catalog.Playing {
				t.Fatalf("%+v", r)
			}
			root := s.lessonFolder("c", "l", false)
			findings, err := hls.Check(s.files(root), r.Current.ID+"/"+playlistName)
			if err != nil || len(findings) > 0 {
				t.Errorf("%v %v", findings, err)
			}
			top := s.text(r.Current.Folder + playlistName)
			var sizes []string
			for line := range strings.SplitSeq(top, "\n") {
				if rest, ok := strings.CutPrefix(line, "#EXT-X-STREAM-INF:"); ok {
					sizes = append(sizes, hls.Attributes(rest)["RESOLUTION"])
				}
			}
			if got := strings.Join(sizes, " "); got != tt.want {
				t.Errorf("renditions %s, want %s", got, tt.want)
			}
			if want := fmt.Sprintf(`CHANNELS="%d"`, tt.audio); strings.Contains(top, "TYPE=AUDIO") != (tt.audio > 0) || tt.audio > 0 && !strings.Contains(top, want) {
				t.Errorf("sound of %d channels:\n%s", tt.audio, top)
			}
			board := s.text(r.Current.Segments + storyboardName)
			if strings.Count(board, "-->") != 2 { // at 0 s and 5 s
				t.Errorf("storyboard:\n%s", board)
			}
			// What viewers get is shown by a player: the last picture is there.
			dir := t.TempDir()
			for _, key := range s.objects.List(root) {
				name := filepath.Join(dir, strings.TrimPrefix(key, root))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(s.text(key)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-allowed_extensions", "ALL", "-i", filepath.Join(dir, r.Current.ID, playlistName), "-map", "0:v:0", "-f", "null", "-").CombinedOutput()
			if err != nil {
				t.Errorf("a player says %v\n%s", err, out)
			}
		})
	}
}

// A film that breaks off amid the picture fails with a sentence.
func TestBrokenFilm(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	s := newSite(t)
	events := s.encodes()
	content := film(t)
	at := strings.Index(string(content), "mdat")
	copy(content[at+8:], make([]byte, len(content[at+8:])*3/4)) // the header, which comes last, stays
	s.send(s.upload("uploads/c/l.mp4", content))
	if r := s.settled(events, "c", "l"); r.State != catalog.Failed || !strings.Contains(r.Reason, "broken") {
		t.Errorf("%+v", r)
	}
}
