package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"premiumhls/internal/catalog"
	"premiumhls/internal/localrun"
	"premiumhls/local/s3"
	"premiumhls/local/sqs"
)

// startVideos writes the file of a local run with a bucket, a queue and a
// function that publishes every film except broken.mp4, and refuses commands
// about lessons that do not exist. Its requests to S3 go through those of
// before that are given.
func startVideos(t *testing.T, before ...func(http.Handler) http.Handler) (*s3.Bucket, *sqs.Service) {
	t.Helper()
	objects := s3.New("bucket", nil)
	queues := &sqs.Service{}
	const queue = "arn:aws:sqs:us-east-1:111122223333:q"
	queues.CreateQueue(queue)
	put := func(key string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		if err := objects.Put(key, s3.Object{Content: text}); err != nil {
			t.Error(err)
		}
	}
	service := &s3.Service{Dir: t.TempDir(), Bucket: func(name string) (*s3.Bucket, bool) { return objects, name == "bucket" }, Created: func(c s3.Created) {
		u, err := catalog.ParseUpload(c.Key)
		if err != nil || u.Kind != catalog.Film {
			return
		}
		r := catalog.Record{
			Course: u.Course, Lesson: u.Lesson, LessonName: u.LessonName, Film: &catalog.Object{Key: c.Key, ETag: c.ETag}, State: catalog.Playing,
			Current: &catalog.Version{Folder: "premium/" + u.Path() + "/v1/", Duration: 61}, Notes: []string{"captions de: no cue"},
		}
		if u.Lesson == "broken" {
			r.State, r.Reason, r.Current = catalog.Failed, "The film has no video.", nil
		}
		put(catalog.RecordKey(u.Course, u.Lesson), r)
	}}
	serve := func(h http.Handler) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	storage := http.Handler(service)
	for _, wrap := range before {
		storage = wrap(storage)
	}
	function := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, _ := io.ReadAll(r.Body)
		if strings.Contains(string(payload), "none") {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			io.WriteString(w, `{"errorMessage":"there is no lesson c/none"}`)
			return
		}
		io.WriteString(w, `{"state":"draft"}`)
	})
	startRun(t, func(r *localrun.Run) {
		r.Endpoints = map[string]string{"S3": serve(storage), "SQS": serve(queues.Handler()), "LAMBDA": serve(function)}
		r.Outputs = map[string]string{"Bucket": "bucket", "Ingest": "F", "IngestDeadLetters": "https://sqs.us-east-1.amazonaws.com/111122223333/q"}
	})
	for _, body := range []string{`{"source":"aws.s3"}`, `{"source":"none"}`} {
		if err := queues.Send(queue, []byte(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	return objects, queues
}

func TestVideosLocalRun(t *testing.T) {
	objects, _ := startVideos(t)
	good, bad := t.TempDir(), t.TempDir()
	for _, file := range []string{filepath.Join(good, "Lesson 1.mp4"), filepath.Join(good, "notes.txt"), filepath.Join(bad, "broken.mp4")} {
		if err := os.WriteFile(file, []byte("film"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"videos"}, 0, []string{"No videos."}},
		{[]string{"upload", good, "-course", "My course"}, 0, []string{
			"notes.txt: skipped", "Lesson 1.mp4: uploaded\n", "my-course/lesson-1: plays at http://localhost:8080/#/my-course/lesson-1\n", "note: captions de: no cue"}},
		{[]string{"upload", good, "-course=My course"}, 0, []string{"Lesson 1.mp4: already uploaded\n", "plays at"}},
		{[]string{"upload", bad, "-course", "c"}, 1, []string{"c/broken: failed: The film has no video.\n", "1 of 1 lessons failed"}},
		{[]string{"videos"}, 0, []string{"my-course/lesson-1  playing  1m1s", "Lesson 1\n", "c/broken: The film has no video.\n"}},
		{[]string{"videos", "-json"}, 0, []string{`"reason": "The film has no video."`}},
		{[]string{"draft", "c/l"}, 0, []string{"c/l: draft\n"}},
		{[]string{"rm", "c/none"}, 1, []string{"premium rm: there is no lesson c/none"}},
		{[]string{"retry", "-dead-letters"}, 1, []string{"1 events handled, 1 failed again.", "there is no lesson c/none"}},
		{[]string{"retry", "-dead-letters"}, 0, []string{"0 events handled, 0 failed again."}}, // not visible again yet
	} {
		code, out := runLocal(t, step.args...)
		if code != step.code {
			t.Errorf("%s: exit %d: %s", step.args, code, out)
		}
		for _, text := range step.says {
			if !strings.Contains(out, text) {
				t.Errorf("%s: no %q in %s", step.args, text, out)
			}
		}
	}
	if got, err := objects.Read("uploads/My course/Lesson 1.mp4"); err != nil || string(got) != "film" {
		t.Errorf("%q, %v", got, err)
	}
}

// An upload whose process is killed goes on with the parts that arrived.
func TestUploadKilled(t *testing.T) {
	const size, parts = 40 << 20, 3
	var mu sync.Mutex
	arrived := map[string]int{}
	reached, broken := make(chan bool), make(chan bool)
	objects, _ := startVideos(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			number := r.URL.Query().Get("partNumber")
			if number == "3" {
				select {
				case <-broken: // the second attempt
				default:
					io.Copy(io.Discard, r.Body) // else the server does not see the end of the connection
					<-reached
					<-r.Context().Done() // the process is gone
					return
				}
			}
			next.ServeHTTP(w, r)
			if number != "" {
				mu.Lock()
				arrived[number]++
				mu.Unlock()
			}
		})
	})
	dir := t.TempDir()
	film := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	if err := os.WriteFile(filepath.Join(dir, "film.mp4"), film, 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := func() (*exec.Cmd, *bytes.Buffer) { // TestMain runs it by its name
		var out bytes.Buffer
		return &exec.Cmd{Path: program, Args: []string{"premium", "upload", dir, "-course", "c"}, Env: os.Environ(), Stdout: &out, Stderr: &out}, &out
	}
	first, out := process()
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	reached <- true
	for there := 0; there < parts-1; {
		time.Sleep(time.Millisecond)
		mu.Lock()
		there = len(arrived)
		mu.Unlock()
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err == nil || out.Len() > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	close(broken)
	second, out := process()
	if err := second.Run(); err != nil || !strings.Contains(out.String(), "film.mp4: uploaded\nc/film: plays at http://localhost:8080/#/c/film\n") {
		t.Errorf("%v: %s", err, out)
	}
	if want := map[string]int{"1": 1, "2": 1, "3": 1}; !maps.Equal(arrived, want) {
		t.Errorf("parts arrived %v times, want %v", arrived, want)
	}
	if got, err := objects.Read("uploads/c/film.mp4"); err != nil || !bytes.Equal(got, film) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestVideosWithoutIngest(t *testing.T) {
	startRun(t, nil)
	if code, out := runLocal(t, "videos"); code != 2 || !strings.Contains(out, "ingest=true") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// With -stack, the same commands find the same by the stack's outputs.
func TestVideosOfAStack(t *testing.T) {
	startVideos(t)
	local, err := localrun.Find("")
	if err != nil {
		t.Fatal(err)
	}
	outputs := `<member><OutputKey>Site</OutputKey><OutputValue>https://video.example.com/</OutputValue></member>`
	for key, value := range local.Outputs {
		outputs += "<member><OutputKey>" + key + "</OutputKey><OutputValue>" + value + "</OutputValue></member>"
	}
	cloudformation := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "DescribeStacks" || r.FormValue("StackName") != "Films" {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id None does not exist</Message></Error></ErrorResponse>`)
			return
		}
		io.WriteString(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Films</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>`+
			outputs+`</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
	}))
	t.Cleanup(cloudformation.Close)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", cloudformation.URL)
	for service, url := range local.Endpoints {
		t.Setenv("AWS_ENDPOINT_URL_"+service, url)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "film.mp4"), []byte("film"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"upload", dir, "-course", "c", "-stack", "Films"}, 0, "c/film: plays at https://video.example.com/#/c/film\n"},
		{[]string{"videos", "-stack", "Films"}, 0, "c/film  playing  1m1s"},
		{[]string{"draft", "c/film", "-stack", "Films"}, 0, "c/film: draft\n"},
		{[]string{"retry", "-dead-letters", "-stack", "Films"}, 1, "1 events handled, 1 failed again."},
		{[]string{"videos", "-stack", "None"}, 2, "does not exist"},
	} {
		if code, out := runLocal(t, step.args...); code != step.code || !strings.Contains(out, step.says) {
			t.Errorf("%s: exit %d, no %q in %s", step.args, code, step.says, out)
		}
	}
}
