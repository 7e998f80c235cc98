package videos_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"premiumhls/internal/catalog"
	"premiumhls/internal/videos"
	"premiumhls/local/s3"
	"premiumhls/local/sqs"
)

const queueARN = "arn:aws:sqs:us-east-1:111122223333:q"

// An account is a site of stand-ins.
type account struct {
	*videos.Site
	objects *s3.Bucket
	queues  *sqs.Service
	created []s3.Created
	mu      sync.Mutex
	// before sees every request to S3, and may refuse it.
	before func(r *http.Request) bool
	// function answers invocations: a response, or an error's sentence.
	function func(payload string) (response, failure string)
}

func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{objects: s3.New("bucket", nil), queues: &sqs.Service{}}
	a.queues.CreateQueue(queueARN)
	service := &s3.Service{
		Dir:    t.TempDir(),
		Bucket: func(name string) (*s3.Bucket, bool) { return a.objects, name == "bucket" },
		Created: func(c s3.Created) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.created = append(a.created, c)
		},
	}
	serve := func(handler http.HandlerFunc) *string {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		return &server.URL
	}
	keys := credentials.NewStaticCredentialsProvider("x", "x", "")
	a.Site = &videos.Site{
		S3: awss3.New(awss3.Options{Region: "us-east-1", UsePathStyle: true, Credentials: keys, RetryMaxAttempts: 1, BaseEndpoint: serve(func(w http.ResponseWriter, r *http.Request) {
			if a.before != nil && !a.before(r) {
				io.Copy(io.Discard, r.Body)
				http.Error(w, "", http.StatusForbidden)
				return
			}
			service.ServeHTTP(w, r)
		})}),
		Lambda: lambda.New(lambda.Options{Region: "us-east-1", Credentials: keys, BaseEndpoint: serve(func(w http.ResponseWriter, r *http.Request) {
			payload, _ := io.ReadAll(r.Body)
			if r.URL.Path != "/2015-03-31/functions/F/invocations" {
				t.Errorf("invoked %s", r.URL.Path)
			}
			response, failure := a.function(string(payload))
			if failure != "" {
				w.Header().Set("X-Amz-Function-Error", "Unhandled")
				response = fmt.Sprintf(`{"errorMessage":%q,"errorType":"errorString"}`, failure)
			}
			io.WriteString(w, response)
		})}),
		SQS: awssqs.New(awssqs.Options{Region: "us-east-1", Credentials: keys, BaseEndpoint: serve(a.queues.Handler().ServeHTTP)}),
	}
	if err := a.Read(map[string]string{"Bucket": "bucket", "Ingest": "F", "IngestDeadLetters": "https://sqs.us-east-1.amazonaws.com/111122223333/q", "Site": "https://site/"}); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *account) put(t *testing.T, key string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.objects.Put(key, s3.Object{Content: text}); err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead(t *testing.T) {
	var s videos.Site
	if err := s.Read(map[string]string{"Bucket": "b"}); !errors.Is(err, videos.ErrNoIngest) {
		t.Errorf("error %v", err)
	}
}

func TestFind(t *testing.T) {
	dir := folder(t, map[string]string{"Lesson 1.mp4": "a", "Lesson 1.en.vtt": "b", "course.json": "{}", "notes.txt": "c", ".DS_Store": "d"})
	if err := os.Mkdir(filepath.Join(dir, "more.mp4"), 0o700); err != nil {
		t.Fatal(err)
	}
	files, others, err := videos.Find(dir, "My course")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Key+" "+f.Upload.Path())
	}
	want := []string{"uploads/My course/Lesson 1.en.vtt my-course/lesson-1", "uploads/My course/Lesson 1.mp4 my-course/lesson-1", "uploads/My course/course.json my-course"}
	if !slices.Equal(got, want) || !slices.Equal(others, []string{"more.mp4", "notes.txt"}) {
		t.Errorf("%q and %q, want %q", got, others, want)
	}
	for name, test := range map[string]struct {
		files  map[string]string
		course string
		names  string
	}{
		"captions without a language": {map[string]string{"intro.vtt": ""}, "c", "language"},
		"two films":                   {map[string]string{"intro.mp4": "", "intro.mov": ""}, "c", "both the film"},
		"two names, one address":      {map[string]string{"a b.mp4": "", "a-b.en.vtt": ""}, "c", "same address c/a-b"},
		"a course in a course":        {map[string]string{"a.mp4": ""}, "c/d", "slash"},
		"a course without letters":    {map[string]string{"a.mp4": ""}, "!!", "no letter or digit"},
	} {
		if _, _, err := videos.Find(folder(t, test.files), test.course); err == nil || !strings.Contains(err.Error(), test.names) {
			t.Errorf("%s: error %v, want one that says %q", name, err, test.names)
		}
	}
}

