package catalog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MaxSegment is the longest path segment, in bytes.
const MaxSegment = 64

// reserved cannot name a course or lesson: the names have a meaning in URLs or
// in the bucket.
var reserved = []string{"link", "lesson.json", "course", "problems"}

// A NameError is a name that cannot be published. Its text is a sentence for
// the owner.
type NameError struct {
	Name string
	Why  string
}

func (e *NameError) Error() string { return fmt.Sprintf("The name %q %s.", e.Name, e.Why) }

// Segment returns the path segment for a name that an owner gave a course or a
// lesson:
//
//   - accents are dropped, and letters are in lower case: "Café" is cafe;
//   - every run of characters other than a-z, 0-9, ".", "_" and "~" becomes one
//     "-", and none is left at either end: "Lesson 1: Intro" is lesson-1-intro;
//   - if letters or digits were lost, six hexadecimal digits of the name's
//     SHA-256 follow, so that names in other scripts stay apart: "Урок 1" is
//     1-c4f2d9 or the like;
//   - it has at most [MaxSegment] bytes; a longer one is cut and gets the six
//     digits, too.
//
// The same name always gives the same segment. The error is a [*NameError].
func Segment(name string) (string, error) {
	composed := norm.NFC.String(strings.TrimSpace(name))
	if composed == "" {
		return "", &NameError{name, "is empty"}
	}
	var b strings.Builder
	lost, gap := false, false
	for _, r := range norm.NFKD.String(composed) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		r = unicode.ToLower(r)
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '.', r == '_', r == '~':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		default:
			lost = lost || unicode.IsLetter(r) || unicode.IsDigit(r)
			gap = true
		}
	}
	segment := strings.Trim(b.String(), "-.")
	if lost || len(segment) > MaxSegment {
		sum := sha256.Sum256([]byte(composed))
		digits := fmt.Sprintf("%x", sum[:3])
		segment = strings.TrimRight(segment[:min(len(segment), MaxSegment-len(digits)-1)], "-.")
		segment = strings.TrimPrefix(segment+"-"+digits, "-")
	}
	switch {
	case strings.Trim(segment, "-.") == "":
		return "", &NameError{name, "has no letter or digit"}
	case slices.Contains(reserved, segment):
		return "", &NameError{name, "is reserved: choose another"}
	}
	return segment, nil
}

// SameName reports whether two names are equal, ignoring case and Unicode
// normalization: macOS writes accents in file names as separate characters.
func SameName(a, b string) bool {
	return strings.EqualFold(norm.NFC.String(strings.TrimSpace(a)), norm.NFC.String(strings.TrimSpace(b)))
}

// A Kind is what a file below uploads/ is.
type Kind int

const (
	Film Kind = iota
	Captions
	Poster
	LessonFile // LESSON.json
	CourseFile // course.json
)

// An Upload is a file below uploads/, by its key.
type Upload struct {
	Kind       Kind
	Course     string // path segment
	Lesson     string // path segment; empty for a CourseFile
	CourseName string // as the owner wrote it
	LessonName string
	Language   string // of captions: a BCP 47 tag
	Format     string // the extension in lower case, without the dot
}

// Path is COURSE/LESSON, or COURSE for a course's own file.
func (u Upload) Path() string {
	if u.Lesson == "" {
		return u.Course
	}
	return u.Course + "/" + u.Lesson
}

// ErrIgnored reports a file that computers leave behind, such as .DS_Store.
var ErrIgnored = errors.New("not an upload: a hidden file or a folder marker")

// MaxBeside is the largest file beside a film that is read, in bytes.
const MaxBeside = 10 << 20

var kinds = map[string]Kind{
	"mp4": Film, "mov": Film, "mkv": Film, "webm": Film,
	"vtt": Captions, "srt": Captions,
	"jpg": Poster, "jpeg": Poster,
	"json": LessonFile,
}

// Prefix is the folder of the bucket that owners upload to. CloudFront does
// not reach it.
const Prefix = "uploads/"

// ParseUpload reads the key of an object: uploads/COURSE/LESSON.mp4 (or .mov,
// .mkv, .webm), beside it LESSON.TAG.vtt or .srt with a language tag,
// LESSON.jpg, LESSON.json and course.json. The error is [ErrIgnored] or a
// [*NameError].
func ParseUpload(key string) (Upload, error) {
	rest, ok := strings.CutPrefix(key, Prefix)
	if !ok {
		return Upload{}, ErrIgnored
	}
	courseName, file, ok := strings.Cut(rest, "/")
	base := file[strings.LastIndexByte(file, '/')+1:]
	if base == "" && (!ok || file == "" || strings.HasSuffix(file, "/")) && (courseName == "" || ok) {
		return Upload{}, ErrIgnored
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(courseName, ".") || strings.EqualFold(base, "thumbs.db") || strings.EqualFold(base, "desktop.ini") {
		return Upload{}, ErrIgnored
	}
	switch {
	case !ok:
		return Upload{}, &NameError{courseName, "is not in a course: put it in a folder, uploads/COURSE/" + courseName}
	case strings.Contains(file, "/"):
		return Upload{}, &NameError{rest, "is too deep: a course has no folders in it"}
	}
	u := Upload{CourseName: courseName}
	var err error
	if u.Course, err = Segment(courseName); err != nil {
		return Upload{}, err
	}
	dot := strings.LastIndexByte(file, '.')
	if dot <= 0 {
		return Upload{}, &NameError{file, "has no extension: films are .mp4, .mov, .mkv or .webm"}
	}
	u.LessonName, u.Format = file[:dot], strings.ToLower(file[dot+1:])
	if u.Kind, ok = kinds[u.Format]; !ok {
		return Upload{}, &NameError{file, "has an unknown extension: films are .mp4, .mov, .mkv or .webm, captions .vtt or .srt, posters .jpg, metadata .json"}
	}
	if strings.EqualFold(file, "course.json") {
		u.Kind, u.LessonName = CourseFile, ""
		return u, nil
	}
	if u.Kind == Captions {
		dot := strings.LastIndexByte(u.LessonName, '.')
		if dot <= 0 {
			return Upload{}, &NameError{file, "names no language: captions are LESSON.LANGUAGE." + u.Format + ", such as intro.en." + u.Format}
		}
		tag := u.LessonName[dot+1:]
		if u.Language, ok = languageTag(tag); !ok {
			return Upload{}, &NameError{file, fmt.Sprintf("has the language %q, which is not a BCP 47 tag such as en, pt-BR or zh-Hant", tag)}
		}
		u.LessonName = u.LessonName[:dot]
	}
	u.Lesson, err = Segment(u.LessonName)
	return u, err
}

// IsSegment reports whether a text is the segment of some name.
func IsSegment(text string) bool {
	s, err := Segment(text)
	return err == nil && s == text
}
