package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/mediaconvert/types"

	"premiumhls/internal/catalog"
	"premiumhls/local/s3"
)

// hidden checks that viewers reach nothing of a draft, and that nothing of it
// is lost.
func (s *site) hidden(course, lesson string) {
	s.Helper()
	r := s.lesson(course, lesson)
	if r.State != catalog.Drafted || r.Current != nil || r.Encoded == nil || len(s.objects.List(encodeFolder(course, lesson, r.Encoded.Version))) == 0 {
		s.Errorf("%+v", r)
	}
	if keys := append(s.below(course, lesson, true), s.below(course, lesson, false)...); len(keys) > 0 {
		s.Errorf("viewers reach %v", keys)
	}
}

// on does something at the first call to S3 of a kind for a key.
func (s *site) on(call, key string, do func()) {
	var once sync.Once
	client := s.bucket.client
	s.watch(func(c, k string) {
		if c == call && strings.HasPrefix(k, key) {
			once.Do(func() {
				s.bucket.client = client
				do()
			})
		}
	})
}

// A course that changes while one of its lessons is laid out: the lesson becomes
// what the course says in the end, whether the invocation that brought the change
// has come to the lesson or not.
func TestCourseChangesMeanwhile(t *testing.T) {
	for name, tt := range map[string]struct {
		was, becomes string
		copies       string // where the lesson is copied to when the course changes
	}{
		"premium": {`{"free":true}`, `{"free":false}`, "public/videos/c/l/"},
		"free":    {`{"free":false}`, `{"free":true}`, "premium/c/l/"},
		"draft":   {`{"free":true}`, `{"free":true,"draft":true}`, "public/videos/c/l/"},
	} {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, whole %t", name, whole), func(t *testing.T) {
				s := newSite(t)
				s.send(s.upload("uploads/c/course.json", []byte(tt.was)), s.upload("uploads/c/l.mp4", film(t)))
				end := s.finished("job-1")
				s.on("copy", tt.copies, func() {
					change := s.upload("uploads/c/course.json", []byte(tt.becomes))
					if whole {
						s.send(change)
						return
					}
					metadata, err := catalog.ParseCourse([]byte(tt.becomes))
					if err == nil {
						err = update(t.Context(), s.bucket, catalog.CourseRecordKey("c"), "", func(c *catalog.CourseRecord) error {
							c.Metadata = metadata
							return nil
						})
					}
					if err != nil {
						t.Error(err)
					}
				})
				s.send(end)
				if name == "draft" {
					s.hidden("c", "l")
					s.send(s.upload("uploads/c/course.json", []byte(`{}`)))
					s.plays("c", "l")
					return
				}
				if v := s.plays("c", "l"); v.Free != (name == "free") {
					t.Errorf("free: %t", v.Free)
				}
				if name == "premium" && len(s.below("c", "l", true)) > 0 {
					t.Errorf("everyone reads %v", s.below("c", "l", true))
				}
			})
		}
	}
}

// A lesson that is published by another invocation, and moved, while it is laid
// out.
func TestPublishedMeanwhile(t *testing.T) {
	t.Run("amid the copies", func(t *testing.T) { publishedMeanwhile(t, "copy", "premium/c/l/") })
	t.Run("after them", func(t *testing.T) { publishedMeanwhile(t, "put", "public/posters/c/l/") })
}

func publishedMeanwhile(t *testing.T, call, key string) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)))
	end := s.finished("job-1")
	s.on(call, key, func() {
		s.send(event{Command: commandFree, Path: "c/l"})
		no := false
		if err := s.record(t.Context(), "c", "l", func(r *catalog.Record) error { r.Free = &no; return nil }); err != nil {
			t.Error(err)
		}
	})
	s.send(end)
	if v := s.plays("c", "l"); v.Free {
		t.Error("it is free")
	}
	if keys := append(s.below("c", "l", true), s.objects.List("encoded/")...); len(keys) > 0 {
		t.Errorf("left over: %v", keys)
	}
}