func TestUpload(t *testing.T) {
	a := newAccount(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), (40<<20)/16) // three parts
	dir := folder(t, map[string]string{"large.mp4": string(large), "small.jpg": "jpeg", "empty.mp4": ""})
	files, _, err := videos.Find(dir, "c")
	if err != nil {
		t.Fatal(err)
	}
	attempt := func(wantSent bool) {
		t.Helper()
		for i := range files {
			var done atomic.Int64
			err := videos.Uploader{Site: a.Site}.Upload(t.Context(), &files[i], func(n int64) { done.Add(n) })
			if err != nil || files[i].Sent != wantSent || done.Load() != files[i].Size {
				t.Errorf("%s: sent %v, %d bytes, %v", files[i].Name(), files[i].Sent, done.Load(), err)
			}
		}
	}
	attempt(true)
	if got, err := a.objects.Read("uploads/c/large.mp4"); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got, err := a.objects.Read("uploads/c/small.jpg"); err != nil || string(got) != "jpeg" {
		t.Errorf("%q, %v", got, err)
	}
	for _, c := range a.created {
		i := slices.IndexFunc(files, func(f videos.File) bool { return f.Key == c.Key })
		if i < 0 || files[i].ETag != c.ETag {
			t.Errorf("event of %s has ETag %s", c.Key, c.ETag)
		}
	}
	// The same again is nothing; other content is uploaded.
	files, _, _ = videos.Find(dir, "c")
	attempt(false)
	if n := len(a.created); n != 3 {
		t.Errorf("%d objects were made, want 3", n)
	}
	if err := os.WriteFile(filepath.Join(dir, "small.jpg"), []byte("JPEG"), 0o600); err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f videos.File) bool { return f.Name() != "small.jpg" })
	attempt(true)
}

