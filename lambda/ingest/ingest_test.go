package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"premiumhls/internal/catalog"
	"premiumhls/internal/hls"
	"premiumhls/local/s3"
)

const vtt = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello <b>you</b>\n"

// files is the bucket below a folder.
func (s *site) files(folder string) fs.FS {
	found := fstest.MapFS{}
	for _, key := range s.objects.List(folder) {
		found[strings.TrimPrefix(key, folder)] = &fstest.MapFile{Data: []byte(s.text(key))}
	}
	return found
}

// plays checks everything that viewers reach of a lesson.
func (s *site) plays(course, lesson string) *catalog.Version {
	s.Helper()
	r := s.lesson(course, lesson)
	if r.State != catalog.Playing || r.Current == nil {
		s.Fatalf("%s/%s: %+v", course, lesson, r)
	}
	s.intact(&r)
	root := s.lessonFolder(course, lesson, r.Current.Free)
	d := readJSON[catalog.Details](s, root+catalog.LessonName)
	if d.Playlist != r.Current.ID+"/"+playlistName {
		s.Errorf("%s: %+v", root, d)
	}
	if !strings.HasPrefix(s.text(root+d.Storyboard), "WEBVTT\n\n") || s.text("public/"+r.Current.Poster) == "" {
		s.Errorf("%s: no storyboard or poster: %+v", root, d)
	}
	c := readJSON[catalog.Course](s, "public/catalog/"+course+".json")
	if !slices.ContainsFunc(c.Lessons, func(l catalog.Lesson) bool { return l.Path == course+"/"+lesson && l.Duration == d.Duration }) {
		s.Errorf("%s/%s is not in %+v", course, lesson, c)
	}
	index := readJSON[catalog.Index](s, "public/catalog.json")
	if !slices.ContainsFunc(index.Courses, func(i catalog.CourseSummary) bool { return i.Path == course && i.Lessons == len(c.Lessons) }) {
		s.Errorf("%s is not in %+v", course, index)
	}
	return r.Current
}

// intact checks that every version that a record names is whole.
func (s *site) intact(r *catalog.Record) {
	s.Helper()
	versions := r.Replaced
	if r.Current != nil {
		versions = append(slices.Clone(versions), *r.Current)
	}
	for _, v := range versions {
		findings, err := hls.Check(s.files(s.lessonFolder(r.Course, r.Lesson, v.Free)), v.ID+"/"+playlistName)
		// The fixture's I-frame playlists name whole segments, and its sound has
		// another target duration: its own faults.
		findings = slices.DeleteFunc(findings, func(f hls.Finding) bool { return f.Rule == "Apple 8.2" })
		if err != nil || len(findings) > 0 {
			s.Errorf("%s: %v %v", v.Folder, findings, err)
		}
	}
}

