package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/mediaconvert/types"

	"premiumhls/internal/catalog"
	"premiumhls/local/s3"
)

// below lists the keys below a lesson's folders that viewers reach.
func (s *site) below(course, lesson string, free bool) []string {
	return s.objects.List(s.lessonFolder(course, lesson, free))
}

// What viewers may no longer reach is removed from the bucket and the edge,
// even if a call failed in between: whatever event comes next goes on.
func TestWithdrawalGoesOn(t *testing.T) {
	for name, tt := range map[string]struct {
		command string
		free    bool // whether it was
		edge    string
	}{
		"free becomes premium":      {commandPremium, true, "/videos/c/l/*"},
		"a premium lesson's draft":  {commandDraft, false, "/premium/c/l/*"},
		"a free lesson's draft":     {commandDraft, true, "/videos/c/l/*"},
		"a lesson that is removed":  {commandRemove, true, "/videos/c/l/*"},
		"its poster, as of a draft": {commandDraft, true, "/posters/c/l/*"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
			if tt.free {
				s.send(event{Command: commandFree, Path: "c/l"})
			}
			s.plays("c", "l")
			s.edge.fail = errors.New("throttled")
			if _, err := s.handle(t.Context(), event{Command: tt.command, Path: "c/l"}); err == nil {
				t.Fatal("the failure is not reported")
			}
			if r := s.lesson("c", "l"); len(r.Withdrawn) == 0 {
				t.Errorf("it is forgotten what has to go: %+v", r)
			}
			s.edge.fail, s.edge.paths = nil, nil
			s.send(event{DetailType: "Scheduled Event"})
			if !slices.Contains(s.edge.paths, tt.edge) {
				t.Errorf("the edge forgot %v", s.edge.paths)
			}
			if keys := s.below("c", "l", tt.free); len(keys) > 0 {
				t.Errorf("viewers reach %v", keys)
			}
			if r := s.lesson("c", "l"); len(r.Withdrawn) > 0 {
				t.Errorf("withdrawn again and again: %v", r.Withdrawn)
			}
		})
	}
}

// A lesson that becomes premium while its public copies are written: they go,
// though they were never listed.
func TestFreeCopiesOfALostRace(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
	var once sync.Once
	w := s.watch(func(call, key string) {
		if call == "copy" && strings.HasPrefix(key, "public/videos/") {
			once.Do(func() {
				no := false
				if err := s.record(t.Context(), "c", "l", func(r *catalog.Record) error { r.Free = &no; return nil }); err != nil {
					t.Error(err)
				}
			})
		}
	})
	s.send(event{Command: commandFree, Path: "c/l"})
	if w.calls["copy"] == 0 {
		t.Fatal("nothing was copied")
	}
	if v := s.plays("c", "l"); v.Free {
		t.Error("it is free")
	}
	if keys := s.below("c", "l", true); len(keys) > 0 {
		t.Errorf("everyone reads %v", keys)
	}
}

// An invocation that ended amid its work leaves a folder that no record names.
// It goes after a day; what is named stays.
func TestLeftovers(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"), s.upload("uploads/c/l.en.vtt", []byte(vtt)))
	left := []string{"public/videos/c/l/v20200101000000-00000000/v_360.m3u8", "premium/c/l/v20200101000000-00000000/v_360.m3u8", "encoded/c/l/v20200101000000-00000000/v_360.m3u8", "public/posters/c/l/v20200101000000-00000000.jpg"}
	young := "premium/c/l/" + s.newVersion() + "/v_360.m3u8"
	mine := "premium/c/l/notes/mine.m3u8" // an owner's own
	for _, key := range append(left, young, mine) {
		if err := s.objects.Put(key, s3.Object{Content: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	s.send(event{DetailType: "Scheduled Event"})
	for _, key := range left {
		if s.text(key) != "" {
			t.Errorf("%s stays", key)
		}
	}
	if s.text(young) == "" || s.text(mine) == "" {
		t.Error("a folder that is being written, or another's, is gone")
	}
	s.plays("c", "l")
	s.now = func() time.Time { return time.Now().Add(48 * time.Hour) }
	s.send(event{DetailType: "Scheduled Event"})
	s.plays("c", "l")
	for _, v := range s.lesson("c", "l").Replaced {
		if s.text(v.Folder+playlistName) == "" {
			t.Errorf("the replaced version %s is gone", v.ID)
		}
	}
}

// Captions or a poster that can be used no more cost no lesson its later
// changes.
func TestLostFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		key  string
		lose func(s *site)
		note string
	}{
		"captions deleted":  {"uploads/c/l.en.vtt", func(s *site) { s.objects.Delete("uploads/c/l.en.vtt") }, "no longer in the bucket"},
		"captions spoiled":  {"uploads/c/l.en.vtt", func(s *site) { s.upload("uploads/c/l.en.vtt", []byte("x")) }, "does not begin with WEBVTT"},
		"poster deleted":    {"uploads/c/l.jpg", func(s *site) { s.objects.Delete("uploads/c/l.jpg") }, "no longer in the bucket"},
		"spoiled and known": {"uploads/c/l.jpg", func(s *site) { s.send(s.upload("uploads/c/l.jpg", []byte("x"))) }, "not a JPEG"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.send(s.upload("uploads/c/l.en.vtt", []byte(vtt)), s.upload("uploads/c/l.jpg", encoded(t)["still.jpg"]),
				s.upload("uploads/c/l.mp4", film(t)), s.finish("job-1"))
			s.plays("c", "l")
			tt.lose(s)
			s.send(s.upload("uploads/c/l.json", []byte(`{"title":"New"}`)))
			s.plays("c", "l")
			r := s.lesson("c", "l")
			if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], tt.key) || !strings.Contains(r.Notes[0], tt.note) {
				t.Errorf("notes %q", r.Notes)
			}
			if d := readJSON[catalog.Details](s, "premium/c/l/lesson.json"); strings.HasSuffix(tt.key, ".vtt") != (len(d.Captions) == 0) {
				t.Errorf("%+v", d)
			}
		})
	}
}