// A draft is published while another invocation removes what was copied of it.
func TestPublishedWhileDiscarded(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)))
	end := s.finished("job-1")
	s.killAmidCopies(end, "premium/c/l/")
	s.on("delete", "", func() { s.send(event{Command: commandPublish, Path: "c/l"}) })
	s.send(event{Command: commandDraft, Path: "c/l"})
	s.plays("c", "l")
}

// Every response to a conditional write is lost: what was written counts, and
// nothing is done twice or undone.
func TestLostResponses(t *testing.T) {
	s := newSite(t)
	s.watch(nil).lose = true
	jobs := 0
	for _, command := range []string{"", commandDraft, commandPublish, commandFree, commandDraft, commandPublish, commandPremium, commandFree} {
		if command == "" {
			s.send(s.upload("uploads/c/l.mp4", film(t)), s.upload("uploads/c/l.en.vtt", []byte(vtt)))
			s.send(s.jobEvent("job-1", "ERROR", map[string]any{"errorCode": 1999}), s.finish("job-2"))
			jobs = 2
		} else {
			s.send(event{Command: command, Path: "c/l"})
		}
		if command == commandDraft {
			s.hidden("c", "l")
		} else {
			s.plays("c", "l")
		}
	}
	if len(s.jobs.made) != jobs {
		t.Errorf("%d jobs", len(s.jobs.made))
	}
}