func TestFilmBecomesALesson(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/Course 1/Intro.mp4", film(t)))
	r := s.lesson("course-1", "intro")
	if r.State != catalog.Encoding || r.Job.ID != "job-1" || len(r.Job.Encode.Renditions) != 1 || r.Job.Encode.Renditions[0] != "360" {
		t.Fatalf("%+v %+v", r, r.Job)
	}
	s.send(s.jobEvent("job-1", "STATUS_UPDATE", map[string]any{"jobProgress": map[string]any{"jobPercentComplete": 40}}))
	s.send(s.jobEvent("job-1", "STATUS_UPDATE", map[string]any{"jobProgress": map[string]any{"jobPercentComplete": 20}}), s.jobEvent("job-1", "PROGRESSING", nil))
	if r := s.lesson("course-1", "intro"); r.Job.Percent != 40 {
		t.Errorf("%d %%", r.Job.Percent)
	}
	if keys := s.objects.List("premium/"); len(keys) > 0 {
		t.Errorf("before the job's end: %v", keys)
	}
	s.send(s.finish("job-1"))
	v := s.plays("course-1", "intro")
	if keys := s.objects.List("encoded/"); len(keys) > 0 {
		t.Errorf("left over: %v", keys)
	}

	// Of a premium lesson everyone sees the title, duration and poster only.
	l := readJSON[catalog.Course](s, "public/catalog/course-1.json").Lessons[0]
	if l.Title != "Intro" || l.Free || l.Description != "" || l.Details != "premium/course-1/intro/lesson.json" || l.Duration < 7.9 || l.Duration > 8.1 {
		t.Errorf("%+v", l)
	}
	out, err := s.bucket.list(t.Context(), v.Folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out {
		if got := s.cache(e.key); got != cacheForever {
			t.Errorf("%s has the Cache-Control %q", e.key, got)
		}
	}
	for _, key := range []string{"premium/course-1/intro/lesson.json", "public/catalog.json", "public/catalog/course-1.json"} {
		if got := s.cache(key); got != cacheSeconds {
			t.Errorf("%s has the Cache-Control %q", key, got)
		}
	}
}

func (s *site) cache(key string) string {
	s.Helper()
	response, err := http.Get(*s.bucket.client.(*awss3.Client).Options().BaseEndpoint + "/videos/" + strings.ReplaceAll(key, " ", "%20"))
	if err != nil {
		s.Fatal(err)
	}
	response.Body.Close()
	return response.Header.Get("Cache-Control")
}

// What lies beside a film may come before, with or after it, and changes later
// without a new encode.
func TestFilesBesideAFilm(t *testing.T) {
	for name, order := range map[string][]string{
		"before": {"captions", "poster", "metadata", "film", "end"},
		"during": {"film", "captions", "poster", "metadata", "end"},
		"after":  {"film", "end", "metadata", "captions", "poster"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			for _, what := range order {
				switch what {
				case "film":
					s.send(s.upload("uploads/c/l.mp4", film(t)))
				case "end":
					s.send(s.finish("job-1"))
				case "captions":
					s.send(s.upload("uploads/c/l.de.vtt", []byte(vtt)))
				case "poster":
					s.send(s.upload("uploads/c/l.jpg", encoded(t)["still.jpg"]))
				case "metadata":
					s.send(s.upload("uploads/c/l.json", []byte(`{"title":"First","description":"secret","chapters":[{"start":0,"title":"A"},{"start":"0:04","title":"B"}]}`)))
				}
			}
			v := s.plays("c", "l")
			d := readJSON[catalog.Details](s, "premium/c/l/lesson.json")
			if len(d.Captions) != 1 || d.Captions[0].Name != "Deutsch" || len(d.Chapters) != 2 || d.Description != "secret" {
				t.Errorf("%+v", d)
			}
			if text := s.text(v.Folder + "captions_de_00000.vtt"); !strings.Contains(text, "Hello") || strings.Contains(text, "<b>") {
				t.Errorf("%q", text)
			}
			if text := s.text(v.Folder + "chapters.json"); !strings.Contains(text, `"start-time":4`) {
				t.Errorf("%q", text)
			}
			if s.text("public/"+v.Poster) != string(encoded(t)["still.jpg"]) {
				t.Error("the poster is not the owner's")
			}
			everyone := s.text("public/catalog/c.json") + s.text("public/catalog.json")
			if strings.Contains(everyone, "secret") || strings.Contains(everyone, `"chapters"`) || !strings.Contains(everyone, "First") {
				t.Errorf("everyone sees %s", everyone)
			}
			if len(s.jobs.made) != 1 {
				t.Errorf("%d jobs", len(s.jobs.made))
			}
			if v.Segments != v.Folder && !strings.Contains(s.text(v.Folder+playlistName), "../") {
				t.Errorf("%s", s.text(v.Folder+playlistName))
			}
		})
	}
}

// A new film replaces the old one only when it plays, and the old one stays for
// those who watch it.
func TestNewFilm(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
	first := s.plays("c", "l")
	s.send(s.upload("uploads/c/l.mp4", append(film(t), "\x00\x00\x00\x08free"...)))
	if d := readJSON[catalog.Details](s, "premium/c/l/lesson.json"); d.Version != first.ID {
		t.Errorf("replaced too early: %+v", d)
	}
	s.send(s.finish("job-2"))
	second := s.plays("c", "l")
	if second.ID == first.ID || s.text(first.Folder+playlistName) == "" {
		t.Errorf("%s after %s", second.ID, first.ID)
	}
	s.send(event{DetailType: "Scheduled Event"})
	if s.text(first.Folder+playlistName) == "" {
		t.Error("the old version is gone at once")
	}
	s.now = func() time.Time { return time.Now().Add(8 * 24 * time.Hour) }
	s.send(event{DetailType: "Scheduled Event"})
	if keys := s.objects.List(first.Folder); len(keys) > 0 || s.text("public/"+first.Poster) != "" {
		t.Errorf("the old version stays: %v", keys)
	}
	s.plays("c", "l")
	if r := s.lesson("c", "l"); len(r.Replaced) != 0 {
		t.Errorf("%+v", r.Replaced)
	}
}

