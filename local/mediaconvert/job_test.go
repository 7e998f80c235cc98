package mediaconvert

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"premiumhls/internal/hls"
)

// ordered is what the ingest function orders of a film in full HD with sound.
func ordered(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../lambda/ingest/testdata/job.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// folders is a bucket that is a folder.
type folders struct{ dir string }

func (f folders) Fetch(_, _, key, file string) error {
	return copyFile(filepath.Join(f.dir, key), file)
}

func (f folders) Store(_, _, key, file string) error {
	return copyFile(file, filepath.Join(f.dir, key))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// convert has a service do a job, and returns its last event.
func convert(t testing.TB, dir, document string) map[string]any {
	t.Helper()
	ended := make(chan map[string]any, 1)
	s := New(Options{Bucket: folders{dir}, Account: "111122223333", Region: "us-east-1", Send: func(_ string, detail map[string]any) {
		if status := detail["status"]; status == "COMPLETE" || status == "ERROR" {
			ended <- detail
		}
	}})
	defer s.Close()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/2017-08-29/jobs", strings.NewReader(document)))
	if w.Code != http.StatusCreated {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return <-ended
}

// generate makes a film of test pictures with sound, in the folder's uploads.
func generate(t testing.TB, dir, picture string, seconds string) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to encode films")
	}
	file := filepath.Join(dir, "uploads/Course 1/Intro.mp4")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture+":d="+seconds, "-f", "lavfi", "-i", "sine=d="+seconds,
		"-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2", file)
	return file
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The job that the function orders, done: every rendition keeps Apple's rules
// that can be checked before the function writes the multivariant playlist of
// its own.
func TestJobOfTheFunction(t *testing.T) {
	dir := t.TempDir()
	generate(t, dir, "testsrc2=s=1280x720:r=30", "8")
	if end := convert(t, dir, ordered(t)); end["status"] != "COMPLETE" {
		t.Fatalf("%v", end)
	}
	out := filepath.Join(dir, "encoded/course-1/intro/v20260101000000-abcdef01")
	var first hls.Media
	for i, name := range []string{"v_1080", "v_720", "v_480", "v_360", "v_audio"} {
		text, err := os.Open(filepath.Join(out, name+".m3u8"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := hls.ParseMedia(text)
		text.Close()
		if err != nil || len(m.Segments) != 2 || m.TargetDuration != 6 || m.Map == nil {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		if i == 0 {
			first = m
		}
		if name == "v_audio" {
			continue
		}
		for j := range min(len(m.Segments), len(first.Segments)) {
			if m.Segments[j].Duration != first.Segments[j].Duration {
				t.Errorf("%s: segment %d lasts %v s, that of v_1080 %v s", name, j, m.Segments[j].Duration, first.Segments[j].Duration)
			}
		}
		if _, err := os.Stat(filepath.Join(out, name+"_I-Frame.m3u8")); err != nil {
			t.Error(err)
		}
	}
	for _, still := range []string{"poster.0000000.jpg", "poster.0000001.jpg", "thumb.0000000.jpg", "thumb.0000001.jpg"} {
		if _, err := os.Stat(filepath.Join(out, "stills", still)); err != nil {
			t.Error(err)
		}
	}
}
