package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/sync/errgroup"

	"premiumhls/internal/catalog"
	"premiumhls/internal/videos"
	"premiumhls/local/cloud"
	"premiumhls/local/iam"
	"premiumhls/local/s3"
	"premiumhls/test/sitetest"
)

// film is a generated film of two seconds.
func film(t *testing.T) []byte {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to encode films")
	}
	file := filepath.Join(t.TempDir(), "film.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

var owner = credentials.NewStaticCredentialsProvider(iam.Owner.AccessKeyID, iam.Owner.SecretAccessKey, "")

// From a film that is uploaded to a lesson that viewers with cookies watch,
// over S3's API, EventBridge, the function and MediaConvert.
func TestIngest(t *testing.T) {
	content := film(t)
	s := newSite(t, map[string]any{"ingest": true})
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	endpoints := s.Endpoints()
	bucket := aws.String(outputs["Bucket"])
	objects := awss3.New(awss3.Options{Region: "us-east-1", BaseEndpoint: aws.String(endpoints["S3"]), UsePathStyle: true, Credentials: owner})
	for key, content := range map[string]string{
		"uploads/c/l.en.vtt": "WEBVTT\n\n00:00.500 --> 00:02.000\nHello\n",
		"uploads/c/l.mp4":    string(content),
	} {
		if _, err := objects.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(content)}); err != nil {
			t.Fatal(err)
		}
	}
	record := func() (r catalog.Record) {
		t.Helper()
		b, err := s.Bucket()
		if err != nil {
			t.Fatal(err)
		}
		text, err := b.Read(catalog.RecordKey("c", "l"))
		if err != nil {
			return r // not yet
		}
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	await := func(want catalog.State) catalog.Record {
		t.Helper()
		for {
			r := record()
			if r.State == want {
				return r
			}
			if r.State == catalog.Failed || t.Failed() {
				t.Fatalf("state %s: %s", r.State, r.Reason)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	if r := await(catalog.Playing); r.Current == nil || !strings.HasPrefix(r.Current.Folder, "premium/c/l/v") {
		t.Errorf("record %+v", r.Current)
	}

	const details = "/premium/c/l/lesson.json"
	if r := s.Get(details); r.StatusCode != 403 || r.Code() != "MissingKey" {
		t.Errorf("details without cookies: %d %s", r.StatusCode, r.Code())
	}
	cookies := s.Cookies("ada", "c")
	r := s.Get(details, cookies...)
	var lesson catalog.Details
	if r.StatusCode != 200 {
		t.Fatalf("details: %d %s", r.StatusCode, r.Bytes)
	}
	r.JSON(t, &lesson)
	address := "/premium/c/l/" + lesson.Playlist
	if r := s.Get(address); r.StatusCode != 403 || r.Code() != "MissingKey" {
		t.Errorf("playlist without cookies: %d %s", r.StatusCode, r.Code())
	}
	r = s.Get(address, cookies...)
	if r.StatusCode != 200 || !bytes.Contains(r.Bytes, []byte("#EXT-X-STREAM-INF")) || !bytes.Contains(r.Bytes, []byte("TYPE=SUBTITLES")) {
		t.Errorf("playlist: %d %s", r.StatusCode, r.Bytes)
	}
	for _, uri := range sitetest.Playlist(address, r.Bytes) {
		media := s.Get(uri, cookies...)
		if media.StatusCode != 200 {
			t.Errorf("%s: %d", uri, media.StatusCode)
		}
		for _, uri := range sitetest.Playlist(uri, media.Bytes) {
			if r := s.Get(uri, cookies...); r.StatusCode != 200 || len(r.Bytes) == 0 {
				t.Errorf("%s: %d", uri, r.StatusCode)
			}
		}
	}

	// The public lists show it, and nothing under the owner's folders is served.
	var course catalog.Course
	s.Get("/catalog/c.json").JSON(t, &course)
	if len(course.Lessons) != 1 || course.Lessons[0].Path != "c/l" {
		t.Errorf("course %+v", course)
	}
	for _, path := range []string{"/uploads/c/l.mp4", "/ingest/c/l.json"} {
		if r := s.Get(path); r.StatusCode == 200 {
			t.Errorf("%s is served", path)
		}
	}

	// A command of the owner's.
	functions := awslambda.New(awslambda.Options{Region: "us-east-1", BaseEndpoint: aws.String(endpoints["LAMBDA"]), Credentials: owner})
	out, err := functions.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String(outputs["Ingest"]), Payload: []byte(`{"command":"draft","path":"c/l"}`)})
	if err != nil || out.FunctionError != nil {
		t.Fatalf("%v: %s", err, out.Payload)
	}
	await(catalog.Drafted)
	if r := s.Get(details, cookies...); r.StatusCode == 200 {
		t.Error("the details of a draft are served")
	}
	out, err = functions.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String(outputs["Ingest"]), Payload: []byte(`{"command":"draft","path":"c/none"}`)})
	if err != nil || out.FunctionError == nil || !strings.Contains(string(out.Payload), `"errorMessage":"there is no lesson c/none"`) {
		t.Errorf("%v: %s", err, out.Payload)
	}
}