// Versions whose segments a newer one names stay as long as it.
func TestOldSegmentsStay(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"), s.upload("uploads/c/l.en.vtt", []byte(vtt)))
	s.now = func() time.Time { return time.Now().Add(30 * 24 * time.Hour) }
	s.send(event{DetailType: "Scheduled Event"})
	s.plays("c", "l")
}

// What MediaConvert's Probe says of a film can rule it out, too.
func TestFilmsOutOfRange(t *testing.T) {
	for name, tt := range map[string]struct {
		hours         float64
		width, height int32
		rate          int32
		reason        string
	}{
		"thirteen hours":    {13, 640, 360, 25, "longer than 12 hours"},
		"wider than 8192":   {1, 8194, 360, 25, "at most 8192"},
		"without an end":    {0, 640, 360, 25, "no length"},
		"without a picture": {1, 0, 0, 25, "no video"},
		"twelve hours":      {12, 640, 360, 25, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.jobs.probe = func(string) (*mediaconvert.ProbeOutput, error) {
				return &mediaconvert.ProbeOutput{ProbeResults: []types.ProbeResult{{Container: &types.Container{
					Duration: aws.Float64(tt.hours * 3600),
					Tracks: []types.Track{{TrackType: types.TrackTypeVideo, VideoProperties: &types.VideoProperties{
						Width: &tt.width, Height: &tt.height, FrameRate: &types.FrameRate{Numerator: &tt.rate, Denominator: aws.Int32(1)},
					}}},
				}}}}, nil
			}
			s.send(s.upload("uploads/c/l.webm", []byte("x")))
			r := s.lesson("c", "l")
			if tt.reason == "" {
				if r.State != catalog.Encoding {
					t.Errorf("%+v", r)
				}
				return
			}
			if r.State != catalog.Failed || !strings.Contains(r.Reason, tt.reason) || len(s.jobs.made) != 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestFailedFilm(t *testing.T) {
	for name, tt := range map[string]struct {
		file    string
		content func() []byte
		reason  string
	}{
		"empty":        {"l.mp4", func() []byte { return []byte{} }, "The file is empty."},
		"not a video":  {"l.mp4", func() []byte { return []byte("%PDF-1.7 not a film") }, "not an MP4"},
		"truncated":    {"l.mov", func() []byte { return film(t)[:1000] }, "incomplete"},
		"claims 4 GB":  {"l.mp4", func() []byte { return []byte("\xff\xff\xff\xf0moov....") }, "incomplete"},
		"sound only":   {"l.mp4", func() []byte { return withoutVideo(film(t)) }, "no video"},
		"not Matroska": {"l.mkv", func() []byte { return []byte("x") }, "MediaConvert can read"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.jobs.probe = func(string) (*mediaconvert.ProbeOutput, error) { return nil, &types.BadRequestException{} }
			s.send(s.upload("uploads/c/"+tt.file, tt.content()))
			r := s.lesson("c", "l")
			if r.State != catalog.Failed || !strings.Contains(r.Reason, tt.reason) || len(s.jobs.made) != 0 {
				t.Errorf("%+v", r)
			}
			if s.text("public/catalog.json") != "" {
				t.Error("it is in the catalog")
			}
			// The right film mends it.
			s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
			s.plays("c", "l")
		})
	}
}

// withoutVideo makes every track one of sound.
func withoutVideo(film []byte) []byte {
	return []byte(strings.ReplaceAll(string(film), "vide", "soun"))
}

func TestJobErrors(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)))
	s.send(s.jobEvent("job-1", "ERROR", map[string]any{"errorCode": 1999, "errorMessage": "odd"}))
	if r := s.lesson("c", "l"); r.State != catalog.Encoding || r.Job.ID != "job-2" {
		t.Fatalf("not tried again: %+v", r.Job)
	}
	// What the first attempt says now is of no interest.
	s.send(s.jobEvent("job-1", "ERROR", map[string]any{"errorCode": 1075}), s.finish("job-1"))
	if r := s.lesson("c", "l"); r.State != catalog.Encoding {
		t.Errorf("%+v", r)
	}
	s.send(s.jobEvent("job-2", "ERROR", map[string]any{"errorCode": 1999}))
	if r := s.lesson("c", "l"); r.State != catalog.Failed || !strings.Contains(r.Reason, "1999") {
		t.Errorf("%+v", r)
	}
	if got, err := s.handle(t.Context(), event{Command: commandRetry, Path: "c/l"}); err != nil || got.(reply).State != catalog.Encoding {
		t.Errorf("%+v %v", got, err)
	}
	s.send(s.jobEvent("job-3", "ERROR", map[string]any{"errorCode": 1076}))
	if r := s.lesson("c", "l"); r.State != catalog.Failed || !strings.Contains(r.Reason, "incomplete") || len(s.jobs.made) != 3 {
		t.Errorf("%+v", r)
	}
	s.send(event{Command: commandRetry, Path: "c/l"}, s.finish("job-4"))
	s.plays("c", "l")
}

