package hls

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"premiumhls/internal/mp4"
)

func TestParseMedia(t *testing.T) {
	const text = "#EXTM3U\r\n#EXT-X-VERSION:7\r\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n" +
		"#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"700@0\"\n#EXTINF:6.006,title\n#EXT-X-BYTERANGE:1000@700\na.m4s\n" +
		"#EXTINF:4,\n#EXT-X-BYTERANGE:500\na.m4s\n#EXTINF:1.5,\nb.m4s\n#EXT-X-ENDLIST\n"
	m, err := ParseMedia(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []Segment{
		{Resource{"a.m4s", 1000, 700}, 6.006, 1000},
		{Resource{"a.m4s", 500, 1700}, 4, 500},
		{Resource{"b.m4s", 0, 0}, 1.5, 0},
	}
	if !slices.Equal(m.Segments, want) {
		t.Errorf("segments %+v, want %+v", m.Segments, want)
	}
	if m.Map == nil || *m.Map != (Resource{"init.mp4", 700, 0}) || !m.VOD || !m.Ended || m.Version != 7 || m.TargetDuration != 6 {
		t.Errorf("%+v", m)
	}
	if err := m.Measure(func(string) (int64, bool) { return 300, true }); err != nil || m.Segments[2].Bytes != 300 || m.Segments[0].Bytes != 1000 {
		t.Errorf("measured %+v, %v", m.Segments, err)
	}
	if err := m.Measure(func(string) (int64, bool) { return 0, false }); err == nil {
		t.Error("a missing segment was not reported")
	}
}

func TestParseMediaRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                  "",
		"something else":           "<html>",
		"a multivariant playlist":  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n",
		"encryption":               "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n",
		"two maps":                 "#EXTM3U\n#EXT-X-MAP:URI=\"a\"\n#EXT-X-MAP:URI=\"b\"\n",
		"a URI without a duration": "#EXTM3U\na.m4s\n",
		"a duration without a URI": "#EXTM3U\n#EXTINF:1,\n",
		"a negative duration":      "#EXTM3U\n#EXTINF:-1,\na\n",
		"an infinite duration":     "#EXTM3U\n#EXTINF:Inf,\na\n",
		"a byte range of nothing":  "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:0@1\na\n",
		"a target of words":        "#EXTM3U\n#EXT-X-TARGETDURATION:six\n",
		"a line without an end":    "#EXTM3U\n#" + strings.Repeat("x", maxLine) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := ParseMedia(strings.NewReader(text)); err == nil {
				t.Errorf("read as %+v", m)
			}
		})
	}
}

func FuzzParseMedia(f *testing.F) {
	f.Add("#EXTM3U\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:6,\n#EXT-X-BYTERANGE:5@1\na\n#EXT-X-ENDLIST\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMedia(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, s := range m.Segments {
			if s.URI == "" || s.Duration < 0 || s.Length < 0 || s.Offset < 0 && s.Length > 0 {
				t.Errorf("segment %+v of %q", s, text)
			}
		}
		_ = m.Rates()
	})
}