// Fifty films at once, each event delivered twice, late and out of order: fifty
// lessons, none twice, and every catalog that a viewer can read on the way is
// right.
func TestIngestFiftyAtOnce(t *testing.T) {
	const count = 50
	content := film(t)
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	late := func() <-chan time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.After(time.Duration(random.IntN(400)) * time.Millisecond)
	}
	s := newSite(t, map[string]any{"ingest": true}, func(o *cloud.Options) {
		o.HandOver = func(deliver func()) {
			var twice sync.WaitGroup
			for range 2 {
				twice.Go(func() {
					<-late()
					deliver()
				})
			}
			twice.Wait()
		}
	})
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	site, err := videos.NewLocal("us-east-1", s.Endpoints(), outputs, owner)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i := range count {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("Lesson %d.mp4", i+1)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, _, err := videos.Find(dir, "c")
	if err != nil {
		t.Fatal(err)
	}

	// The reader: every version of the lists is looked at.
	bucket, err := s.Bucket()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var reading sync.WaitGroup
	versions := 0
	reading.Go(func() {
		var last []byte
		listed := 0
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			index, err := bucket.Read("public/catalog.json")
			if err != nil {
				continue // none yet
			}
			text, err := bucket.Read("public/catalog/c.json")
			if err != nil {
				t.Errorf("the list of courses came before the course: %v", err)
				return
			}
			if bytes.Equal(text, last) {
				continue
			}
			last = text
			versions++
			listed = checkLists(t, bucket, index, text, listed)
		}
	})

	var group errgroup.Group
	group.SetLimit(8)
	began := time.Now()
	for i := range files {
		group.Go(func() error {
			if err := (videos.Uploader{Site: site}).Upload(t.Context(), &files[i], func(int64) {}); err != nil {
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		follower := videos.Follower{Site: site, Every: 50 * time.Millisecond}
		if r, err := follower.Wait(t.Context(), file, began, func(catalog.Record) {}); err != nil || r.State != catalog.Playing {
			t.Fatalf("%s: %+v, %v", file.Name(), r, err)
		}
	}
	var course catalog.Course // the lists follow the last record
	awaitJSON(t, bucket, "public/catalog/c.json", &course, func() bool { return len(course.Lessons) == count })
	close(done)
	reading.Wait()
	if versions < count/2 {
		t.Errorf("the reader saw %d versions", versions)
	}
	t.Logf("%d versions of the course's list were read", versions)

	for i, l := range course.Lessons {
		if want := fmt.Sprintf("c/lesson-%d", i+1); l.Path != want {
			t.Errorf("lesson %d is %s, want %s", i+1, l.Path, want)
		}
	}
	// One version each, of segments and of what names them, and nothing that an
	// event left behind.
	folders := map[string]bool{}
	for _, key := range bucket.List("premium/c/") {
		if parts := strings.Split(key, "/"); len(parts) > 4 {
			folders[parts[2]+"/"+parts[3]] = true
		}
	}
	if len(folders) != 2*count {
		t.Errorf("%d folders of versions, want %d", len(folders), 2*count)
	}
}

// checkLists checks that every lesson that is listed plays, once, and that none
// has left the list since there were at least some. It returns how many there
// are now.
func checkLists(t *testing.T, bucket *s3.Bucket, index, course []byte, least int) int {
	t.Helper()
	var list catalog.Index
	var c catalog.Course
	if err := errors.Join(json.Unmarshal(index, &list), json.Unmarshal(course, &c)); err != nil {
		t.Errorf("a list is no JSON: %v", err)
		return least
	}
	if len(c.Lessons) < least || len(list.Courses) == 1 && list.Courses[0].Lessons > len(c.Lessons) {
		t.Errorf("%d lessons after %d; the list of courses has %+v", len(c.Lessons), least, list.Courses)
	}
	seen := map[string]bool{}
	for _, l := range c.Lessons {
		var d catalog.Details
		text, err := bucket.Read(l.Details)
		if err == nil {
			err = json.Unmarshal(text, &d)
		}
		if err == nil {
			_, err = bucket.Read(strings.TrimSuffix(l.Details, catalog.LessonName) + d.Playlist)
		}
		if err == nil {
			_, err = bucket.Read("public/" + l.Poster)
		}
		if err != nil || seen[l.Path] {
			t.Errorf("%s is listed (twice: %v) and does not play: %v", l.Path, seen[l.Path], err)
		}
		seen[l.Path] = true
	}
	return len(c.Lessons)
}

// A free lesson that becomes premium is in no cache of the edge any more, and
// the other way round it plays without cookies.
func TestIngestFreeAndPremiumAtTheEdge(t *testing.T) {
	content := film(t)
	s := newSite(t, map[string]any{"ingest": true})
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	site, err := videos.NewLocal("us-east-1", s.Endpoints(), outputs, owner)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"l.mp4": string(content), "course.json": `{"free":true}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, _, err := videos.Find(dir, "c")
	if err != nil {
		t.Fatal(err)
	}
	var r catalog.Record
	for i := range files { // course.json comes first
		began := time.Now()
		if err := (videos.Uploader{Site: site}).Upload(t.Context(), &files[i], func(int64) {}); err != nil {
			t.Fatal(err)
		}
		if files[i].Upload.Kind == catalog.Film {
			if r, err = (videos.Follower{Site: site, Every: 20 * time.Millisecond}).Wait(t.Context(), files[i], began, func(catalog.Record) {}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r.Current == nil || !r.Current.Free {
		if _, err := site.Command(t.Context(), "free", "c/l"); err != nil { // the film's event came first
			t.Fatal(err)
		}
	}
	// The function may look at an upload without its event.
	for i := range files {
		if err := site.Receive(t.Context(), files[i]); err != nil {
			t.Error(err)
		}
	}
	if err := site.Receive(t.Context(), videos.File{Key: "uploads/c/none.mp4"}); err == nil || err.Error() != "there is no file uploads/c/none.mp4" {
		t.Errorf("error %v", err)
	}
	list, err := site.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r = list.Courses[0].Lessons[0]
	address := "/" + strings.TrimPrefix(r.Current.Folder, "public/") + catalog.PlaylistName
	poster := "/" + r.Current.Poster
	s.Get(address)
	for _, path := range []string{address, poster} {
		s.Get(path)
		if got := s.Get(path); got.StatusCode != 200 || !strings.HasPrefix(got.Header.Get("X-Cache"), "Hit") {
			t.Fatalf("%s: %d, X-Cache %q: not cached, so this test shows nothing", path, got.StatusCode, got.Header.Get("X-Cache"))
		}
	}
	media := sitetest.Playlist(address, s.Get(address).Bytes)[0]
	segment := sitetest.Playlist(media, s.Get(media).Bytes)[0]
	s.Get(segment)
	if _, err := site.Command(t.Context(), "premium", "c/l"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{address, media, segment} {
		if got := s.Get(path); got.StatusCode == 200 {
			t.Errorf("%s is served without cookies: X-Cache %q", path, got.Header.Get("X-Cache"))
		}
	}
	if _, err := site.Command(t.Context(), "draft", "c/l"); err != nil {
		t.Fatal(err)
	}
	if got := s.Get(poster); got.StatusCode == 200 {
		t.Errorf("the poster of a draft is served: X-Cache %q", got.Header.Get("X-Cache"))
	}
	for _, command := range []string{"publish", "free"} {
		if _, err := site.Command(t.Context(), command, "c/l"); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Get("/videos/c/l/lesson.json"); got.StatusCode != 200 {
		t.Errorf("the free lesson: %d", got.StatusCode)
	}
}

// An event that EventBridge may not deliver is kept, and handled when the owner
// asks for it.
func TestIngestDeadLetters(t *testing.T) {
	s := newSite(t, map[string]any{"ingest": true}, func(o *cloud.Options) { o.Access = nil }) // one call is denied on purpose
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	site, err := videos.NewLocal("us-east-1", s.Endpoints(), outputs, owner)
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, statement := range s.IAM().Policies() {
		if strings.HasPrefix(statement.Source, "UploadRule") && strings.Contains(statement.On, ":function:") {
			s.IAM().Remove(statement.Source)
			removed++
		}
	}
	if removed != 1 {
		t.Fatalf("%d permissions of the upload rule", removed)
	}
	key := "uploads/c/l.en.vtt"
	if _, err := site.S3.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &site.Bucket, Key: &key, Body: strings.NewReader("WEBVTT\n\n00:00.500 --> 00:02.000\nHello\n")}); err != nil {
		t.Fatal(err)
	}
	for {
		attributes, err := site.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &site.Queue})
		if err != nil {
			t.Fatal(err)
		}
		if attributes.Attributes["ApproximateNumberOfMessages"] == "1" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if list, err := site.List(t.Context()); err != nil || len(list.Courses) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if handled, failed, err := site.Redrive(t.Context()); handled != 1 || failed != 0 || err != nil {
		t.Errorf("%d handled, %d failed, %v", handled, failed, err)
	}
	if list, err := site.List(t.Context()); err != nil || len(list.Courses) != 1 || list.Courses[0].Lessons[0].State != catalog.Waiting {
		t.Errorf("%+v, %v", list, err)
	}
	// A caller without credentials of this account gets nothing.
	stranger, err := videos.NewLocal("us-east-1", s.Endpoints(), outputs, credentials.NewStaticCredentialsProvider("stranger", "x", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.List(t.Context()); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("a stranger lists the bucket: %v", err)
	}
	if _, _, err := stranger.Redrive(t.Context()); err == nil {
		t.Error("a stranger reads the queue")
	}
}

// Every action of the roles of the function and of its jobs is needed, and no
// call needs more.
func TestIngestPermissions(t *testing.T) {
	content := film(t)
	var recorded recorder
	s := newSite(t, map[string]any{"ingest": true}, func(o *cloud.Options) {
		fail := sitetest.Denials(t)
		o.Access = func(d iam.Decision) { fail(d); recorded.record(d) }
	})
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	site, err := videos.NewLocal("us-east-1", s.Endpoints(), outputs, owner)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"l.mp4": string(content), "l.en.vtt": "WEBVTT\n\n00:00.500 --> 00:02.000\nHello\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Of Matroska the function asks MediaConvert.
	if out, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join(dir, "l.mp4"), "-c", "copy", filepath.Join(dir, "m.mkv")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, _, err := videos.Find(dir, "c")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := (videos.Uploader{Site: site}).Upload(t.Context(), &file, func(int64) {}); err != nil {
			t.Fatal(err)
		}
		if file.Upload.Kind != catalog.Film {
			continue
		}
		follower := videos.Follower{Site: site, Every: 50 * time.Millisecond}
		if r, err := follower.Wait(t.Context(), file, time.Now(), func(catalog.Record) {}); err != nil || r.State != catalog.Playing {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	for _, command := range []string{"free", "premium", "draft", "publish", "rm"} {
		if _, err := site.Command(t.Context(), command, "c/l"); err != nil {
			t.Fatal(err)
		}
	}
	recorded.mu.Lock()
	calls := slices.Collect(maps.Values(recorded.calls))
	recorded.mu.Unlock()
	policies := s.IAM().Policies()
	for i, statement := range policies {
		if !strings.Contains(statement.Role, "IngestRole") && !strings.Contains(statement.Role, "EncoderRole") {
			continue
		}
		for j, action := range statement.Actions {
			switch action {
			case "s3:AbortMultipartUpload", // MediaConvert aborts when a job fails
				"sqs:SendMessage", // of an event that fails three times
				"logs:CreateLogStream", "logs:PutLogEvents", "logs:CreateLogGroup":
				continue
			}
			less := slices.Clone(policies)
			less[i].Actions = slices.Delete(slices.Clone(statement.Actions), j, j+1)
			if !slices.ContainsFunc(calls, func(c iam.Call) bool { return !less.Judge(c).Allowed }) {
				t.Errorf("no recorded call needs %s of %s", action, statement)
			}
		}
	}
}
