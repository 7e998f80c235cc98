package local

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"premiumhls/internal/catalog"
	"premiumhls/internal/videos"
	"premiumhls/local/s3"
)

// lines is a terminal that a test reads.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until a text is printed.
func (l *lines) await(t *testing.T, text string) {
	t.Helper()
	for !strings.Contains(l.String(), text) {
		select {
		case <-t.Context().Done():
			t.Fatal(l.String())
		case <-time.After(time.Millisecond):
		}
	}
}

// watchFilms watches a folder, with a bucket in which every film plays at once.
func watchFilms(t *testing.T, dir, encoder string) (*lines, *s3.Bucket) {
	t.Helper()
	objects := s3.New("bucket", nil)
	service := &s3.Service{Dir: t.TempDir(), Bucket: func(name string) (*s3.Bucket, bool) { return objects, name == "bucket" }, Created: func(c s3.Created) {
		u, err := catalog.ParseUpload(c.Key)
		if err != nil || u.Kind != catalog.Film {
			return
		}
		text, err := json.Marshal(catalog.Record{State: catalog.Playing, Film: &catalog.Object{ETag: c.ETag}, Current: &catalog.Version{Folder: "premium/" + u.Path() + "/v1/"}})
		if err == nil {
			err = objects.Put(catalog.RecordKey(u.Course, u.Lesson), s3.Object{Content: text})
		}
		if err != nil {
			t.Error(err)
		}
	}}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	site, err := videos.NewLocal("us-east-1", map[string]string{"S3": server.URL}, map[string]string{"Bucket": "bucket", "Ingest": "F", "IngestDeadLetters": "Q"},
		credentials.NewStaticCredentialsProvider("x", "x", ""))
	if err != nil {
		t.Fatal(err)
	}
	site.URL = "http://localhost:8080/"
	out := &lines{}
	f := &films{dir: dir, site: site, out: out, every: 2 * time.Millisecond, encoder: encoder}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() {
		f.watch(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return out, objects
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(filepath.Base(name)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatchFilms(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/Knots/One.mp4")
	write(t, dir+"/Knots/One.en.vtt")
	write(t, dir+"/Knots/One.vtt") // no language
	write(t, dir+"/hls/main.m3u8")
	out, objects := watchFilms(t, dir, "go") // a program that every tester has
	out.await(t, "knots/one: plays at http://localhost:8080/#/knots/one\n")
	write(t, dir+"/Splices/Two.MOV")
	out.await(t, "splices/two: plays at")
	if n := strings.Count(out.String(), "names no language"); n != 1 {
		t.Errorf("said %d times, want once: %s", n, out)
	}
	want := []string{"uploads/Knots/One.en.vtt", "uploads/Knots/One.mp4", "uploads/Splices/Two.MOV"}
	if got := objects.List("uploads/"); !slices.Equal(got, want) {
		t.Errorf("uploaded %q, want %q", got, want)
	}
}

func TestWatchFilmsWithoutEncoder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/One.mp4")
	write(t, dir+"/Two.mp4")
	out, objects := watchFilms(t, dir, "no-such-program")
	out.await(t, "no-such-program is not installed")
	write(t, dir+"/Three.mp4")
	time.Sleep(20 * time.Millisecond)
	if got := objects.List("uploads/"); len(got) > 0 || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("uploaded %q: %s", got, out)
	}
}

func TestFindCourses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a/x.mp4")
	write(t, dir+"/b/x.txt")
	write(t, dir+"/.c/x.mp4")
	if got := findCourses(dir); !slices.Equal(got, []string{filepath.Join(dir, "a")}) {
		t.Errorf("courses %q", got)
	}
	write(t, dir+"/x.webm")
	if got := findCourses(dir); !slices.Equal(got, []string{dir, filepath.Join(dir, "a")}) {
		t.Errorf("courses %q", got)
	}
	if got := findCourses(dir + "/none"); len(got) > 0 {
		t.Errorf("courses %q", got)
	}
}
