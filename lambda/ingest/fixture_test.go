package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"premiumhls/internal/catalog"
	"premiumhls/internal/ingestsettings"
	"premiumhls/local/s3"
)

// A site is a bucket, the function, and a MediaConvert that does its jobs when
// a test says so, with segments made once by ffmpeg.
type site struct {
	*testing.T
	*handler
	objects *s3.Bucket
	jobs    *jobs
	edge    *edge
	events  int
}

type edge struct {
	mu    sync.Mutex
	paths []string
	fail  error
	busy  int // requests that come too early
}

func (e *edge) CreateInvalidation(_ context.Context, in *cloudfront.CreateInvalidationInput, _ ...func(*cloudfront.Options)) (*cloudfront.CreateInvalidationOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return nil, e.fail
	}
	if e.busy > 0 {
		e.busy--
		if e.busy%2 == 0 {
			return nil, &smithy.GenericAPIError{Code: "Throttling"}
		}
		return nil, &cftypes.TooManyInvalidationsInProgress{}
	}
	e.paths = append(e.paths, in.InvalidationBatch.Paths.Items...)
	return &cloudfront.CreateInvalidationOutput{}, nil
}

func newSite(t *testing.T) *site {
	t.Helper()
	objects := s3.New("videos", nil)
	server := httptest.NewServer(&s3.Service{Dir: t.TempDir(), Bucket: func(name string) (*s3.Bucket, bool) { return objects, name == "videos" }})
	t.Cleanup(server.Close)
	client := awss3.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	}, func(o *awss3.Options) { o.UsePathStyle = true })
	s := &site{T: t, objects: objects, jobs: &jobs{made: map[string]*mediaconvert.CreateJobInput{}}, edge: &edge{}}
	settings, err := ingestsettings.Parse(`{"stack":"PremiumHls","bucket":"videos","premiumPath":"premium","publicFolder":"public","role":"arn:aws:iam::111122223333:role/x","distribution":"E1"}`)
	if err != nil {
		t.Fatal(err)
	}
	s.handler = &handler{
		settings: settings, bucket: bucket{client: client, name: "videos"}, convert: s.jobs, edge: s.edge,
		logger: slog.New(slog.DiscardHandler), now: time.Now, pause: time.Millisecond,
	}
	return s
}

// watched is a client of S3 that counts calls, and does something before them.
type watched struct {
	s3Client
	mu     sync.Mutex
	calls  map[string]int
	before func(call, key string)
	lose   bool // the responses to writes with a condition
}

// watch counts the function's calls to S3 from now on.
func (s *site) watch(before func(call, key string)) *watched {
	w := &watched{s3Client: s.bucket.client, calls: map[string]int{}, before: before}
	s.handler.bucket.client = w
	return w
}

func (w *watched) call(name, key string) {
	w.mu.Lock()
	w.calls[name]++
	w.mu.Unlock()
	if w.before != nil {
		w.before(name, key)
	}
}

func (w *watched) GetObject(ctx context.Context, in *awss3.GetObjectInput, o ...func(*awss3.Options)) (*awss3.GetObjectOutput, error) {
	w.call("get", *in.Key)
	return w.s3Client.GetObject(ctx, in, o...)
}

func (w *watched) PutObject(ctx context.Context, in *awss3.PutObjectInput, o ...func(*awss3.Options)) (*awss3.PutObjectOutput, error) {
	w.call("put", *in.Key)
	out, err := w.s3Client.PutObject(ctx, in, o...)
	if err == nil && w.lose && (in.IfMatch != nil || in.IfNoneMatch != nil) {
		// What the second request of the SDK's gets.
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed"}
	}
	return out, err
}

func (w *watched) HeadObject(ctx context.Context, in *awss3.HeadObjectInput, o ...func(*awss3.Options)) (*awss3.HeadObjectOutput, error) {
	w.call("head", *in.Key)
	return w.s3Client.HeadObject(ctx, in, o...)
}

func (w *watched) CopyObject(ctx context.Context, in *awss3.CopyObjectInput, o ...func(*awss3.Options)) (*awss3.CopyObjectOutput, error) {
	w.call("copy", *in.Key)
	return w.s3Client.CopyObject(ctx, in, o...)
}

