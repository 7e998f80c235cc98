package catalog

import (
	"cmp"
	"encoding/json"
	"slices"
)

// The keys of what the page reads, below the bucket's public folder and, for
// LessonKey, below a lesson's own folder.
const (
	IndexName  = "catalog.json"
	CourseDir  = "catalog/"
	LessonName = "lesson.json"
	// PlaylistName is the multivariant playlist in a version's folder.
	PlaylistName = "main.m3u8"
)

// Folders below the bucket's public folder.
const (
	FreeFolder    = "videos/" // free lessons
	PostersFolder = "posters/"
)

// EncodedPrefix is the folder that MediaConvert writes to. CloudFront does not
// reach it, so nothing can be watched before it is whole, and a draft stays
// there.
const EncodedPrefix = "encoded/"

// An Index is public/catalog.json: every course that is not a draft.
type Index struct {
	Courses []CourseSummary `json:"courses"`
	// Videos are those that an owner lists by hand.
	Videos json.RawMessage `json:"videos,omitempty"`
}

// A CourseSummary is a course as the list of courses shows it.
type CourseSummary struct {
	Path        string  `json:"path"` // its segment, which is also what a grant names
	Title       string  `json:"title"`
	Description string  `json:"description,omitempty"`
	Order       *int    `json:"order,omitempty"`
	Lessons     int     `json:"lessons"`
	Duration    float64 `json:"duration"` // seconds
	Poster      string  `json:"poster,omitempty"`
	Free        bool    `json:"free,omitempty"` // every lesson is
	Price       string  `json:"price,omitempty"`
	PaymentLink string  `json:"paymentLink,omitempty"` // where it can be bought
}

// A Course is public/catalog/COURSE.json. Of a premium lesson it has the
// title, duration and poster, and nothing else.
type Course struct {
	Path        string   `json:"path"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Lessons     []Lesson `json:"lessons"`
}

// A Lesson is one of a course's lessons.
type Lesson struct {
	Path        string  `json:"path"` // COURSE/LESSON
	Title       string  `json:"title"`
	Description string  `json:"description,omitempty"` // of a free lesson
	Order       *int    `json:"order,omitempty"`
	Duration    float64 `json:"duration"` // seconds
	Poster      string  `json:"poster,omitempty"`
	Free        bool    `json:"free,omitempty"`
	// Details is the address of the lesson's [Details], below the site's root.
	// For a premium lesson it opens with cookies only.
	Details string `json:"details"`
}

// Details are lesson.json: what an entitled viewer needs to play. Its
// addresses are relative to the file's own folder.
type Details struct {
	Path        string    `json:"path"`
	Version     string    `json:"version"`
	Playlist    string    `json:"playlist"`
	Description string    `json:"description,omitempty"`
	Duration    float64   `json:"duration"`
	Storyboard  string    `json:"storyboard,omitempty"` // a WebVTT index of pictures
	Chapters    []Chapter `json:"chapters,omitempty"`
	// Captions are in the playlist; here for players that read none from it.
	Captions []CaptionTrack `json:"captions,omitempty"`
}

// A CaptionTrack is a language of captions.
type CaptionTrack struct {
	Language string `json:"language"`
	Name     string `json:"name"`
	Playlist string `json:"playlist"`
}

// Sort orders courses: those with an order first, then by title.
func (i *Index) Sort() {
	slices.SortStableFunc(i.Courses, func(a, b CourseSummary) int {
		return cmp.Or(compareOrder(a.Order, b.Order), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Path, b.Path))
	})
}

// Sort orders lessons: those with an order first, then as the numbers in their
// names say, so that lesson 10 follows lesson 9.
func (c *Course) Sort() {
	slices.SortStableFunc(c.Lessons, func(a, b Lesson) int {
		return cmp.Or(compareOrder(a.Order, b.Order), compareNatural(a.Path, b.Path))
	})
}

// compareOrder puts what has an order before what has none.
func compareOrder(a, b *int) int {
	switch {
	case a != nil && b != nil:
		return cmp.Compare(*a, *b)
	case a != nil:
		return -1
	case b != nil:
		return 1
	}
	return 0
}

// compareNatural compares texts with the numbers in them by value.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == 0 || y == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		m, n := trimZeros(a[:x]), trimZeros(b[:y])
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
			return c
		}
		a, b = a[x:], b[y:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) (n int) {
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}
