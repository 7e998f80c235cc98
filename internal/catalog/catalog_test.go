package catalog

import (
	"errors"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func TestSegment(t *testing.T) {
	for name, want := range map[string]string{
		"intro":                    "intro",
		"Lesson 1: Intro":          "lesson-1-intro",
		"  Café  Crème ":           "cafe-creme",
		"a/b\\c":                   "a-b-c",
		"..":                       "",
		"../../etc/passwd":         "etc-passwd",
		`quote"s and 'quotes'`:     "quote-s-and-quotes",
		"no_change.v2~x":           "no_change.v2~x",
		"trailing...":              "trailing",
		"":                         "",
		"   ":                      "",
		"!!!":                      "",
		"link":                     "",
		"ﬁn":                       "fin", // a ligature
		"100%":                     "100",
		"new\nline\x00and\u202eno": "new-line-and-no",
	} {
		got, err := Segment(name)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("Segment(%q) = %q, %v, want %q", name, got, err, want)
		}
		var bad *NameError
		if err != nil && !errors.As(err, &bad) {
			t.Errorf("Segment(%q): %T", name, err)
		}
	}
	// Names in other scripts stay apart, and the two ways to write é are one.
	a, _ := Segment("Урок 1")
	b, _ := Segment("Тема 1")
	if a == b || !strings.HasPrefix(a, "1-") || len(a) != len("1-abcdef") {
		t.Errorf("%q and %q", a, b)
	}
	if c, _ := Segment("講義"); len(c) != 6 {
		t.Errorf("%q", c)
	}
	x, _ := Segment("caf\u00e9 \u4e00")
	y, _ := Segment("cafe\u0301 \u4e00")
	if x != y {
		t.Errorf("%q and %q", x, y)
	}
	long, err := Segment(strings.Repeat("long name ", 30))
	if err != nil || len(long) > MaxSegment || !strings.HasPrefix(long, "long-name-long-name-") {
		t.Errorf("%q, %v", long, err)
	}
}

// Whatever an owner writes, a segment is of the characters that every path of
// ours may have, and giving it again changes nothing.
func TestSegmentIsPlain(t *testing.T) {
	check := func(name string) bool {
		s, err := Segment(name)
		if err != nil {
			return true
		}
		again, err := Segment(s)
		return err == nil && again == s && len(s) <= MaxSegment && s != "." && s != ".." &&
			strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-._~") == ""
	}
	if err := quick.Check(check, &quick.Config{MaxCount: 5000}); err != nil {
		t.Error(err)
	}
}