// Events that are late: the files they speak of were deleted.
func TestLateEvents(t *testing.T) {
	s := newSite(t)
	events := []any{s.upload("uploads/c/l.mp4", film(t)), s.upload("uploads/c/l.en.vtt", []byte(vtt)), s.upload("uploads/c/l.jpg", encoded(t)["still.jpg"]),
		s.upload("uploads/c/l.json", []byte(`{}`)), s.upload("uploads/c/course.json", []byte(`{}`))}
	s.send(append(events, s.finish("job-1"))...)
	s.send(event{Command: commandRemove, Path: "c/l"})
	s.objects.Delete("uploads/c/course.json")
	s.send(events...)
	if text := s.text(catalog.RecordKey("c", "l")); text != "" {
		t.Errorf("the lesson is back: %s", text)
	}
	if len(s.jobs.made) != 1 {
		t.Errorf("%d jobs", len(s.jobs.made))
	}
	// With the lesson still there, the owner reads why its film cannot be encoded.
	s.send(s.upload("uploads/c/m.en.vtt", []byte(vtt)), s.upload("uploads/c/m.mp4", []byte("no film")))
	s.objects.Delete("uploads/c/m.mp4")
	s.send(event{Command: commandRetry, Path: "c/m"})
	if r := s.lesson("c", "m"); r.State != catalog.Failed || !strings.Contains(r.Reason, "upload it again") {
		t.Errorf("%+v", r)
	}
}

// A film whose job MediaConvert does not take now says so while it is tried
// again.
func TestThrottledJob(t *testing.T) {
	s := newSite(t)
	e := s.upload("uploads/c/l.mp4", film(t))
	s.jobs.fail = &types.TooManyRequestsException{}
	if _, err := s.handle(t.Context(), e); err == nil {
		t.Fatal("the event is lost")
	}
	if r := s.lesson("c", "l"); r.State != catalog.Encoding || !strings.Contains(r.Reason, "TooManyRequestsException") {
		t.Errorf("%+v", r)
	}
	s.jobs.fail = nil
	s.send(event{Command: commandRetry, Path: "c/l"})
	if r := s.lesson("c", "l"); r.Reason != "" || r.Job.ID == "" {
		t.Errorf("%+v", r)
	}
}