func TestRates(t *testing.T) {
	segments := func(pairs ...float64) (list []Segment) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, Segment{Duration: pairs[i], Bytes: int64(pairs[i+1])})
		}
		return list
	}
	for _, tt := range []struct {
		name     string
		segments []Segment
		want     Rates
	}{
		{"no segments", nil, Rates{}},
		{"even", segments(6, 6000, 6, 6000), Rates{8000, 8000}},
		{"one dense segment", segments(6, 6000, 6, 12000, 6, 6000), Rates{10667, 16000}},
		// 2.9 s are less than half of the target duration, and count only with
		// what follows.
		{"a short dense segment", segments(2.9, 29000, 6, 6000), Rates{31461, 31461}},
		{"shorter than any run", segments(1, 1000), Rates{8000, 8000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := Media{TargetDuration: 6, Segments: tt.segments}
			if got := m.Rates(); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestMultivariant(t *testing.T) {
	got := Multivariant{
		Chapters:  "chapters.json",
		Variants:  []Variant{{"v720.m3u8", Rates{2_000_000, 3_000_000}, []string{"avc1.64001f"}, 1280, 720, 29.97}},
		Audio:     []Rendition{{URI: "a.m3u8", Name: `Say "hi"` + "\n", Language: "en", Default: true, Channels: 2, Rates: Rates{128_000, 130_000}, Codecs: []string{"mp4a.40.2"}}},
		Subtitles: []Rendition{{URI: "en.m3u8", Name: "English", Language: "en", Accessible: true}},
		IFrames:   []IFrames{{"i.m3u8", Rates{100, 200}, []string{"avc1.64001f"}, 1280, 720}},
	}.String()
	for _, want := range []string{
		"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n",
		`#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters.json"` + "\n",
		`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Say 'hi' ",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a.m3u8"` + "\n",
		`TYPE=SUBTITLES,GROUP-ID="captions",NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound",URI="en.m3u8"`,
		`#EXT-X-STREAM-INF:BANDWIDTH=3130000,AVERAGE-BANDWIDTH=2128000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio",SUBTITLES="captions",CLOSED-CAPTIONS=NONE` + "\nv720.m3u8\n",
		`#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=200,AVERAGE-BANDWIDTH=100,CODECS="avc1.64001f",RESOLUTION=1280x720,URI="i.m3u8"` + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
}

func TestCutCaptions(t *testing.T) {
	cues := []Cue{
		{time.Second, 2 * time.Second, "line:0", "first"},
		{5 * time.Second, 7 * time.Second, "", "crosses\n\nthe --> boundary"},
		{20 * time.Second, 30 * time.Second, "", "after the end"},
		{3 * time.Second, 3 * time.Second, "", "no time at all"},
	}
	got := CutCaptions(cues, 6*time.Second, 15*time.Second, 66*time.Millisecond)
	const header = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:5940\n"
	crossing := "\n00:00:05.000 --> 00:00:07.000\ncrosses\nthe --&gt; boundary\n"
	want := []string{header + "\n00:00:01.000 --> 00:00:02.000 line:0\nfirst\n" + crossing, header + crossing, header}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestStoryboard(t *testing.T) {
	got := Storyboard{Sheets: []string{"s0.jpg", "s1.jpg"}, Columns: 2, Rows: 1, Width: 160, Height: 90,
		Interval: 10 * time.Second, Pictures: 3, Duration: 25 * time.Second}.WebVTT()
	want := "WEBVTT\n" +
		"\n00:00:00.000 --> 00:00:10.000\ns0.jpg#xywh=0,0,160,90\n" +
		"\n00:00:10.000 --> 00:00:20.000\ns0.jpg#xywh=160,0,160,90\n" +
		"\n00:00:20.000 --> 00:00:25.000\ns1.jpg#xywh=0,0,160,90\n"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestEncoded holds what is read and written against segments that ffmpeg
// made: three seconds at 30 frames a second with a key frame each second.
func TestEncoded(t *testing.T) {
	dir := encode(t)
	files := os.DirFS(dir)
	media := func(name string) Media {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ParseMedia(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if err := m.Measure(func(uri string) (int64, bool) {
			info, err := fs.Stat(files, uri)
			return info.Size(), err == nil
		}); err != nil {
			t.Fatal(err)
		}
		return m
	}
	initial := func(name string) mp4.Init {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		in, err := mp4.ParseInit(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return in
	}
	video, audio := initial("init_0.mp4"), initial("init_1.mp4")
	if video.Codec != "avc1.64000c" || video.Width != 320 || video.Height != 180 {
		t.Errorf("video %+v", video)
	}
	if audio.Codec != "mp4a.40.2" || audio.Channels != 2 {
		t.Errorf("audio %+v", audio)
	}

	v, a := media("out_0.m3u8"), media("out_1.m3u8")
	var segments []IFrameSegment
	for _, s := range v.Segments {
		data, err := fs.ReadFile(files, s.URI)
		if err != nil {
			t.Fatal(err)
		}
		fragments, err := mp4.Fragments(data, video.Timescale)
		if err != nil {
			t.Fatal(err)
		}
		if len(fragments) != 1 || math.Abs(fragments[0].Duration-s.Duration) > 0.01 || fragments[0].Length >= s.Bytes {
			t.Errorf("%s lasts %v s and has the fragments %+v", s.URI, s.Duration, fragments)
		}
		segments = append(segments, IFrameSegment{s.URI, fragments})
	}
	iframes, rates := IFramePlaylist("init_0.mp4", segments)
	write(t, dir, "iframes.m3u8", iframes)
	framesAreWhole(t, dir, "iframes.m3u8", len(segments))

	var captions []Segment
	for i, text := range CutCaptions([]Cue{{0, time.Second, "", "Hello"}}, time.Second, time.Duration(v.Duration()*1e9), 0) {
		name := fmt.Sprintf("en_%d.vtt", i)
		write(t, dir, name, text)
		captions = append(captions, Segment{Resource: Resource{URI: name}, Duration: 1})
	}
	write(t, dir, "en.m3u8", MediaPlaylist("", captions))
	write(t, dir, "top.m3u8", Multivariant{
		Variants:  []Variant{{"out_0.m3u8", v.Rates(), []string{video.Codec}, video.Width, video.Height, 30}},
		Audio:     []Rendition{{URI: "out_1.m3u8", Name: "English", Language: "en", Default: true, Channels: 2, Rates: a.Rates(), Codecs: []string{audio.Codec}}},
		Subtitles: []Rendition{{URI: "en.m3u8", Name: "English", Language: "en"}},
		IFrames:   []IFrames{{"iframes.m3u8", rates, []string{video.Codec}, video.Width, video.Height}},
	}.String())
	found, err := Check(files, "top.m3u8")
	if err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}

	for name, change := range map[string]struct{ file, from, to, rule string }{
		"a wrong average":            {"top.m3u8", "AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=9", "Apple 1.26, 9.15"},
		"a wrong peak":               {"top.m3u8", "INF:BANDWIDTH=", "INF:BANDWIDTH=9", "Apple 1.27, 9.13"},
		"no codecs":                  {"top.m3u8", "CODECS=", "X-CODECS=", "Apple 9.1, 9.2, 9.14, 9.15"},
		"no codec of the audio":      {"top.m3u8", ",mp4a.40.2", "", "Apple 9.1"},
		"no frame rate":              {"top.m3u8", "FRAME-RATE", "X-FRAME-RATE", "Apple 9.1, 9.2, 9.14, 9.15"},
		"no independent segments":    {"top.m3u8", "#EXT-X-INDEPENDENT-SEGMENTS\n", "", "Apple 9.11"},
		"no language":                {"top.m3u8", "LANGUAGE", "X-LANGUAGE", "Apple 8.10"},
		"no I-frames":                {"top.m3u8", "#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-Y", "Apple 6.1"},
		"two targets":                {"out_1.m3u8", "TARGETDURATION:1", "TARGETDURATION:2", "Apple 8.2"},
		"a target too short":         {"out_0.m3u8", "#EXTINF:1.000000", "#EXTINF:1.600000", "RFC 8216 4.3.3.1"},
		"no end":                     {"out_0.m3u8", "#EXT-X-ENDLIST", "", "Apple 8.6"},
		"a version too old":          {"out_0.m3u8", "#EXT-X-VERSION:7", "#EXT-X-VERSION:3", "RFC 8216 7"},
		"a missing segment":          {"out_0.m3u8", "v0_00001.m4s", "v0_00009.m4s", "RFC 8216 6.2.1"},
		"captions that end early":    {"en.m3u8", "#EXTINF:1.00000,\nen_1.vtt\n", "", "Apple 5.5"},
		"another codec":              {"top.m3u8", "avc1.64000c", "avc1.640028", "Apple 9.1, 9.3"},
		"another size":               {"top.m3u8", "RESOLUTION=320x180", "RESOLUTION=640x360", "Apple 9.2, 9.4"},
		"captions that nobody names": {"top.m3u8", `,SUBTITLES="captions"`, "", "RFC 8216 4.3.4.2"},
		"audio that does not exist":  {"top.m3u8", `,AUDIO="audio"`, `,AUDIO="sound"`, "RFC 8216 4.3.4.2"},
		"no key frame":               {"v0_00001.m4s", "\x02\x00\x00\x00", "\x01\x01\x00\x00", "Apple 7.4"},
		"whole segments as I-frames": {"iframes.m3u8", "#EXT-X-I-FRAMES-ONLY\n", "", "Apple 6.8"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := fstest.MapFS{}
			entries, err := fs.ReadDir(files, ".")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				data, err := fs.ReadFile(files, e.Name())
				if err != nil {
					t.Fatal(err)
				}
				if e.Name() == change.file {
					if !bytes.Contains(data, []byte(change.from)) {
						t.Fatalf("%s has no %q:\n%s", change.file, change.from, data)
					}
					data = bytes.ReplaceAll(data, []byte(change.from), []byte(change.to))
				}
				changed[e.Name()] = &fstest.MapFile{Data: data}
			}
			found, err := Check(changed, "top.m3u8")
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == change.rule }) {
				t.Errorf("not found: %v", found)
			}
		})
	}
}

// framesAreWhole decodes each range of an I-frame playlist by itself: it must hold
// one whole key frame, and no more.
func framesAreWhole(t *testing.T, dir, name string, want int) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseMedia(bytes.NewReader(data))
	if err != nil || len(m.Segments) != want {
		t.Fatalf("%d frames, want %d: %v", len(m.Segments), want, err)
	}
	initialization, err := os.ReadFile(filepath.Join(dir, m.Map.URI))
	if err != nil {
		t.Fatal(err)
	}
	// first decodes the first frame of a segment.
	first := func(segment []byte) string {
		cmd := exec.Command("ffmpeg", "-v", "quiet", "-f", "mp4", "-i", "pipe:0", "-frames:v", "1", "-f", "framemd5", "-")
		cmd.Stdin = io.MultiReader(bytes.NewReader(initialization), bytes.NewReader(segment))
		out, _ := cmd.Output() // an error where the rest is cut off
		if !bytes.Contains(out, []byte("\n0,")) {
			t.Errorf("no frame: %s", out)
		}
		return string(out)
	}
	for i, s := range m.Segments {
		segment, err := os.ReadFile(filepath.Join(dir, s.URI))
		if err != nil {
			t.Fatal(err)
		}
		whole := first(segment)
		// What follows the range is not needed for the frame, and its end is.
		only := func(length int64) []byte {
			end := s.Offset + length
			return slices.Concat(segment[:end], make([]byte, int64(len(segment))-end))
		}
		if first(only(s.Length)) != whole || first(only(s.Length-200)) == whole {
			t.Errorf("frame %d is not the range %+v", i, s.Resource)
		}
	}
}

func encode(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("install ffmpeg to read what it encodes")
		}
	}
	dir := t.TempDir()
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=3", "-f", "lavfi", "-i", "sine=d=3",
		"-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-profile:v", "high", "-pix_fmt", "yuv420p", "-level", "1.2", "-crf", "28",
		"-force_key_frames", "expr:gte(t,n_forced*1)", "-sc_threshold", "0", "-g", "300", "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-ar", "48000",
		"-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init_%v.mp4",
		"-hls_segment_filename", "v%v_%05d.m4s", "-master_pl_name", "ffmpeg.m3u8", "-var_stream_map", "v:0,agroup:a a:0,agroup:a", "out_%v.m3u8")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(path.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