// A premium lesson that becomes free plays on for those who watch it.
func TestReplacedByFree(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"), s.upload("uploads/c/l.en.vtt", []byte(vtt)), event{Command: commandFree, Path: "c/l"})
	s.plays("c", "l")
	if r := s.lesson("c", "l"); len(r.Replaced) != 2 {
		t.Errorf("%+v", r.Replaced)
	}
	// What is left of the job goes when nobody can be using it.
	left := "premium/c/l/" + s.newVersion() + "/v_360.m3u8"
	if err := s.record(t.Context(), "c", "l", func(r *catalog.Record) error {
		r.Job.Version = strings.Split(left, "/")[3]
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.objects.Put(left, s3.Object{Content: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	s.send(event{DetailType: "Scheduled Event"})
	s.plays("c", "l")
	if s.text(left) != "" {
		t.Error("the job's folder stays")
	}
}

// If the second attempt at a film cannot be created, the event of the first one's
// failure is delivered again.
func TestSecondAttemptIsThrottled(t *testing.T) {
	for _, late := range []time.Duration{0, 2 * time.Minute} {
		t.Run(late.String(), func(t *testing.T) {
			s := newSite(t)
			s.send(s.upload("uploads/c/l.mp4", film(t)))
			failed := s.jobEvent("job-1", "ERROR", map[string]any{"errorCode": 1999})
			s.jobs.fail = &types.TooManyRequestsException{}
			if _, err := s.handle(t.Context(), failed); err == nil {
				t.Fatal("the event is lost")
			}
			s.jobs.fail = nil
			s.now = func() time.Time { return time.Now().Add(late) }
			s.send(failed, failed)
			if r := s.lesson("c", "l"); r.Job.ID != "job-2" || r.Job.Attempts != 2 || len(s.jobs.made) != 2 {
				t.Fatalf("%+v", r.Job)
			}
			s.send(s.finish("job-2"), failed)
			s.plays("c", "l")
		})
	}
}

// The invocation that made a job ends before it has recorded so.
func TestJobUnrecorded(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)))
	if err := s.record(t.Context(), "c", "l", func(r *catalog.Record) error { r.Job.ID = ""; return nil }); err != nil {
		t.Fatal(err)
	}
	s.send(s.finish("job-1"))
	s.plays("c", "l")
}

// A film that failed stays failed when the captions of the one before change.
func TestFailedStaysFailed(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
	s.send(s.upload("uploads/c/l.mp4", []byte("not a film")), s.upload("uploads/c/l.en.vtt", []byte(vtt)))
	r := s.lesson("c", "l")
	if r.State != catalog.Failed || !strings.Contains(r.Reason, "not an MP4") {
		t.Errorf("%+v", r)
	}
	s.intact(&r)
	if d := readJSON[catalog.Details](s, "premium/c/l/lesson.json"); len(d.Captions) != 1 {
		t.Errorf("%+v", d)
	}
}

// If MediaConvert's output cannot be read, the record has a reason, and a retry
// encodes the film again.
func TestLastingFailure(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)))
	end := s.finished("job-1")
	bad := encodeFolder("c", "l", s.lesson("c", "l").Job.Version) + "v_360.m3u8"
	if err := s.objects.Put(bad, s3.Object{Content: []byte("no playlist")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.handle(t.Context(), end); err == nil {
		t.Fatal("the failure is not reported")
	}
	if r := s.lesson("c", "l"); r.State != catalog.Publishing || !strings.Contains(r.Reason, "premium retry") {
		t.Errorf("%+v", r)
	}
	s.send(event{Command: commandRetry, Path: "c/l"}, end, s.finish("job-2"))
	s.plays("c", "l")
}

// An upload whose event has not come is found, and its event is of no interest
// then.
func TestReceive(t *testing.T) {
	s := newSite(t)
	s.now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, s.events, 5e8, time.UTC) }
	e := s.upload("uploads/Course 1/l.mp4", film(t))
	find := event{Command: commandReceive, Path: "uploads/Course 1/l.mp4"}
	s.send(find, e, find)
	if len(s.jobs.made) != 1 {
		t.Errorf("%d jobs", len(s.jobs.made))
	}
	s.send(s.finish("job-1"))
	s.plays("course-1", "l")
	// It has been replaced since.
	s.upload("uploads/Course 1/l.mp4", append(film(t), "\x00\x00\x00\x08free"...))
	s.send(find, e, s.finish("job-2"), find)
	s.plays("course-1", "l")
	if len(s.jobs.made) != 2 {
		t.Errorf("%d jobs", len(s.jobs.made))
	}
	// And by one whose event comes.
	s.send(s.upload("uploads/Course 1/l.mp4", film(t)))
	if len(s.jobs.made) != 3 {
		t.Errorf("%d jobs", len(s.jobs.made))
	}
	for path, want := range map[string]string{"uploads/c/x.mp4": "there is no file", "premium/c/l/lesson.json": "must begin with uploads/"} {
		if _, err := s.handle(t.Context(), event{Command: commandReceive, Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	s.upload("uploads/c/old.avi", []byte("x"))
	s.send(event{Command: commandReceive, Path: "uploads/c/old.avi"})
	if s.text(catalog.ProblemKey("uploads/c/old.avi")) == "" {
		t.Error("the refusal is forgotten")
	}
}

// Files of several names for one lesson: the newest is used, whatever the order
// of their events, and all go with the lesson.
func TestNamesOfOneLesson(t *testing.T) {
	s := newSite(t)
	older := []any{s.upload("uploads/C/l.mov", film(t)), s.upload("uploads/C/l.en.srt", []byte("1\n00:00:01,000 --> 00:00:02,000\nOld\n")), s.upload("uploads/C/l.jpeg", encoded(t)["still.jpg"])}
	newer := []any{s.upload("uploads/c/l.mp4", append(film(t), "\x00\x00\x00\x08free"...)), s.upload("uploads/c/l.en.vtt", []byte(vtt)), s.upload("uploads/c/l.jpg", encoded(t)["still.jpg"])}
	s.upload("uploads/c/m.mp4", film(t))
	s.send(newer...)
	s.send(older...)
	s.send(s.finish("job-1"))
	s.plays("c", "l")
	r := s.lesson("c", "l")
	if r.Film.Key != "uploads/c/l.mp4" || r.Captions["en"].Key != "uploads/c/l.en.vtt" || r.Poster.Key != "uploads/c/l.jpg" || len(s.jobs.made) != 1 {
		t.Errorf("%+v, %d jobs", r, len(s.jobs.made))
	}
	s.send(event{Command: commandRemove, Path: "c/l"})
	if keys := s.objects.List("uploads/c/"); !slices.Equal(keys, []string{"uploads/c/m.mp4"}) {
		t.Errorf("left: %v", keys)
	}
}

// When a course of many lessons becomes a draft, none is listed, and the edge
// forgets the course.
func TestCourseLeavesTheEdge(t *testing.T) {
	s := newSite(t)
	const lessons = 9
	s.send(s.upload("uploads/c/course.json", []byte(`{"title":"Secret","description":"Not yet"}`)))
	for i := range lessons {
		s.send(s.upload(fmt.Sprintf("uploads/c/l%d.mp4", i), film(t)), s.finish(fmt.Sprintf("job-%d", i+1)))
	}
	s.edge.paths = nil
	s.send(s.upload("uploads/c/course.json", []byte(`{"title":"Secret","description":"Not yet","draft":true}`)))
	if want := []string{"/premium/c/*", "/videos/c/*", "/posters/c/*"}; !slices.Equal(s.edge.paths, want) {
		t.Errorf("the edge forgot %v, want %v", s.edge.paths, want)
	}
	for i := range lessons {
		lesson := fmt.Sprintf("l%d", i)
		s.hidden("c", lesson)
		if r := s.lesson("c", lesson); len(r.Withdrawn) > 0 {
			t.Errorf("%s: withdrawn again and again: %v", lesson, r.Withdrawn)
		}
	}
	for _, key := range []string{"public/catalog.json", "public/catalog/c.json"} {
		if text := s.text(key); strings.Contains(text, "Secret") || strings.Contains(text, "Not yet") {
			t.Errorf("%s: %s", key, text)
		}
	}
	s.send(s.upload("uploads/c/course.json", []byte(`{"title":"Here"}`)))
	s.plays("c", "l8")
	if index := readJSON[catalog.Index](s, "public/catalog.json"); index.Courses[0].Title != "Here" {
		t.Errorf("%+v", index)
	}
}

// The language of the sound may be told after the film.
func TestLanguageAfterFilm(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"), s.upload("uploads/c/l.json", []byte(`{"language":"fr"}`)))
	if text := s.text(s.plays("c", "l").Folder + playlistName); !strings.Contains(text, `LANGUAGE="fr"`) {
		t.Error(text)
	}
}

// A problem with an upload is forgotten when the upload is deleted, or is fine.
func TestProblemsEnd(t *testing.T) {
	s := newSite(t)
	const old, twin = "uploads/c/old.avi", "uploads/c!/l.json"
	s.send(s.upload(old, []byte("x")), s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"), s.upload(twin, []byte("{}")))
	if s.text(catalog.ProblemKey(old)) == "" || s.text(catalog.ProblemKey(twin)) == "" {
		t.Fatal("the refusals are forgotten")
	}
	s.objects.Delete(old)
	s.send(event{DetailType: "Scheduled Event"})
	if s.text(catalog.ProblemKey(old)) != "" || s.text(catalog.ProblemKey(twin)) == "" {
		t.Error("not the problem of the deleted file is forgotten")
	}
	s.objects.Delete(catalog.CourseRecordKey("c"))
	s.send(s.upload(twin, []byte("{}")))
	if s.text(catalog.ProblemKey(twin)) != "" {
		t.Error("a problem that is solved stays")
	}
}

// A film may be replaced before its event is handled.
func TestReplacedBeforeRead(t *testing.T) {
	s := newSite(t)
	first := s.upload("uploads/c/l.mp4", film(t))
	second := s.upload("uploads/c/l.mp4", append(film(t), "\x00\x00\x00\x08free"...))
	s.send(first, second, s.finish("job-1"), first)
	s.plays("c", "l")
	if len(s.jobs.made) != 1 {
		t.Errorf("%d jobs", len(s.jobs.made))
	}
}