func (w *watched) DeleteObjects(ctx context.Context, in *awss3.DeleteObjectsInput, o ...func(*awss3.Options)) (*awss3.DeleteObjectsOutput, error) {
	w.call("delete", "")
	return w.s3Client.DeleteObjects(ctx, in, o...)
}

func (w *watched) ListObjectsV2(ctx context.Context, in *awss3.ListObjectsV2Input, o ...func(*awss3.Options)) (*awss3.ListObjectsV2Output, error) {
	w.call("list", *in.Prefix)
	return w.s3Client.ListObjectsV2(ctx, in, o...)
}

// jobs stands in for MediaConvert.
type jobs struct {
	mu    sync.Mutex
	made  map[string]*mediaconvert.CreateJobInput // by id
	token map[string]string                       // ids by client request token
	fail  error
	probe func(url string) (*mediaconvert.ProbeOutput, error)
}

func (j *jobs) CreateJob(_ context.Context, in *mediaconvert.CreateJobInput, _ ...func(*mediaconvert.Options)) (*mediaconvert.CreateJobOutput, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return nil, j.fail
	}
	if j.token == nil {
		j.token = map[string]string{}
	}
	id, ok := j.token[*in.ClientRequestToken]
	if !ok {
		id = fmt.Sprintf("job-%d", len(j.made)+1)
		j.token[*in.ClientRequestToken], j.made[id] = id, in
	}
	return &mediaconvert.CreateJobOutput{Job: &types.Job{Id: &id}}, nil
}

func (j *jobs) Probe(_ context.Context, in *mediaconvert.ProbeInput, _ ...func(*mediaconvert.Options)) (*mediaconvert.ProbeOutput, error) {
	return j.probe(*in.InputFiles[0].FileUrl)
}

// upload puts a file and returns its event, which the test sends.
func (s *site) upload(key string, content []byte) event {
	s.Helper()
	if err := s.objects.Put(key, s3.Object{Content: content}); err != nil {
		s.Fatal(err)
	}
	out, err := s.bucket.client.GetObject(s.Context(), &awss3.GetObjectInput{Bucket: aws.String("videos"), Key: &key})
	if err != nil {
		s.Fatal(err)
	}
	out.Body.Close()
	s.events++
	return s.event("aws.s3", "Object Created", map[string]any{
		"bucket": map[string]any{"name": "videos"},
		"object": map[string]any{"key": key, "size": len(content), "etag": strings.Trim(*out.ETag, `"`), "sequencer": fmt.Sprintf("00%014X", s.events)},
	})
}

func (s *site) event(source, kind string, detail any) event {
	text, err := json.Marshal(detail)
	if err != nil {
		s.Fatal(err)
	}
	s.events++
	at := time.Date(2026, 1, 1, 0, 0, s.events, 0, time.UTC)
	return event{ID: fmt.Sprint("event-", s.events), Source: source, DetailType: kind, Time: at, Detail: text}
}

// send delivers events, each an event or what makes one when its turn comes;
// none may fail.
func (s *site) send(events ...any) {
	s.Helper()
	for _, item := range events {
		e, ok := item.(event)
		if !ok {
			e = item.(func() event)()
		}
		if _, err := s.handle(s.Context(), e); err != nil {
			s.Fatalf("%s of %s: %v", e.DetailType, e.Detail, err)
		}
	}
}

// jobEvent is an event of a job.
func (s *site) jobEvent(id, status string, more map[string]any) event {
	s.Helper()
	s.jobs.mu.Lock()
	in := s.jobs.made[id]
	s.jobs.mu.Unlock()
	if in == nil {
		s.Fatalf("there is no %s", id)
	}
	detail := map[string]any{"jobId": id, "status": status, "userMetadata": in.UserMetadata}
	for k, v := range more {
		detail[k] = v
	}
	return s.event("aws.mediaconvert", "MediaConvert Job State Change", detail)
}

// finish does what a job asks for, and returns the event of its end.
func (s *site) finish(id string) func() event {
	return func() event { return s.finished(id) }
}