func TestParseUpload(t *testing.T) {
	for key, want := range map[string]Upload{
		"uploads/Course 1/Intro.MP4": {Kind: Film, Course: "course-1", Lesson: "intro", CourseName: "Course 1", LessonName: "Intro", Format: "mp4"},
		"uploads/c/intro.v2.en.vtt":  {Kind: Captions, Course: "c", Lesson: "intro.v2", CourseName: "c", LessonName: "intro.v2", Language: "en", Format: "vtt"},
		"uploads/c/intro.pt-br.srt":  {Kind: Captions, Course: "c", Lesson: "intro", CourseName: "c", LessonName: "intro", Language: "pt-BR", Format: "srt"},
		"uploads/c/intro.jpg":        {Kind: Poster, Course: "c", Lesson: "intro", CourseName: "c", LessonName: "intro", Format: "jpg"},
		"uploads/c/intro.json":       {Kind: LessonFile, Course: "c", Lesson: "intro", CourseName: "c", LessonName: "intro", Format: "json"},
		"uploads/c/course.json":      {Kind: CourseFile, Course: "c", CourseName: "c", Format: "json"},
		"uploads/c/Урок.mp4":         {Kind: Film, Course: "c", Lesson: "4c0f70", CourseName: "c", LessonName: "Урок", Format: "mp4"},
	} {
		got, err := ParseUpload(key)
		if strings.Contains(key, "Урок") {
			want.Lesson = got.Lesson // the digits are held by TestSegment
		}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", key, got, err)
		}
	}
	for _, key := range []string{"uploads/", "uploads/c/", "uploads/c/.DS_Store", "uploads/c/._intro.mp4", "uploads/.x/a.mp4", "uploads/c/Thumbs.db", "premium/c/a.mp4", "uploads/../intro.mp4"} {
		if _, err := ParseUpload(key); !errors.Is(err, ErrIgnored) {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, key := range []string{
		"uploads/intro.mp4", "uploads/c/d/intro.mp4", "uploads/c/intro", "uploads/c/intro.avi", "uploads/c/intro.vtt",
		"uploads/c/intro.xx-invalid-tag-.vtt", "uploads/!/intro.mp4", "uploads/c/!.mp4", "uploads/c/course.mp4",
	} {
		var bad *NameError
		if u, err := ParseUpload(key); !errors.As(err, &bad) {
			t.Errorf("%s: %+v, %v", key, u, err)
		}
	}
}

func TestParseLesson(t *testing.T) {
	m, err := ParseLesson([]byte("\ufeff" + `{"title":"Intro","order":2,"free":true,"language":"DE",
		"chapters":[{"start":"1:02:03.5","title":"late"},{"start":90,"title":"second"},{"start":0,"title":"first"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if m.Title != "Intro" || *m.Order != 2 || !*m.Free || m.Draft != nil || m.Language != "de" ||
		m.Chapters[0].Title != "first" || m.Chapters[1].Start != 90 || m.Chapters[2].Start != 3723.5 {
		t.Errorf("%+v", m)
	}
	for name, text := range map[string]string{
		"nothing":                "",
		"a list":                 "[]",
		"an unknown field":       `{"titel":"x"}`,
		"two documents":          `{}{}`,
		"a negative time":        `{"chapters":[{"start":-1,"title":"x"}]}`,
		"seconds above a minute": `{"chapters":[{"start":"1:60","title":"x"}]}`,
		"a chapter of no title":  `{"chapters":[{"start":1}]}`,
		"two at once":            `{"chapters":[{"start":1,"title":"a"},{"start":"0:01","title":"b"}]}`,
		"no language":            `{"language":"klingonish!"}`,
		"a long title":           `{"title":"` + strings.Repeat("x", maxTitle+1) + `"}`,
		"a long file":            `{"title":"` + strings.Repeat("x", MaxMetadata) + `"}`,
	} {
		if m, err := ParseLesson([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, m)
		}
	}
}

func TestParseCourse(t *testing.T) {
	const link = "https://buy.stripe.com/test_abc?prefilled_promo_code=X"
	if m, err := ParseCourse([]byte(`{"title":"Knots","price":"€49","paymentLink":"` + link + `"}`)); err != nil || m.Price != "€49" || m.PaymentLink != link {
		t.Errorf("%+v, %v", m, err)
	}
	for name, text := range map[string]string{
		"http":                   `{"paymentLink":"http://buy.stripe.com/abc"}`,
		"a script":               `{"paymentLink":"javascript:alert(1)"}`,
		"data":                   `{"paymentLink":"data:text/html,x"}`,
		"no host":                `{"paymentLink":"https:///abc"}`,
		"another user":           `{"paymentLink":"https://buy.stripe.com@example.com/abc"}`,
		"a fragment":             `{"paymentLink":"https://buy.stripe.com/abc#x"}`,
		"a space":                `{"paymentLink":"https://buy.stripe.com/a bc"}`,
		"a relative address":     `{"paymentLink":"//buy.stripe.com/abc"}`,
		"a price without a link": `{"price":"€49"}`,
		"a long price":           `{"price":"` + strings.Repeat("9", maxPrice+1) + `","paymentLink":"` + link + `"}`,
		"a price of two lines":   `{"price":"4\n9","paymentLink":"` + link + `"}`,
		"a number":               `{"price":49,"paymentLink":"` + link + `"}`,
	} {
		if m, err := ParseCourse([]byte(text)); err == nil {
			t.Errorf("%s: read as %+v", name, m)
		}
	}
}

func TestSameName(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"Café", " café ", true},
		{"Caf\u00e9", "CAFE\u0301", true}, // as macOS writes it
		{"Café", "Cafe", false},
	} {
		if got := SameName(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %t", tt.a, tt.b, got)
		}
	}
}

func TestSort(t *testing.T) {
	two := 2
	c := Course{Lessons: []Lesson{{Path: "c/lesson-10"}, {Path: "c/lesson-9"}, {Path: "c/lesson-09b"}, {Path: "c/zz", Order: &two}, {Path: "c/a"}}}
	c.Sort()
	var got []string
	for _, l := range c.Lessons {
		got = append(got, l.Path)
	}
	if want := "c/zz c/a c/lesson-9 c/lesson-09b c/lesson-10"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestNewerThan(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := Object{Key: "l.mov", ETag: "a", Sequencer: "0055AED6DCD90281E5", At: at}
	for _, tt := range []struct {
		other *Object
		want  bool
	}{
		{nil, true},
		{&Object{Key: "l.mov", ETag: "a", Sequencer: "0055AED6DCD90281E5"}, false},
		{&Object{Key: "l.mov", Sequencer: "0055AED6DCD90281E4FF"}, true}, // padded on the right
		{&Object{Key: "l.mov", Sequencer: "0055AED6DCD90281E6"}, false},
		// Of another key, the times count; at one time, the key.
		{&Object{Key: "l.mp4", Sequencer: "0055AED6DCD90281E4", At: at.Add(time.Second)}, false},
		{&Object{Key: "l.mp4", Sequencer: "0055AED6DCD90281E6", At: at.Add(-time.Second)}, true},
		{&Object{Key: "l.mp4", At: at}, false},
		{&Object{Key: "l.mkv", At: at}, true},
		// Of one that was found without an event, too.
		{&Object{Key: "l.mov", ETag: "a", At: at.Add(-time.Hour)}, false}, // the same
		{&Object{Key: "l.mov", ETag: "b", At: at}, true},
		{&Object{Key: "l.mov", ETag: "b", At: at.Add(time.Second)}, false},
	} {
		if got := o.NewerThan(tt.other); got != tt.want {
			t.Errorf("than %+v: %t", tt.other, got)
		}
	}
}
