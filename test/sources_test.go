package test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"premiumhls/internal/catalog"
	"premiumhls/internal/hls"
	"premiumhls/internal/videos"
	"premiumhls/local/s3"
)

// A source is a film that an owner uploads, and what becomes of it.
type source struct {
	name string
	file string
	// ffmpeg's arguments before the file's name; or
	args []string
	// what changes a film made by them.
	change func([]byte) []byte

	sizes    string // of the renditions, largest first; empty: it does not play
	rate     string // FRAME-RATE
	channels string // CHANNELS of the audio; empty: none
	lesson   string // path segment, if it is not the file's name
	says     string // why it failed, or was refused
	ignored  bool   // it leaves no trace
}

func arguments(lists ...[]string) []string { return slices.Concat(lists...) }

// What becomes of odd films: all are uploaded at once to one local run, encoded
// from the job that the function orders, held to Apple's rules, and decoded by
// a player. docs/ingest.md has the table in words.
func TestSources(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to encode films")
	}
	picture := func(spec string) []string { return []string{"-f", "lavfi", "-i", "testsrc2=" + spec} }
	sound := []string{"-f", "lavfi", "-i", "sine=d=2:r=44100"}
	h264 := []string{"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"}
	aac := func(channels string) []string { return []string{"-c:a", "aac", "-ac", channels} }
	small := picture("s=160x90:r=25:d=2")
	plain := arguments(small, h264)
	zeros := func(from, share int) func([]byte) []byte { // damages the picture and leaves the header, which comes last
		return func(b []byte) []byte {
			at := strings.Index(string(b), "mdat") + from
			for i := at; i < at+(len(b)-at)*share/100; i++ {
				b[i] = 0
			}
			return b
		}
	}
	content := func(text string) func([]byte) []byte { return func([]byte) []byte { return []byte(text) } }
	list := []source{
		{name: "landscape", file: "landscape.mp4", args: arguments(picture("s=1280x720:r=25:d=8"), []string{"-f", "lavfi", "-i", "sine=d=8"}, h264, aac("2")), sizes: "1280x720 854x480 640x360", rate: "25.000", channels: "2"},
		{name: "portrait", file: "portrait.mp4", args: arguments(picture("s=360x640:r=30:d=2"), sound, h264, aac("2")), sizes: "360x640", rate: "30.000", channels: "2"},
		{name: "29.97 frames a second", file: "ntsc.mp4", args: arguments(picture("s=160x90:r=30000/1001:d=2"), sound, h264, aac("2")), sizes: "160x90", rate: "29.970", channels: "2"},
		{name: "23.976, QuickTime", file: "cinema.mov", args: arguments(picture("s=160x90:r=24000/1001:d=2"), sound, h264, aac("1")), sizes: "160x90", rate: "23.976", channels: "1"},
		{name: "60 frames a second", file: "fast.mp4", args: arguments(picture("s=160x90:r=60:d=2"), h264), sizes: "160x90", rate: "60.000"},
		{name: "120 frames a second", file: "faster.mp4", args: arguments(picture("s=160x90:r=120:d=2"), h264), sizes: "160x90", rate: "60.000"},
		{name: "variable frame rate", file: "phone.mp4", args: arguments(picture("s=160x90:r=30:d=4"), []string{"-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr"}, h264), sizes: "160x90", rate: "25.000"},
		{name: "no audio", file: "silent.mp4", args: plain, sizes: "160x90", rate: "25.000"},
		{name: "mono", file: "mono.mp4", args: arguments(small, sound, h264, aac("1")), sizes: "160x90", rate: "25.000", channels: "1"},
		{name: "5.1", file: "surround.mp4", args: arguments(small, sound, h264, aac("6")), sizes: "160x90", rate: "25.000", channels: "2"},
		{name: "10 bits", file: "deep.mp4", args: arguments(small, []string{"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"}), sizes: "160x90", rate: "25.000"},
		{name: "HDR", file: "hdr.mp4", args: arguments(small, []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1",
			"-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"}), sizes: "160x90", rate: "25.000"},
		{name: "HEVC", file: "hevc.mp4", args: arguments(small, []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hvc1"}), sizes: "160x90", rate: "25.000"},
		{name: "ProRes", file: "prores.mov", args: arguments(small, []string{"-c:v", "prores_ks"}), sizes: "160x90", rate: "25.000"},
		{name: "Matroska with Opus", file: "matroska.mkv", args: arguments(small, sound, h264, []string{"-c:a", "libopus", "-ac", "2"}), sizes: "160x90", rate: "25.000", channels: "2"},
		{name: "WebM with VP8", file: "web.webm", args: arguments(small, sound, []string{"-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"}), sizes: "160x90", rate: "25.000", channels: "1"},
		{name: "in fragments", file: "fragments.mp4", args: arguments(plain, []string{"-movflags", "frag_keyframe+empty_moov"}), sizes: "160x90", rate: "25.000"},
		{name: "rotated by metadata", file: "turned.mp4", args: plain, change: func(b []byte) []byte {
			copy(b[strings.Index(string(b), "tkhd")+4+40:], "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00")
			return b
		}, sizes: "90x160", rate: "25.000"},
		{name: "odd size", file: "odd.mp4", args: arguments(picture("s=162x92:r=25:d=2"), []string{"-vf", "crop=161:91:exact=1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"}), sizes: "160x90", rate: "25.000"},
		{name: "pixels that are not square", file: "anamorphic.mp4", args: arguments(picture("s=120x90:r=25:d=2"), []string{"-vf", "setsar=4/3"}, h264), sizes: "160x90", rate: "25.000"},
		{name: "shorter than a second", file: "short.mp4", args: arguments(picture("s=160x90:r=25:d=0.4"), h264), sizes: "160x90", rate: "25.000"},

		{name: "name with spaces and quotes", file: `He said "hi" & it's.mp4`, args: plain, sizes: "160x90", rate: "25.000", lesson: "he-said-hi-it-s"},
		{name: "name in Unicode", file: "Урок 1 – Café.mp4", args: plain, sizes: "160x90", rate: "25.000", lesson: "1-cafe-b33679"},
		{name: "name with ..", file: "a..b.mp4", args: plain, sizes: "160x90", rate: "25.000", lesson: "a..b"},
		{name: "name that begins with ..", file: "..secret.mp4", args: plain, ignored: true},
		{name: "a folder ..", file: "../c/up.mp4", args: plain, says: "too deep"},
		{name: "two names for one address", file: "HE SAID hi it s.mp4", args: plain, says: "same address", lesson: "he-said-hi-it-s"},
		{name: "another format", file: "old.avi", args: arguments(small, []string{"-c:v", "mpeg4"}), says: "unknown extension"},

		{name: "truncated", file: "cut.mp4", args: plain, change: func(b []byte) []byte { return b[:len(b)/2] }, says: "incomplete"},
		{name: "broken amid the picture", file: "broken.mp4", args: plain, change: zeros(4, 70), says: "broken"},
		{name: "not a video", file: "paper.mp4", change: content("%PDF-1.7 not a film"), says: "not an MP4"},
		{name: "not Matroska", file: "sheet.mkv", change: content("%PDF-1.7 not a film"), says: "MediaConvert can read"},
		{name: "empty", file: "empty.mp4", change: content(""), says: "empty"},
		{name: "a header that claims 4 GB", file: "huge.mp4", change: content("\xff\xff\xff\xf0moov...."), says: "incomplete"},
		{name: "sound only", file: "radio.mp4", args: arguments(sound, aac("2")), says: "no video"},
	}

	s := newSite(t, map[string]any{"ingest": true})
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	site, err := videos.NewLocal("us-east-1", s.Endpoints(), outputs, owner)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := s.Bucket()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range list {
		var film []byte
		if f.args != nil {
			made := filepath.Join(dir, "film"+path.Ext(f.file))
			if out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-y"}, f.args...), made)...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", f.name, err, out)
			}
			if film, err = os.ReadFile(made); err != nil {
				t.Fatal(err)
			}
		}
		if f.change != nil {
			film = f.change(film)
		}
		if _, err := site.S3.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &site.Bucket, Key: aws.String("uploads/c/" + f.file), Body: strings.NewReader(string(film))}); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		if strings.Contains(f.file, `"`) { // the first of two names is the lesson's
			awaitJSON(t, bucket, catalog.RecordKey("c", f.lesson), new(catalog.Record), func() bool { return true })
		}
	}
	for _, f := range list {
		t.Run(f.name, func(t *testing.T) {
			key := "uploads/c/" + f.file
			lesson := f.lesson
			if lesson == "" {
				lesson = strings.TrimSuffix(f.file, path.Ext(f.file))
			}
			switch f.says {
			case "too deep", "same address", "unknown extension":
				var p catalog.Problem
				awaitJSON(t, bucket, catalog.ProblemKey(key), &p, func() bool { return true })
				if !strings.Contains(p.Reason, f.says) {
					t.Errorf("%s", p.Reason)
				}
				return
			}
			if f.ignored { // all others are handled, and no record or problem is its
				for _, key := range bucket.List(catalog.RecordPrefix) {
					if text, _ := bucket.Read(key); strings.Contains(string(text), f.file) {
						t.Errorf("%s: %s", key, text)
					}
				}
				return
			}
			var r catalog.Record
			awaitJSON(t, bucket, catalog.RecordKey("c", lesson), &r, func() bool { return r.State == catalog.Playing || r.State == catalog.Failed })
			if f.says != "" {
				if r.State != catalog.Failed || !strings.Contains(r.Reason, f.says) {
					t.Errorf("%s: %s", r.State, r.Reason)
				}
				return
			}
			if r.State != catalog.Playing {
				t.Fatalf("%s: %s", r.State, r.Reason)
			}
			f.plays(t, bucket, r)
		})
	}
}

