package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
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
	Drafted    State = "draft"      // encoded, and hidden from viewers
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
	Reason string `json:"reason,omitempty"` // a sentence for the owner, when failed or when a job could not begin yet
	// Notes are sentences about what was passed over, such as captions that
	// could not be read.
	Notes []string `json:"notes,omitempty"`
	Job   *Job     `json:"job,omitempty"`

	// Encoded is the newest finished encode while no version has it.
	Encoded  *Job      `json:"encoded,omitempty"`
	Current  *Version  `json:"current,omitempty"`
	Replaced []Version `json:"replaced,omitempty"` // kept for viewers who watch them
	// Withdrawn are folders and files of the bucket that viewers may no longer
	// reach, until they are removed there and at the edge. They are noted with
	// the change that withdraws them, so that a failure in between leaves none.
	Withdrawn []string `json:"withdrawn,omitempty"`
}

// Object returns the lesson's current file of the same kind as an upload, or nil.
func (r *Record) Object(u Upload) *Object {
	switch u.Kind {
	case Film:
		return r.Film
	case Captions:
		if c, ok := r.Captions[u.Language]; ok {
			return &c
		}
	case Poster:
		return r.Poster
	case LessonFile:
		return r.MetaFile
	}
	return nil
}

// An Object is a file that an owner uploaded.
type Object struct {
	Key       string `json:"key"`
	ETag      string `json:"etag"`
	VersionID string `json:"versionId,omitempty"`
	Size      int64  `json:"size"`
	// Sequencer orders the events of one key (S3 user guide, "Event message
	// structure"). It is empty if the object was found without an event.
	Sequencer string `json:"sequencer"`
	// At is the time of the event, in whole seconds, or the time at which the object
	// was found. It orders objects with different keys, such as intro.mov and
	// intro.mp4.
	At time.Time `json:"at,omitzero"`
}

// Same reports whether two objects are one upload.
func (o Object) Same(other Object) bool {
	return o.Key == other.Key && o.ETag == other.ETag &&
		(o.Sequencer == other.Sequencer || o.Sequencer == "" || other.Sequencer == "")
}

// NewerThan reports whether o was uploaded after other. Objects with the same key
// are compared by sequencer: pad the shorter one with zeros on the right, then
// compare strings (S3 user guide). Others are compared by time.
func (o Object) NewerThan(other *Object) bool {
	switch {
	case other == nil:
		return true
	case o.Same(*other):
		return false
	case o.Key != other.Key && o.At.Equal(other.At):
		return o.Key > other.Key // whatever the order of their events
	case o.Key != other.Key || o.Sequencer == "" || other.Sequencer == "":
		return !o.At.Before(other.At)
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

// An Encode is what a job was told to make of a film.
type Encode struct {
	Renditions []string `json:"renditions"` // names, largest first
	HEVC       bool     `json:"hevc,omitempty"`
	FrameRate  float64  `json:"frameRate"`
	Channels   int      `json:"channels"` // of the film's audio; 0: none
	Language   string   `json:"language,omitempty"`
	// Of the pictures for previews: seconds between two, and their size.
	Interval    int `json:"interval"`
	ThumbWidth  int `json:"thumbWidth"`
	ThumbHeight int `json:"thumbHeight"`
}

// A Job is a MediaConvert job for a lesson's film.
type Job struct {
	ID      string `json:"id,omitempty"` // empty while it is being made
	Version string `json:"version"`
	// Replaces is the version of the job that failed, if this is another attempt.
	Replaces string `json:"replaces,omitempty"`
	// Folder is the name of the folder that the segments are published in, if it is
	// not the version's: see Segments.
	Folder   string    `json:"folder,omitempty"`
	Film     Object    `json:"film"`
	Token    string    `json:"token"` // the client request token
	Attempts int       `json:"attempts"`
	Started  time.Time `json:"started"`
	Percent  int       `json:"percent"`
	Encode   Encode    `json:"encode"`
}

// Segments is the name of the folder that the job's segments are published in. If
// a draft was partly copied there, the job gets another folder.
func (j *Job) Segments() string { return cmp.Or(j.Folder, j.Version) }

// A Version is one published state of a lesson. Nothing in its folder ever
// changes, and no other version has its name.
type Version struct {
	ID       string    `json:"id"`
	Job      string    `json:"job"`      // the version of the job that encoded it
	Folder   string    `json:"folder"`   // in the bucket, with a slash at its end
	Segments string    `json:"segments"` // the folder whose segments it names: its own, or an older version's
	Encode   Encode    `json:"encode"`
	Duration float64   `json:"duration"`         // seconds
	Poster   string    `json:"poster,omitempty"` // below the public folder
	Free     bool      `json:"free"`
	Film     Object    `json:"film"`
	Made     time.Time `json:"made"`
	// Inputs is a digest of what the version was made of.
	Inputs   string    `json:"inputs"`
	Replaced time.Time `json:"replacedAt,omitzero"`
}

// CourseRecord is what is known of a course itself.
type CourseRecord struct {
	Name     string         `json:"name"` // as the owner wrote it
	Metadata CourseMetadata `json:"metadata"`
	MetaFile *Object        `json:"metadataFile,omitempty"`
	Note     string         `json:"note,omitempty"` // why course.json is not used
}

// IsDraft reports whether a lesson is hidden: by a command, by its own file, or
// by its course's.
func (r *Record) IsDraft(c CourseMetadata) bool {
	return first(false, r.Draft, r.Metadata.Draft, c.Draft) || r.Draft == nil && c.Draft != nil && *c.Draft
}

// IsFree reports whether a lesson is watched without signing in.
func (r *Record) IsFree(c CourseMetadata) bool { return first(false, r.Free, r.Metadata.Free, c.Free) }

// first returns the first value that is set.
func first(otherwise bool, list ...*bool) bool {
	for _, b := range list {
		if b != nil {
			return *b
		}
	}
	return otherwise
}

// A Problem is an upload that belongs to no lesson, because of its name.
type Problem struct {
	Key    string    `json:"key"`
	Reason string    `json:"reason"` // a sentence for the owner
	At     time.Time `json:"at"`
}

// ProblemPrefix is the folder of the problems, one file each.
const ProblemPrefix = RecordPrefix + "problems/"

// ProblemKey is where the problem with an upload is recorded.
func ProblemKey(upload string) string {
	sum := sha256.Sum256([]byte(upload))
	return ProblemPrefix + hex.EncodeToString(sum[:8]) + ".json"
}

// ParseRecordKey reads the key of a lesson's record.
func ParseRecordKey(key string) (course, lesson string, ok bool) {
	rest, ok := strings.CutPrefix(key, RecordPrefix)
	course, file, slash := strings.Cut(rest, "/")
	lesson, isJSON := strings.CutSuffix(file, ".json")
	if !ok || !slash || !isJSON || course == "problems" || lesson == "course" || lesson == "" || strings.Contains(lesson, "/") {
		return "", "", false
	}
	return course, lesson, true
}
