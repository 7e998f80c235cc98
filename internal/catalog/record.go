package catalog

import (
	"time"
)

// RecordKey is where the record of a lesson stands.
func RecordKey(course, lesson string) string { return RecordPrefix + course + "/" + lesson + ".json" }

// CourseRecordKey is where a course's own metadata are recorded. No lesson has
// the name: the segment "course" is reserved.
func CourseRecordKey(course string) string { return RecordPrefix + course + "/course.json" }

// RecordPrefix is the folder of the records.
const RecordPrefix = "ingest/"

// A State is what has become of a lesson's newest film.
type State string

const (
	Waiting    State = "waiting"    // there is no film yet, only what lies beside it
	Encoding   State = "encoding"   // MediaConvert works on it
	Publishing State = "publishing" // encoded, and being laid out
	Playing    State = "playing"    // published
	Failed     State = "failed"     // see Reason; the version before plays on
	Removed    State = "removed"
)

// A Record is everything known about a lesson. It is written with S3's
// conditional writes, so that events that come at once lose nothing.
type Record struct {
	Course     string `json:"course"`
	Lesson     string `json:"lesson"`
	CourseName string `json:"courseName"` // as the owner wrote them
	LessonName string `json:"lessonName"`

	Film     *Object           `json:"film,omitempty"`
	Captions map[string]Object `json:"captions,omitempty"` // by language
	Poster   *Object           `json:"poster,omitempty"`
	Metadata LessonMetadata    `json:"metadata"`
	MetaFile *Object           `json:"metadataFile,omitempty"`
	// Draft and Free are set by a command and win over the metadata files.
	Draft *bool `json:"draft,omitempty"`
	Free  *bool `json:"free,omitempty"`

	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"` // a sentence for the owner, when failed
	// Notes are sentences about what was passed over, such as captions that
	// could not be read.
	Notes []string `json:"notes,omitempty"`
	Job   *Job     `json:"job,omitempty"`

	Current  *Version  `json:"current,omitempty"`
	Replaced []Version `json:"replaced,omitempty"` // kept for viewers who watch them

	// Handled are the newest events, by id, so that a repeated one changes
	// nothing.
	Handled []string `json:"handled,omitempty"`
}

// An Object is a file that an owner uploaded.
type Object struct {
	Key       string `json:"key"`
	ETag      string `json:"etag"`
	VersionID string `json:"versionId,omitempty"`
	Size      int64  `json:"size"`
	// Sequencer orders the events of one key (S3 user guide, "Event message
	// structure").
	Sequencer string `json:"sequencer"`
}

// NewerThan reports whether o was written after other, an object of the same
// key. S3 says to pad the shorter sequencer with zeros at its right and to
// compare them as strings.
func (o Object) NewerThan(other *Object) bool {
	if other == nil {
		return true
	}
	a, b := o.Sequencer, other.Sequencer
	for len(a) < len(b) {
		a += "0"
	}
	for len(b) < len(a) {
		b += "0"
	}
	return a > b
}

// A Job is a MediaConvert job for a lesson's film.
type Job struct {
	ID       string    `json:"id,omitempty"` // empty while it is being made
	Version  string    `json:"version"`
	Film     Object    `json:"film"`
	Token    string    `json:"token"` // the client request token
	Attempts int       `json:"attempts"`
	Started  time.Time `json:"started"`
	Percent  int       `json:"percent"`
	Free     bool      `json:"free"`
}

// A Version is one published state of a lesson. Nothing in its folder ever
// changes.
type Version struct {
	ID       string    `json:"id"`
	Folder   string    `json:"folder"` // in the bucket, with a slash at its end
	Encode   string    `json:"encode"` // the folder whose segments it names
	Playlist string    `json:"playlist"`
	Duration float64   `json:"duration"`         // seconds
	Poster   string    `json:"poster,omitempty"` // key below the public folder
	Free     bool      `json:"free"`
	Film     Object    `json:"film"`
	Made     time.Time `json:"made"`
	Replaced time.Time `json:"replacedAt,omitzero"`
}