// awaitJSON reads a document of the bucket until it is there and holds.
func awaitJSON(t *testing.T, bucket *s3.Bucket, key string, into any, holds func() bool) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		if text, err := bucket.Read(key); err == nil {
			if err := json.Unmarshal(text, into); err != nil {
				t.Fatal(err)
			}
			if holds() {
				return
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-limit:
			t.Fatalf("%s: still %+v after two minutes", key, into)
		}
	}
}

// plays checks what a film became.
func (f source) plays(t *testing.T, bucket *s3.Bucket, r catalog.Record) {
	t.Helper()
	root := "premium/" + r.Course + "/" + r.Lesson + "/"
	files := fstest.MapFS{}
	for _, key := range bucket.List(root) {
		text, err := bucket.Read(key)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(key, root)] = &fstest.MapFile{Data: text, Mode: 0o644}
	}
	top := r.Current.ID + "/" + catalog.PlaylistName
	findings, err := hls.Check(files, top)
	if err != nil || len(findings) > 0 {
		t.Errorf("%v %v", findings, err)
	}
	text, err := fs.ReadFile(files, top)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "#EXT-X-STREAM-INF:"); ok {
			a := hls.Attributes(rest)
			sizes = append(sizes, a["RESOLUTION"])
			if a["FRAME-RATE"] != f.rate {
				t.Errorf("%s frames a second, want %s", a["FRAME-RATE"], f.rate)
			}
		}
	}
	if got := strings.Join(sizes, " "); got != f.sizes {
		t.Errorf("renditions %q, want %q", got, f.sizes)
	}
	if want := fmt.Sprintf(`CHANNELS=%q`, f.channels); strings.Contains(string(text), "TYPE=AUDIO") != (f.channels != "") || f.channels != "" && !strings.Contains(string(text), want) {
		t.Errorf("channels, want %q:\n%s", f.channels, text)
	}
	// A player decodes everything, and the colors are those of ordinary screens.
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	playlist := filepath.Join(dir, filepath.FromSlash(top))
	if out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-allowed_extensions", "ALL", "-i", playlist, "-map", "0:v:0", "-f", "null", "-").CombinedOutput(); err != nil {
		t.Errorf("a player says %v\n%s", err, out)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-allowed_extensions", "ALL", "-select_streams", "v:0", "-show_entries", "stream=color_transfer,pix_fmt", "-of", "csv=p=0", playlist).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "yuv420p,") || strings.Contains(string(out), "2084") {
		t.Errorf("%s %v", out, err)
	}
}

