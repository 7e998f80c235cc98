package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LessonMetadata is LESSON.json, which an owner writes. Every field may be
// missing.
type LessonMetadata struct {
	Title       string    `json:"title,omitempty"`
	Description string    `json:"description,omitempty"`
	Order       *int      `json:"order,omitempty"` // in the course, smallest first
	Chapters    []Chapter `json:"chapters,omitempty"`
	Free        *bool     `json:"free,omitempty"`     // watched without signing in
	Draft       *bool     `json:"draft,omitempty"`    // hidden from viewers
	Language    string    `json:"language,omitempty"` // of the audio: a BCP 47 tag
}

// A Chapter begins at a time of the film.
type Chapter struct {
	Start Seconds `json:"start"`
	Title string  `json:"title"`
}

// CourseMetadata is course.json, which an owner writes.
type CourseMetadata struct {
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Order       *int   `json:"order,omitempty"`
	Free        *bool  `json:"free,omitempty"`  // of lessons that do not say
	Draft       *bool  `json:"draft,omitempty"` // hides the course with all its lessons
	// Price is what the page shows on the button with which viewers buy the
	// course, such as "€49", and PaymentLink where that leads: an https address,
	// such as a payment link of Stripe's.
	Price       string `json:"price,omitempty"`
	PaymentLink string `json:"paymentLink,omitempty"`
}

// Seconds is a time of a film. In JSON it is a number of seconds or a text such
// as "1:30" or "1:02:03.5".
type Seconds float64

func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s), 'f', -1, 64), nil
}

func (s *Seconds) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		text = string(data)
	}
	sum := 0.0
	parts := strings.Split(text, ":")
	for i, part := range parts {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil || n < 0 || math.IsInf(n, 0) || math.IsNaN(n) || i > 0 && n >= 60 || len(parts) > 3 || i < len(parts)-1 && n != math.Trunc(n) {
			return fmt.Errorf("invalid time %s: must be seconds such as 90.5, or a text such as \"1:30\"", data)
		}
		sum = sum*60 + n
	}
	*s = Seconds(sum)
	return nil
}

// The longest texts that are published, in characters.
const (
	maxTitle       = 200
	maxDescription = 5000
	maxChapters    = 500
	maxPrice       = 40
	maxLink        = 1000
	// MaxMetadata is the largest metadata file that is read, in bytes.
	MaxMetadata = 256 << 10
)

// ParseLesson reads LESSON.json.
func ParseLesson(data []byte) (LessonMetadata, error) {
	var m LessonMetadata
	if err := decode(data, &m); err != nil {
		return LessonMetadata{}, err
	}
	if err := checkTexts(m.Title, m.Description); err != nil {
		return LessonMetadata{}, err
	}
	if m.Language != "" {
		tag, ok := languageTag(m.Language)
		if !ok {
			return LessonMetadata{}, fmt.Errorf("language: invalid value %q: must be a BCP 47 tag such as en or pt-BR", m.Language)
		}
		m.Language = tag
	}
	if len(m.Chapters) > maxChapters {
		return LessonMetadata{}, fmt.Errorf("chapters: %d are too many: at most %d", len(m.Chapters), maxChapters)
	}
	for i, c := range m.Chapters {
		if strings.TrimSpace(c.Title) == "" || utf8.RuneCountInString(c.Title) > maxTitle {
			return LessonMetadata{}, fmt.Errorf("chapters: chapter %d needs a title of 1 to %d characters", i+1, maxTitle)
		}
	}
	slices.SortStableFunc(m.Chapters, func(a, b Chapter) int { return int(math.Copysign(1, float64(a.Start-b.Start))) })
	for i := 1; i < len(m.Chapters); i++ {
		if m.Chapters[i].Start == m.Chapters[i-1].Start {
			return LessonMetadata{}, fmt.Errorf("chapters: %q and %q begin at the same time", m.Chapters[i-1].Title, m.Chapters[i].Title)
		}
	}
	return m, nil
}

// ParseCourse reads course.json.
func ParseCourse(data []byte) (CourseMetadata, error) {
	var m CourseMetadata
	if err := decode(data, &m); err != nil {
		return CourseMetadata{}, err
	}
	if err := checkTexts(m.Title, m.Description); err != nil {
		return CourseMetadata{}, err
	}
	return m, checkSale(m.Price, m.PaymentLink)
}

// checkSale checks a price and where to pay it. A viewer's browser goes there.
func checkSale(price, link string) error {
	if n := utf8.RuneCountInString(price); n > maxPrice || strings.ContainsFunc(price, unicode.IsControl) {
		return fmt.Errorf("price: invalid value %q: must be a text of at most %d characters, such as \"€49\"", price, maxPrice)
	}
	if link == "" {
		if price != "" {
			return errors.New("price: needs paymentLink, where the course can be bought")
		}
		return nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(link) > maxLink || strings.ContainsFunc(link, unicode.IsSpace) {
		return fmt.Errorf("paymentLink: invalid value %q: must be an https address such as https://buy.stripe.com/abc, without a user and a fragment", link)
	}
	return nil
}

func checkTexts(title, description string) error {
	if n := utf8.RuneCountInString(title); n > maxTitle {
		return fmt.Errorf("title: %d characters are too long: at most %d", n, maxTitle)
	}
	if n := utf8.RuneCountInString(description); n > maxDescription {
		return fmt.Errorf("description: %d characters are too long: at most %d", n, maxDescription)
	}
	return nil
}

// decode reads one JSON document whose fields are all known, so that a
// misspelled one is not silently without effect. Editors on Windows begin a
// file with a byte order mark.
func decode(data []byte, into any) error {
	if len(data) > MaxMetadata {
		return fmt.Errorf("%d bytes are too large: at most %d", len(data), MaxMetadata)
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("invalid JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("invalid JSON: more follows the document")
	}
	return nil
}