func TestUploadResumes(t *testing.T) {
	a := newAccount(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), (40<<20)/16)
	files, _, err := videos.Find(folder(t, map[string]string{"large.mp4": string(large)}), "c")
	if err != nil {
		t.Fatal(err)
	}
	var parts atomic.Int64
	a.before = func(r *http.Request) bool {
		number := r.URL.Query().Get("partNumber")
		if number != "" {
			parts.Add(1)
		}
		return number != "3"
	}
	u := videos.Uploader{Site: a.Site, Parts: 1}
	if err := u.Upload(t.Context(), &files[0], func(int64) {}); err == nil || len(a.created) > 0 {
		t.Fatalf("error %v", err)
	}
	if parts.Load() != 3 {
		t.Fatalf("%d parts", parts.Load())
	}
	a.before = func(r *http.Request) bool {
		if r.URL.Query().Has("partNumber") {
			parts.Add(1)
		}
		return true
	}
	var done atomic.Int64
	if err := u.Upload(t.Context(), &files[0], func(n int64) { done.Add(n) }); err != nil || !files[0].Sent || done.Load() != files[0].Size {
		t.Fatalf("sent %v, %d bytes, %v", files[0].Sent, done.Load(), err)
	}
	if parts.Load() != 4 {
		t.Errorf("%d parts were uploaded in both attempts, want 4", parts.Load())
	}
	if got, err := a.objects.Read(files[0].Key); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestFollow(t *testing.T) {
	a := newAccount(t)
	began := time.Now()
	file := videos.File{Key: "uploads/c/l.mp4", ETag: "new", Sent: true, Upload: catalog.Upload{Kind: catalog.Film, Course: "c", Lesson: "l"}}
	states := []catalog.Record{
		{State: catalog.Playing, Film: &catalog.Object{ETag: "old"}}, // of the film before
		{State: catalog.Encoding, Film: &catalog.Object{ETag: "new"}},
		{State: catalog.Playing, Film: &catalog.Object{ETag: "new"}, Current: &catalog.Version{Folder: "premium/c/l/v1/"}},
	}
	reads := 0
	a.before = func(r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/ingest/c/l.json") {
			if reads > 0 { // at first there is none
				a.put(t, "ingest/c/l.json", states[min(reads, len(states))-1])
			}
			reads++
		}
		return true
	}
	// A problem of an earlier attempt does not count.
	a.put(t, catalog.ProblemKey(file.Key), catalog.Problem{Key: file.Key, Reason: "old", At: began.Add(-time.Hour)})
	var reported []catalog.State
	f := videos.Follower{Site: a.Site, Every: time.Millisecond}
	r, err := f.Wait(t.Context(), file, began, func(r catalog.Record) { reported = append(reported, r.State) })
	if err != nil || r.State != catalog.Playing || !slices.Equal(reported, []catalog.State{catalog.Encoding, catalog.Playing}) {
		t.Errorf("%v %v, reported %v", r.State, err, reported)
	}
	if got := a.PageURL("c/l"); got != "https://site/#/c/l" {
		t.Errorf("plays at %s", got)
	}
	file.Key, file.Upload.Lesson = "uploads/c/other.mp4", "other"
	a.put(t, catalog.ProblemKey(file.Key), catalog.Problem{Key: file.Key, Reason: "two names", At: began.Add(time.Second)})
	if r, err := f.Wait(t.Context(), file, began, func(catalog.Record) {}); err != nil || r.State != catalog.Failed || r.Reason != "two names" {
		t.Errorf("%+v, %v", r, err)
	}
	// A file that was there before: so may its problem be.
	file.Sent = false
	if r, err := f.Wait(t.Context(), file, began.Add(time.Hour), func(catalog.Record) {}); err != nil || r.Reason != "two names" {
		t.Errorf("%+v, %v", r, err)
	}
}

// The event of a film does not come: the function is asked to look at it.
func TestFollowWithoutEvent(t *testing.T) {
	a := newAccount(t)
	file := videos.File{Key: "uploads/c/l.mp4", ETag: "new", Sent: true, Upload: catalog.Upload{Kind: catalog.Film, Course: "c", Lesson: "l"}}
	a.function = func(payload string) (string, string) {
		if payload != `{"command":"receive","path":"uploads/c/l.mp4"}` {
			return "", "asked for " + payload
		}
		a.put(t, "ingest/c/l.json", catalog.Record{State: catalog.Playing, Film: &catalog.Object{Key: file.Key, ETag: "new"}})
		return "{}", ""
	}
	f := videos.Follower{Site: a.Site, Every: time.Millisecond, Patience: 5 * time.Millisecond}
	if r, err := f.Wait(t.Context(), file, time.Now(), func(catalog.Record) {}); err != nil || r.State != catalog.Playing {
		t.Errorf("%+v, %v", r, err)
	}
	a.objects.Delete("ingest/c/l.json")
	a.function = func(string) (string, string) { return "", "there is no file uploads/c/l.mp4" }
	if _, err := f.Wait(t.Context(), file, time.Now(), func(catalog.Record) {}); err == nil || err.Error() != "there is no file uploads/c/l.mp4" {
		t.Errorf("error %v", err)
	}
}