// The settings of the ladder: HEVC beside H.264, shorter segments, a top below
// the film's size.
func TestIngestSettings(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to encode films")
	}
	s := newSite(t, map[string]any{"ingest": true, "hevc": true, "segmentSeconds": 4, "topRendition": 360})
	file := filepath.Join(t.TempDir(), "film.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=854x480:r=30:d=9", "-f", "lavfi", "-i", "sine=d=9",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	film, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	upload(t, s, map[string]string{"uploads/c/film.mp4": string(film)})
	bucket, err := s.Bucket()
	if err != nil {
		t.Fatal(err)
	}
	var r catalog.Record
	awaitJSON(t, bucket, catalog.RecordKey("c", "film"), &r, func() bool { return r.State == catalog.Playing })
	source{sizes: "640x360 640x360", rate: "30.000", channels: "2"}.plays(t, bucket, r)
	top, err := bucket.Read(r.Current.Folder + catalog.PlaylistName)
	if err != nil {
		t.Fatal(err)
	}
	for _, codec := range []string{`CODECS="avc1.`, `CODECS="hvc1.`} {
		if !strings.Contains(string(top), codec) {
			t.Errorf("no %s in\n%s", codec, top)
		}
	}
	media, err := bucket.Read(r.Current.Segments + "v_360.m3u8")
	if err != nil || !strings.Contains(string(media), "#EXT-X-TARGETDURATION:4\n") || strings.Count(string(media), "#EXTINF") != 3 {
		t.Errorf("%v\n%s", err, media)
	}
}