// A call that failed is made again when the event comes again, and twice the
// same event makes one job.
func TestCreateJobFails(t *testing.T) {
	s := newSite(t)
	e := s.upload("uploads/c/l.mp4", film(t))
	s.jobs.fail = &types.TooManyRequestsException{}
	if _, err := s.handle(t.Context(), e); err == nil {
		t.Fatal("the event is lost")
	}
	s.jobs.fail = nil
	s.send(e, e)
	if r := s.lesson("c", "l"); r.Job.ID != "job-1" || len(s.jobs.made) != 1 {
		t.Errorf("%+v", r.Job)
	}
	s.send(s.finish("job-1"), s.jobEvent("job-1", "COMPLETE", nil), s.jobEvent("job-1", "STATUS_UPDATE", map[string]any{"jobProgress": map[string]any{"jobPercentComplete": 50}}), e)
	s.plays("c", "l")
	if len(s.jobs.made) != 1 {
		t.Errorf("%d jobs", len(s.jobs.made))
	}
}

// A bad file beside a film costs no lesson.
func TestBadFilesBeside(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)),
		s.upload("uploads/c/l.en.vtt", []byte("no captions")), s.upload("uploads/c/l.fr.srt", []byte{0xff, 0xfe}),
		s.upload("uploads/c/l.jpg", []byte("no picture")), s.upload("uploads/c/l.json", []byte(`{"titel":"x"}`)), s.finish("job-1"))
	s.plays("c", "l")
	r := s.lesson("c", "l")
	if len(r.Notes) != 4 || len(r.Captions) != 0 || r.Poster != nil {
		t.Errorf("%q", r.Notes)
	}
	s.send(s.upload("uploads/c/l.en.vtt", []byte(vtt)))
	if r := s.lesson("c", "l"); len(r.Notes) != 3 || len(r.Captions) != 1 {
		t.Errorf("%q", r.Notes)
	}
}

func TestNames(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/Course 1/A b.mp4", film(t)))
	for key, why := range map[string]string{
		"uploads/Course 1/a-b.mp4": "same address", // another name for the same lesson
		"uploads/course-1/z.mp4":   "same address", // another name for the same course
		"uploads/loose.mp4":        "not in a course",
		"uploads/c/film.avi":       "unknown extension",
	} {
		s.send(s.upload(key, film(t)))
		p := readJSON[catalog.Problem](s, catalog.ProblemKey(key))
		if p.Key != key || !strings.Contains(p.Reason, why) {
			t.Errorf("%s: %+v", key, p)
		}
	}
	s.send(s.upload("uploads/Course 1/A B.en.vtt", []byte(vtt)), s.upload("uploads/Course 1/.DS_Store", []byte("x")))
	if r := s.lesson("course-1", "a-b"); len(r.Captions) != 1 || len(s.jobs.made) != 1 {
		t.Errorf("%+v, %d jobs", r, len(s.jobs.made))
	}
}