func TestKnown(t *testing.T) {
	a := newAccount(t)
	object := func(key string) *catalog.Object { return &catalog.Object{Key: "uploads/c/" + key, ETag: "x"} }
	a.put(t, catalog.RecordKey("c", "l"), catalog.Record{
		Film: object("l.mp4"), Poster: object("l.jpg"), MetaFile: object("l.json"), Captions: map[string]catalog.Object{"en": *object("l.en.vtt")},
	})
	a.put(t, catalog.CourseRecordKey("c"), catalog.CourseRecord{MetaFile: object("course.json")})
	for name, want := range map[string]bool{
		"l.mp4": true, "l.jpg": true, "l.json": true, "l.en.vtt": true, "course.json": true,
		"l.mov": false, "l.fr.vtt": false, "l.en.srt": false, "m.mp4": false,
	} {
		key := "uploads/c/" + name
		upload, err := catalog.ParseUpload(key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Known(t.Context(), videos.File{Key: key, ETag: "x", Upload: upload}); err != nil || got != want {
			t.Errorf("%s: %t %v", name, got, err)
		}
		if got, err := a.Known(t.Context(), videos.File{Key: key, ETag: "y", Upload: upload}); err != nil || got {
			t.Errorf("%s with other content: %t %v", name, got, err)
		}
	}
}

func TestList(t *testing.T) {
	a := newAccount(t)
	for _, path := range []string{"b/2", "b/1", "a/1"} {
		course, lesson, _ := strings.Cut(path, "/")
		a.put(t, catalog.RecordKey(course, lesson), catalog.Record{Course: course, Lesson: lesson, State: catalog.Playing})
	}
	a.put(t, catalog.CourseRecordKey("b"), catalog.CourseRecord{Name: "B", Note: "course.json is not JSON"})
	a.put(t, catalog.ProblemKey("uploads/x.mp4"), catalog.Problem{Key: "uploads/x.mp4", Reason: "no course"})
	got, err := a.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Courses) != 2 || got.Courses[0].Path != "a" || len(got.Courses[1].Lessons) != 2 || got.Courses[1].Lessons[0].Lesson != "1" ||
		got.Courses[1].Record.Note == "" || len(got.Problems) != 1 || got.Problems[0].Reason != "no course" {
		t.Errorf("%+v", got)
	}
}

func TestCommand(t *testing.T) {
	a := newAccount(t)
	a.function = func(payload string) (string, string) {
		switch payload {
		case `{"command":"remove","path":"c/l"}`:
			return `{"state":"removed"}`, ""
		case `{"command":"draft","path":"c/none"}`:
			return "", "there is no lesson c/none"
		}
		return payload, ""
	}
	if r, err := a.Command(t.Context(), "rm", "c/l"); err != nil || r.State != catalog.Removed {
		t.Errorf("%+v, %v", r, err)
	}
	var refused *videos.RefusedError
	if _, err := a.Command(t.Context(), "draft", "c/none"); !errors.As(err, &refused) || refused.Sentence != "there is no lesson c/none" {
		t.Errorf("error %v", err)
	}
	for _, path := range []string{"c", "c/l/x", "C/l", "../l", ""} {
		if videos.CheckPath(path) == nil {
			t.Errorf("path %q is accepted", path)
		}
	}
}

func TestRedrive(t *testing.T) {
	a := newAccount(t)
	var invoked []string
	a.function = func(payload string) (string, string) {
		invoked = append(invoked, payload)
		if strings.Contains(payload, "broken") {
			return "", "still broken"
		}
		return "null", ""
	}
	for _, body := range []string{
		`{"source":"aws.s3","id":"1"}`, // of EventBridge
		`{"version":"1.0","requestContext":{},"requestPayload":{"source":"aws.s3","id":"2"}}`, // of Lambda
		`{"source":"broken","id":"3"}`,
		`not an event`,
	} {
		if err := a.queues.Send(queueARN, []byte(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	handled, failed, err := a.Redrive(t.Context())
	if handled != 2 || failed != 2 || err == nil {
		t.Errorf("%d handled, %d failed, %v", handled, failed, err)
	}
	want := []string{`{"source":"aws.s3","id":"1"}`, `{"source":"aws.s3","id":"2"}`, `{"source":"broken","id":"3"}`}
	if !slices.Equal(invoked, want) {
		t.Errorf("invoked with %q, want %q", invoked, want)
	}
	if n := a.queues.Len(queueARN); n != 2 {
		t.Errorf("%d messages stay, want 2", n)
	}
}
