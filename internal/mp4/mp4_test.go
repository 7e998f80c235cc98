package mp4

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func FuzzParseInit(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x08moov"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if in, err := ParseInit(data); err == nil && in.Codec == "" {
			t.Errorf("%q is read as nothing", data)
		}
		_, _ = Fragments(data, 1000)
	})
}

// An init segment may claim any size of its boxes.
func TestParseInitRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":                       "",
		"half a header":                 "\x00\x00\x00",
		"a box past the end":            "\x7f\xff\xff\xffmoov",
		"a box of 4 GB":                 "\x00\x00\x00\x01moov\x00\x00\x00\x01\x00\x00\x00\x00",
		"a box shorter than its header": "\x00\x00\x00\x04moov",
		"no track":                      "\x00\x00\x00\x08moov",
	} {
		t.Run(name, func(t *testing.T) {
			if in, err := ParseInit([]byte(data)); err == nil {
				t.Errorf("read as %+v", in)
			}
		})
	}
}

// films are made by ffmpeg; what is read of each must be what was asked for.
func TestReadMovie(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to read what it encodes")
	}
	for _, tt := range []struct {
		name, file string
		args       []string
		want       []Track
	}{
		{"landscape", "a.mp4", []string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=30000/1001:d=1", "-f", "lavfi", "-i", "sine=d=1", "-c:v", "libx264", "-c:a", "aac", "-ac", "2"},
			[]Track{{Kind: "video", Codec: "avc1", Width: 320, Height: 180, FrameRate: 29.97}, {Kind: "audio", Codec: "mp4a", Channels: 2}}},
		{"mono", "a.mp4", []string{"-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", "-ac", "1"}, []Track{{Kind: "audio", Codec: "mp4a", Channels: 1}}},
		{"surround", "a.mp4", []string{"-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", "-ac", "6"}, []Track{{Kind: "audio", Codec: "mp4a", Channels: 6}}},
		{"header first", "a.mp4", []string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1", "-c:v", "libx264", "-movflags", "faststart"},
			[]Track{{Kind: "video", Codec: "avc1", Width: 320, Height: 180, FrameRate: 25}}},
		{"QuickTime", "a.mov", []string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=60:d=1", "-c:v", "mjpeg"},
			[]Track{{Kind: "video", Codec: "jpeg", Width: 320, Height: 180, FrameRate: 60}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			film := encode(t, tt.file, tt.args...)
			m, err := ReadMovie(bytes.NewReader(film), int64(len(film)))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(m.Duration-1) > 0.1 {
				t.Errorf("lasts %v s", m.Duration)
			}
			for i := range m.Tracks {
				m.Tracks[i].Duration = 0
				m.Tracks[i].FrameRate = math.Round(m.Tracks[i].FrameRate*100) / 100
			}
			if !slices.Equal(m.Tracks, tt.want) {
				t.Errorf("%+v, want %+v", m.Tracks, tt.want)
			}
			for _, cut := range []int{0, 7, 30, len(film) / 2} {
				if m, err := ReadMovie(bytes.NewReader(film[:cut]), int64(cut)); err == nil && tt.name != "header first" {
					t.Errorf("cut off at %d: %+v", cut, m)
				}
			}
		})
	}

	film := encode(t, "a.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1", "-c:v", "libx264")
	turned := bytes.Clone(film)
	matrix := turned[bytes.Index(turned, []byte("tkhd"))+4+40:]
	copy(matrix, "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00") // 0 1, 0, -1: clockwise by a quarter
	m, err := ReadMovie(bytes.NewReader(turned), int64(len(turned)))
	if err != nil || m.Tracks[0].Rotation != 90 {
		t.Errorf("turned: %+v, %v", m, err)
	}

	variable := encode(t, "c.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=2", "-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr", "-c:v", "libx264")
	m, err = ReadMovie(bytes.NewReader(variable), int64(len(variable)))
	if err != nil || !m.Tracks[0].Variable {
		t.Errorf("variable: %+v, %v", m, err)
	}
}

func encode(t *testing.T, file string, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	if out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error"}, args...), path)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzReadMovie(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x08moov"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = ReadMovie(bytes.NewReader(data), int64(len(data)))
		_, _ = ReadMovie(bytes.NewReader(data), 1<<40) // a size that the file does not have
	})
}