// Drafts are in no file that a viewer can read.
func TestDraft(t *testing.T) {
	s := newSite(t)
	visible := func() (keys []string) {
		for _, key := range append(s.objects.List("premium/"), s.objects.List("public/")...) {
			if strings.Contains(key, "/l/") || strings.Contains(s.text(key), "c/l") || strings.Contains(s.text(key), "Hidden") {
				keys = append(keys, key)
			}
		}
		return keys
	}
	s.send(s.upload("uploads/c/l.json", []byte(`{"title":"Hidden","draft":true}`)), s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
	if r := s.lesson("c", "l"); r.State != catalog.Drafted || len(visible()) > 0 {
		t.Errorf("%s, viewers see %v", r.State, visible())
	}
	s.send(event{Command: commandPublish, Path: "c/l"})
	s.plays("c", "l")
	s.send(s.upload("uploads/c/l.en.vtt", []byte(vtt)), event{Command: commandDraft, Path: "c/l"})
	if r := s.lesson("c", "l"); r.State != catalog.Drafted || len(visible()) > 0 {
		t.Errorf("%s, viewers see %v", r.State, visible())
	}
	if !slices.Contains(s.edge.paths, "/premium/c/l/*") {
		t.Errorf("the edge forgot %v", s.edge.paths)
	}
	s.send(event{Command: commandPublish, Path: "c/l"})
	s.plays("c", "l")
	if len(s.jobs.made) != 1 {
		t.Errorf("%d jobs", len(s.jobs.made))
	}
	s.send(s.upload("uploads/c/course.json", []byte(`{"draft":true}`)))
	if r := s.lesson("c", "l"); r.State != catalog.Playing {
		t.Logf("published by command: it stays") // the command wins over the course's file
	}
}

// The price and the payment link of a course are in the list of courses.
func TestPrice(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
	const link = "https://buy.stripe.com/abc"
	s.send(s.upload("uploads/c/course.json", []byte(`{"price":"€49","paymentLink":"`+link+`"}`)))
	index := readJSON[catalog.Index](s, "public/catalog.json")
	if len(index.Courses) != 1 || index.Courses[0].Price != "€49" || index.Courses[0].PaymentLink != link {
		t.Errorf("%+v", index.Courses)
	}
}

// Whether a lesson is free can change, and no copy stays that the other rule
// opens.
func TestFreeAndPremium(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/course.json", []byte(`{"title":"Course","free":true}`)), s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
	v := s.plays("c", "l")
	if !v.Free || len(s.objects.List("premium/")) > 0 {
		t.Errorf("%+v, %v", v, s.objects.List("premium/"))
	}
	s.send(s.upload("uploads/c/l.en.vtt", []byte(vtt)), event{Command: commandPremium, Path: "c/l"})
	if v := s.plays("c", "l"); v.Free {
		t.Error("it is still free")
	}
	for _, key := range s.objects.List("public/") {
		if strings.HasPrefix(key, "public/videos/") {
			t.Errorf("everyone reads %s", key)
		}
	}
	if !slices.Contains(s.edge.paths, "/videos/c/l/*") {
		t.Errorf("the edge forgot %v", s.edge.paths)
	}
	s.send(event{Command: commandFree, Path: "c/l"})
	if v := s.plays("c", "l"); !v.Free || len(s.jobs.made) != 1 {
		t.Errorf("%+v", v)
	}
}

func TestRemove(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.upload("uploads/c/l.en.vtt", []byte(vtt)), s.finish("job-1"), s.upload("uploads/c/m.mp4", film(t)), s.finish("job-2"))
	s.send(event{Command: commandRemove, Path: "c/l"})
	for _, key := range s.objects.List("") {
		if strings.Contains(key, "/l/") || strings.Contains(key, "/l.") {
			t.Errorf("%s stays", key)
		}
	}
	s.plays("c", "m")
	if c := readJSON[catalog.Course](s, "public/catalog/c.json"); len(c.Lessons) != 1 {
		t.Errorf("%+v", c)
	}
	for _, bad := range []event{{Command: commandRemove, Path: "c/l"}, {Command: "explode", Path: "c/m"}, {Command: commandRetry, Path: "../m"}, {Source: "aws.ec2"}} {
		if _, err := s.handle(t.Context(), bad); err == nil {
			t.Errorf("%+v succeeded", bad)
		}
	}
}