// A film of three and a half hours in four renditions: how many requests it
// takes to lay it out. docs/ingest.md has the arithmetic.
func TestLongFilm(t *testing.T) {
	s := newSite(t)
	const segments, seconds = 2100, 6
	files := encoded(t)
	job := &catalog.Job{Version: s.newVersion(), Encode: catalog.Encode{Renditions: []string{"1080", "720", "480", "360"}, FrameRate: 25, Channels: 2, Interval: 35, ThumbWidth: 160, ThumbHeight: 90}}
	folder := encodeFolder("c", "l", job.Version)
	put := func(key string, content []byte) {
		if err := s.objects.Put(key, s3.Object{Content: content}); err != nil {
			t.Fatal(err)
		}
	}
	made := 0
	for _, name := range []string{"v_1080", "v_720", "v_480", "v_360", "v_audio"} {
		kind, from := "cmfv", "0"
		if name == "v_audio" {
			kind, from = "cmfa", "1"
		}
		text := fmt.Sprintf("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"%sinit.%s\"\n", seconds, name, kind)
		put(folder+name+"init."+kind, files["init_"+from+".mp4"])
		for i := range segments {
			segment := fmt.Sprintf("%s_%09d.%s", name, i+1, kind)
			put(folder+segment, []byte("segment"))
			text += fmt.Sprintf("#EXTINF:%d,\n%s\n", seconds, segment)
		}
		put(folder+name+".m3u8", []byte(text+"#EXT-X-ENDLIST\n"))
		made += segments + 2
	}
	for i := range maxThumbs {
		put(stillKey(folder, thumbName, i), files["still.jpg"])
	}
	put(stillKey(folder, posterName, 1), files["still.jpg"])
	put(catalog.RecordKey("c", "l"), []byte("{}"))
	if err := s.record(t.Context(), "c", "l", func(r *catalog.Record) error {
		r.LessonName, r.State, r.Encoded = "l", catalog.Publishing, job
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w := s.watch(nil)
	if err := s.settle(t.Context(), "c", "l"); err != nil {
		t.Fatal(err)
	}
	if r := s.lesson("c", "l"); r.State != catalog.Playing || r.Current.Duration != segments*seconds {
		t.Errorf("%+v", r)
	}
	t.Logf("calls: %v", w.calls)
	if w.calls["copy"] != made {
		t.Errorf("%d copies of %d objects", w.calls["copy"], made)
	}
	if other := w.calls["get"] + w.calls["put"] + w.calls["list"] + w.calls["delete"]; other > maxThumbs+150 {
		t.Errorf("%d other calls: %v", other, w.calls)
	}
}

// The edge works on few paths at a time: when all lessons of a course leave it,
// they wait for each other.
func TestManyWithdrawals(t *testing.T) {
	s := newSite(t)
	for i := range 3 {
		s.send(s.upload(fmt.Sprintf("uploads/c/l%d.mp4", i), film(t)), s.finish(fmt.Sprintf("job-%d", i+1)))
	}
	s.edge.busy = 10
	s.send(s.upload("uploads/c/course.json", []byte(`{"draft":true}`)))
	for i := range 3 {
		if want := fmt.Sprintf("/premium/c/l%d/*", i); !slices.Contains(s.edge.paths, want) {
			t.Errorf("the edge forgot %v, not %s", s.edge.paths, want)
		}
	}
	// An invocation that has no time left says so, and the lesson stays withdrawn.
	s.send(s.upload("uploads/c/course.json", []byte(`{"draft":false}`)))
	s.edge.busy, s.edge.paths = 1_000_000, nil
	s.pause = time.Hour
	soon, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if _, err := s.handle(soon, event{Command: commandDraft, Path: "c/l0"}); err == nil || !strings.Contains(err.Error(), "TooManyInvalidations") {
		t.Errorf("error %v", err)
	}
	if r := s.lesson("c", "l0"); len(r.Withdrawn) == 0 {
		t.Errorf("it is forgotten what has to go: %+v", r)
	}
}

// killAmidCopies ends an invocation when some of the copies below a folder are
// made.
func (s *site) killAmidCopies(e event, folder string) {
	s.Helper()
	invocation, kill := context.WithCancel(s.Context())
	var copies atomic.Int32
	w := s.watch(func(call, _ string) {
		if call == "copy" && copies.Add(1) > 4 {
			for len(s.objects.List(folder)) == 0 {
				time.Sleep(time.Millisecond)
			}
			kill()
		}
	})
	if _, err := s.handle(invocation, e); err == nil {
		s.Fatal("the invocation did not end")
	}
	s.bucket.client = w.s3Client
	for before := -1; before < len(s.objects.List(folder)); { // S3 makes the copies that it has begun
		before = len(s.objects.List(folder))
		time.Sleep(20 * time.Millisecond)
	}
}

// An invocation that ends amid the copies of a film loses none of them: the next
// one copies the rest.
func TestCopiesGoOn(t *testing.T) {
	s := newSite(t)
	s.send(s.upload("uploads/c/whole.mp4", film(t)))
	all := s.watch(nil)
	s.send(s.finish("job-1"))
	s.bucket.client = all.s3Client

	s.send(s.upload("uploads/c/l.mp4", film(t)))
	end := s.finished("job-2")
	s.killAmidCopies(end, "premium/c/l/")
	there := len(s.objects.List("premium/c/l/"))
	if there >= all.calls["copy"] {
		t.Fatalf("%d of %d objects were copied: this shows nothing", there, all.calls["copy"])
	}
	second := s.watch(nil)
	s.send(end)
	if got := second.calls["copy"]; got != all.calls["copy"]-there {
		t.Errorf("%d copies after %d of %d", got, there, all.calls["copy"])
	}
	s.plays("c", "l")
}

// A lesson that becomes premium or a draft while its copies to the public folder
// are made leaves none of them.
func TestCopiesMove(t *testing.T) {
	for _, command := range []string{commandPremium, commandDraft} {
		t.Run(command, func(t *testing.T) { copiesMove(t, command) })
	}
}

func copiesMove(t *testing.T, command string) {
	s := newSite(t)
	s.send(s.upload("uploads/c/l.json", []byte(`{"free":true}`)), s.upload("uploads/c/l.mp4", film(t)))
	end := s.finished("job-1")
	s.killAmidCopies(end, "public/videos/c/l/")
	s.send(event{Command: command, Path: "c/l"})
	if command == commandPremium {
		s.plays("c", "l")
	}
	if keys := s.objects.List("public/videos/"); len(keys) > 0 {
		t.Errorf("everyone reads %v", keys)
	}
}