func (s *site) finished(id string) event {
	s.Helper()
	s.jobs.mu.Lock()
	in := s.jobs.made[id]
	s.jobs.mu.Unlock()
	files := encoded(s.T)
	put := func(key string, content []byte) {
		if err := s.objects.Put(strings.TrimPrefix(key, "s3://videos/"), s3.Object{Content: content}); err != nil {
			s.Fatal(err)
		}
	}
	for _, group := range in.Settings.OutputGroups {
		if files := group.OutputGroupSettings.FileGroupSettings; files != nil {
			for i := range 3 {
				put(fmt.Sprintf("%s.%07d.jpg", *files.Destination, i), encoded(s.T)["still.jpg"])
			}
			continue
		}
		base := *group.OutputGroupSettings.CmafGroupSettings.Destination
		put(base+".m3u8", []byte("#EXTM3U\n"))
		for _, output := range group.Outputs {
			from, kind := "0", "cmfv"
			if output.VideoDescription == nil {
				from, kind = "1", "cmfa"
			}
			name := base + *output.NameModifier
			short := name[strings.LastIndexByte(name, '/')+1:]
			playlist := string(files["out_"+from+".m3u8"])
			playlist = strings.ReplaceAll(playlist, "init_"+from+".mp4", short+"init."+kind)
			for i := range 2 {
				segment := fmt.Sprintf("v%s_%05d.m4s", from, i)
				put(fmt.Sprintf("%s_%09d.%s", name, i+1, kind), files[segment])
				playlist = strings.ReplaceAll(playlist, segment, fmt.Sprintf("%s_%09d.%s", short, i+1, kind))
			}
			put(name+"init."+kind, files["init_"+from+".mp4"])
			put(name+".m3u8", []byte(playlist))
			if kind == "cmfv" {
				put(name+"_I-Frame.m3u8", []byte(strings.Replace(playlist, "#EXT-X-TARGETDURATION", "#EXT-X-I-FRAMES-ONLY\n#EXT-X-TARGETDURATION", 1)))
			}
		}
	}
	return s.jobEvent(id, "COMPLETE", nil)
}

// read returns a JSON document of the bucket.
func readJSON[T any](s *site, key string) (v T) {
	s.Helper()
	text, err := s.objects.Read(key)
	if err != nil {
		s.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		s.Fatalf("%s: %v", key, err)
	}
	return v
}

func (s *site) lesson(course, lesson string) catalog.Record {
	s.Helper()
	return readJSON[catalog.Record](s, catalog.RecordKey(course, lesson))
}

// text returns an object's content; empty without one.
func (s *site) text(key string) string {
	text, err := s.objects.Read(key)
	if err != nil {
		return ""
	}
	return string(text)
}

var encodeOnce = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "ingest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	run := func(args ...string) error {
		cmd := exec.Command("ffmpeg", append([]string{"-v", "error"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
	source := []string{"-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=8", "-f", "lavfi", "-i", "sine=d=8"}
	if err := run(append(source, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-ac", "2", "film.mp4")...); err != nil {
		return nil, err
	}
	if err := run(append(source, "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
		"-force_key_frames", "expr:gte(t,n_forced*2)", "-sc_threshold", "0", "-g", "300", "-c:a", "aac", "-ac", "2", "-ar", "48000",
		"-f", "hls", "-hls_time", "6", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init_%v.mp4",
		"-hls_segment_filename", "v%v_%05d.m4s", "-master_pl_name", "ffmpeg.m3u8", "-var_stream_map", "v:0,agroup:a a:0,agroup:a", "out_%v.m3u8")...); err != nil {
		return nil, err
	}
	if err := run("-i", "film.mp4", "-vf", "scale=160:90", "-frames:v", "1", "still.jpg"); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		content, readErr := os.ReadFile(filepath.Join(dir, e.Name()))
		if readErr != nil {
			return nil, readErr
		}
		files[e.Name()] = content
	}
	return files, err
})

// encoded are a film of eight seconds, 640 × 360 with sound, and its segments
// of six and two seconds.
func encoded(t *testing.T) map[string][]byte {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("install ffmpeg to publish what it encodes")
	}
	files, err := encodeOnce()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func film(t *testing.T) []byte { return bytes.Clone(encoded(t)["film.mp4"]) }