// What an owner lists by hand stays.
func TestHandWrittenCatalog(t *testing.T) {
	s := newSite(t)
	s.upload("public/catalog.json", []byte(`{"videos":[{"path":"mine","title":"By hand"}]}`))
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
	s.plays("c", "l")
	if !strings.Contains(s.text("public/catalog.json"), "By hand") {
		t.Errorf("%s", s.text("public/catalog.json"))
	}
}

// Fifty films at once, with every event twice and out of order: fifty lessons,
// none twice.
func TestFiftyAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	s := newSite(t)
	r := rand.New(rand.NewPCG(1, 2))
	const count = 50
	var events []event
	for i := range count {
		events = append(events, s.upload(fmt.Sprintf("uploads/c/Lesson %d.mp4", i+1), film(t)))
	}
	deliver := func(events []event) {
		twice := append(slices.Clone(events), events...)
		r.Shuffle(len(twice), func(i, j int) { twice[i], twice[j] = twice[j], twice[i] })
		var wait sync.WaitGroup
		limit := make(chan struct{}, 16)
		for _, e := range twice {
			wait.Go(func() {
				limit <- struct{}{}
				defer func() { <-limit }()
				for attempt := 0; ; attempt++ { // as Lambda does
					if _, err := s.handle(t.Context(), e); err == nil {
						return
					} else if attempt == 2 {
						t.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
	}
	deliver(events)
	if len(s.jobs.made) != count {
		t.Fatalf("%d jobs", len(s.jobs.made))
	}
	events = nil
	for id := range s.jobs.made {
		events = append(events, s.jobEvent(id, "STATUS_UPDATE", map[string]any{"jobProgress": map[string]any{"jobPercentComplete": 50}}), s.finished(id))
	}
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { // the catalog is right at every moment
		for {
			select {
			case <-stop:
				return
			default:
			}
			if s.text("public/catalog/c.json") == "" {
				continue
			}
			for _, l := range readJSON[catalog.Course](s, "public/catalog/c.json").Lessons {
				if s.text(l.Details) == "" || s.text("public/"+l.Poster) == "" {
					t.Errorf("%s is listed and does not play", l.Path)
				}
			}
			time.Sleep(time.Millisecond)
		}
	})
	deliver(events)
	close(stop)
	watching.Wait()
	c := readJSON[catalog.Course](s, "public/catalog/c.json")
	if len(c.Lessons) != count {
		t.Fatalf("%d lessons", len(c.Lessons))
	}
	for i, l := range c.Lessons {
		if want := fmt.Sprintf("c/lesson-%d", i+1); l.Path != want {
			t.Errorf("lesson %d is %s, want %s", i+1, l.Path, want)
		}
	}
	s.plays("c", "lesson-1")
	if index := readJSON[catalog.Index](s, "public/catalog.json"); index.Courses[0].Lessons != count {
		t.Errorf("%+v", index)
	}
}

func TestLadder(t *testing.T) {
	for name, tt := range map[string]struct {
		source source
		top    int
		want   string
		rate   rate
	}{
		"full HD":               {source{Width: 1920, Height: 1080, FrameRate: 29.97}, 1080, "1920x1080 1280x720 854x480 640x360", rate{30000, 1001}},
		"4K":                    {source{Width: 3840, Height: 2160, FrameRate: 23.976}, 1080, "1920x1080 1280x720 854x480 640x360", rate{24000, 1001}},
		"4K asked for":          {source{Width: 3840, Height: 2160, FrameRate: 25}, 2160, "3840x2160 2560x1440 1920x1080 1280x720 854x480 640x360", rate{25, 1}},
		"portrait":              {source{Width: 1080, Height: 1920, FrameRate: 30}, 1080, "1080x1920 720x1280 480x854 360x640", rate{30, 1}},
		"square":                {source{Width: 500, Height: 500, FrameRate: 30}, 1080, "480x480 360x360", rate{30, 1}},
		"odd":                   {source{Width: 853, Height: 481, FrameRate: 30}, 1080, "852x480 638x360", rate{30, 1}},
		"smaller than any rung": {source{Width: 161, Height: 121, FrameRate: 30}, 1080, "160x120", rate{30, 1}},
		"wide":                  {source{Width: 8192, Height: 1024, FrameRate: 30}, 1080, "3840x480 2880x360", rate{30, 1}},
		"a ribbon":              {source{Width: 8192, Height: 300, FrameRate: 30}, 1080, "4096x150", rate{30, 1}},
		"tall":                  {source{Width: 720, Height: 8000, FrameRate: 30}, 1080, "360x4000", rate{30, 1}},
		"240 lines":             {source{Width: 320, Height: 240, FrameRate: 30}, 1080, "320x240", rate{30, 1}},
		"varying":               {source{Width: 640, Height: 360, FrameRate: 28.6, Variable: true}, 1080, "640x360", rate{30000, 1001}},
		"120 frames a second":   {source{Width: 640, Height: 360, FrameRate: 119.88}, 1080, "640x360", rate{60000, 1001}},
		"a rate of its own":     {source{Width: 640, Height: 360, FrameRate: 15}, 1080, "640x360", rate{15000, 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range tt.source.ladder(tt.top) {
				got = append(got, fmt.Sprintf("%dx%d", r.Width, r.Height))
				if r.Width%2 != 0 || r.Height%2 != 0 {
					t.Errorf("odd: %+v", r)
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%s, want %s", s, tt.want)
			}
			if r := tt.source.frameRate(); r != tt.rate {
				t.Errorf("%v, want %v", r, tt.rate)
			}
		})
	}
}

// A lesson that keeps changing is not laid out without end.
func TestUpdateGivesUpWithItsContext(t *testing.T) {
	s := newSite(t)
	s.upload("ingest/x.json", []byte("{}"))
	err := update(t.Context(), s.bucket, "ingest/x.json", "", func(*map[string]any) error { return errors.New("no") })
	if err == nil || err.Error() != "no" {
		t.Error(err)
	}
}

// What a lesson's publication asks of S3 does not grow with the course: a
// thousand lessons are neither read nor written for one.
func TestThousandLessons(t *testing.T) {
	calls := func(lessons int) map[string]int {
		s := newSite(t)
		course := catalog.Course{Path: "c", Title: "c"}
		for i := range lessons {
			name := fmt.Sprintf("lesson-%d", i)
			course.Lessons = append(course.Lessons, catalog.Lesson{Path: "c/" + name, Title: name, Details: "premium/c/" + name + "/lesson.json"})
			s.put(catalog.RecordKey("c", name), catalog.Record{Course: "c", Lesson: name, LessonName: name, State: catalog.Playing, Current: &catalog.Version{ID: "v1"}})
		}
		s.put(catalog.CourseRecordKey("c"), catalog.CourseRecord{Name: "c"})
		s.put("public/catalog/c.json", course)
		s.put("public/catalog.json", catalog.Index{Courses: []catalog.CourseSummary{{Path: "c", Title: "c", Lessons: lessons}}})
		w := s.watch(nil)
		s.send(s.upload("uploads/c/new.mp4", film(t)), s.finish("job-1"))
		if c := readJSON[catalog.Course](s, "public/catalog/c.json"); len(c.Lessons) != lessons+1 {
			t.Errorf("%d lessons, want %d", len(c.Lessons), lessons+1)
		}
		return w.calls
	}
	if few, many := calls(1), calls(1000); !maps.Equal(few, many) {
		t.Errorf("with one lesson %v, with a thousand %v", few, many)
	}
}

// put writes a JSON document.
func (s *site) put(key string, v any) {
	s.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = s.objects.Put(key, s3.Object{Content: text})
	}
	if err != nil {
		s.Fatal(err)
	}
}

// Copies of segments within the bucket, with a stand-in that takes as long as S3
// does for one: some tens of milliseconds.
func BenchmarkCopies(b *testing.B) {
	const objects, each = 2000, 30 * time.Millisecond
	var entries []entry
	for i := range objects {
		entries = append(entries, entry{key: fmt.Sprintf("encoded/c/l/v1/v_360_%09d.cmfv", i)})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(each)
		io.WriteString(w, `<CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>`)
	}))
	defer server.Close()
	client := awss3.New(awss3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = connections }),
	})
	for b.Loop() {
		if err := (bucket{client: client, name: "videos"}).copy(b.Context(), entries, "encoded/c/l/v1/", "premium/c/l/v1/"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(objects)*float64(b.N)/b.Elapsed().Seconds(), "copies/s")
}
