package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/mediaconvert"

	"premiumhls/internal/catalog"
	"premiumhls/internal/ingestsettings"
)

type converter interface {
	CreateJob(context.Context, *mediaconvert.CreateJobInput, ...func(*mediaconvert.Options)) (*mediaconvert.CreateJobOutput, error)
	Probe(context.Context, *mediaconvert.ProbeInput, ...func(*mediaconvert.Options)) (*mediaconvert.ProbeOutput, error)
}

type invalidator interface {
	CreateInvalidation(context.Context, *cloudfront.CreateInvalidationInput, ...func(*cloudfront.Options)) (*cloudfront.CreateInvalidationOutput, error)
}

type handler struct {
	settings ingestsettings.Document
	bucket   bucket
	convert  converter
	edge     invalidator
	logger   *slog.Logger
	now      func() time.Time
	pause    time.Duration // invalidationPause, or a test's
}

// An event is what the function is invoked with: an event of EventBridge, or a
// command of the owner's.
type event struct {
	ID         string          `json:"id"`
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       time.Time       `json:"time"`
	Detail     json.RawMessage `json:"detail"`

	Command string `json:"command"`
	Path    string `json:"path"` // COURSE/LESSON, or the key of a file
}

// A reply is the response to a command.
type reply struct {
	State  catalog.State `json:"state"`
	Reason string        `json:"reason,omitempty"`
}

// handle does what an event asks for. An error has Lambda, and then
// EventBridge, deliver it again, and keeps it in the dead-letter queue at the
// end; whatever no repetition can fix is recorded instead.
func (h *handler) handle(ctx context.Context, e event) (any, error) {
	switch {
	case e.Command != "":
		return h.command(ctx, e)
	case e.Source == "aws.s3" && e.DetailType == "Object Created":
		return nil, h.uploaded(ctx, e)
	case e.Source == "aws.mediaconvert":
		return nil, h.jobChanged(ctx, e)
	case e.DetailType == "Scheduled Event":
		return nil, h.tidy(ctx)
	}
	return nil, fmt.Errorf("event %s of %q from %q: not supported", e.ID, e.DetailType, e.Source)
}

// uploaded handles S3's Object Created.
func (h *handler) uploaded(ctx context.Context, e event) error {
	var detail struct {
		Bucket struct{ Name string }
		Object struct {
			Key       string // as it is: EventBridge does not encode it
			Size      int64
			ETag      string
			VersionID string `json:"version-id"`
			Sequencer string
		}
	}
	if err := json.Unmarshal(e.Detail, &detail); err != nil {
		return fmt.Errorf("reading event %s: %w", e.ID, err)
	}
	o := detail.Object
	if detail.Bucket.Name != h.settings.Bucket {
		return fmt.Errorf("event %s: bucket %q is not %q", e.ID, detail.Bucket.Name, h.settings.Bucket)
	}
	return h.receive(ctx, catalog.Object{Key: o.Key, ETag: o.ETag, VersionID: o.VersionID, Size: o.Size, Sequencer: o.Sequencer, At: e.Time})
}

// The errors of an event about a file that was deleted or replaced meanwhile.
var (
	errFileGone = errors.New("the file is no longer in the bucket")
	errReplaced = errors.New("the file has been replaced")
)

// receive records an upload and does what follows from it.
func (h *handler) receive(ctx context.Context, o catalog.Object) error {
	upload, err := catalog.ParseUpload(o.Key)
	if errors.Is(err, catalog.ErrIgnored) {
		return nil
	}
	if err == nil {
		err = h.receiveUpload(ctx, upload, o)
	}
	if errors.Is(err, errFileGone) {
		h.logger.InfoContext(ctx, "upload was deleted before it was read", "key", o.Key)
		return nil
	}
	if bad, ok := errors.AsType[*catalog.NameError](err); ok {
		return h.problem(ctx, o.Key, bad.Error())
	}
	if err != nil {
		return err
	}
	return h.bucket.remove(ctx, catalog.ProblemKey(o.Key)) // of an earlier upload
}

func (h *handler) receiveUpload(ctx context.Context, u catalog.Upload, o catalog.Object) error {
	if err := h.nameCourse(ctx, u); err != nil {
		return err
	}
	switch u.Kind {
	case catalog.CourseFile:
		return h.receiveCourse(ctx, u, o)
	case catalog.Film:
		return h.receiveFilm(ctx, u, o)
	default:
		return h.receiveBeside(ctx, u, o)
	}
}

// nameCourse notes which name a course has, and refuses a second name that
// would become the same path.
func (h *handler) nameCourse(ctx context.Context, u catalog.Upload) error {
	return update(ctx, h.bucket, catalog.CourseRecordKey(u.Course), "", func(c *catalog.CourseRecord) error {
		switch {
		case c.Name == "":
			c.Name = u.CourseName
			return nil
		case !catalog.SameName(c.Name, u.CourseName):
			return &catalog.NameError{Name: u.CourseName, Why: fmt.Sprintf("becomes the same address as the course %q: %s", c.Name, u.Course)}
		}
		return errSkip
	})
}

// name notes which name a lesson has, and refuses a second one.
func name(r *catalog.Record, u catalog.Upload) error {
	if r.LessonName == "" {
		r.CourseName, r.LessonName = u.CourseName, u.LessonName
		return nil
	}
	if !catalog.SameName(r.LessonName, u.LessonName) {
		return &catalog.NameError{Name: u.LessonName, Why: fmt.Sprintf("becomes the same address as the lesson %q: %s", r.LessonName, u.Path())}
	}
	return nil
}

// receiveFilm begins an encode.
func (h *handler) receiveFilm(ctx context.Context, u catalog.Upload, o catalog.Object) error {
	begin := false
	err := h.record(ctx, u.Course, u.Lesson, func(r *catalog.Record) error {
		begin = false
		if err := name(r, u); err != nil {
			return err
		}
		if r.Film != nil && o.Same(*r.Film) {
			// The event came before. If the job was not made, make it now.
			begin = r.State == catalog.Encoding && r.Job != nil && r.Job.ID == ""
			if !begin {
				return errSkip
			}
			return h.renew(r)
		}
		if !o.NewerThan(r.Film) {
			return errSkip // an older film, whose event is late
		}
		r.Film, r.State, r.Reason = &o, catalog.Encoding, ""
		r.Job, begin = h.newJob(o, 0), true
		return nil
	})
	if err != nil || !begin {
		return err
	}
	return h.begin(ctx, u.Course, u.Lesson)
}

// tokenLife is how long MediaConvert makes one job of two requests with one
// token (MediaConvert user guide, "Preventing duplicate jobs": a minute), with
// a margin: after it a repeated request is another job, and writes elsewhere.
const tokenLife = 50 * time.Second

// newJob is a job that writes to a folder of its own.
func (h *handler) newJob(film catalog.Object, attempts int) *catalog.Job {
	return &catalog.Job{Version: h.newVersion(), Film: film, Token: randomHex(16), Attempts: attempts + 1, Started: h.now().UTC()}
}

// renew replaces a job that may or may not have been created, after its client
// request token has expired. The new job counts as the same attempt.
func (h *handler) renew(r *catalog.Record) error {
	if h.now().Sub(r.Job.Started) < tokenLife {
		return errSkip
	}
	job := h.newJob(r.Job.Film, r.Job.Attempts-1)
	job.Replaces = r.Job.Replaces
	r.Job = job
	return nil
}

// newVersion is a name that no version had or will have. It begins with the
// time, so that versions sort.
func (h *handler) newVersion() string {
	return "v" + h.now().UTC().Format("20060102150405") + "-" + randomHex(4)
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// begin looks at the film and makes the job that the record announces.
func (h *handler) begin(ctx context.Context, course, lesson string) error {
	r, err := h.read(ctx, course, lesson)
	if err != nil {
		return err
	}
	if r.State != catalog.Encoding || r.Job == nil || r.Job.ID != "" {
		return nil // another invocation did it
	}
	version := r.Job.Version
	format := strings.ToLower(r.Film.Key[strings.LastIndexByte(r.Film.Key, '.')+1:])
	s, err := h.describe(ctx, *r.Film, format)
	if errors.Is(err, errFileGone) && r.Current == nil && r.Poster == nil && r.MetaFile == nil && len(r.Captions) == 0 {
		return errors.Join(h.bucket.remove(ctx, catalog.RecordKey(course, lesson)), err) // nothing is known of the lesson
	}
	if errors.Is(err, errReplaced) {
		h.logger.InfoContext(ctx, "film was replaced before it was read", "key", r.Film.Key)
		return nil // the new one's event follows
	}
	if errors.Is(err, errFileGone) {
		err = unusable("The film is no longer in the bucket: upload it again.")
	}
	if bad, ok := errors.AsType[*errUnusable](err); ok {
		return h.fail(ctx, course, lesson, version, bad.sentence, bad.sentence)
	}
	if err != nil {
		return err
	}
	p := s.pictures()
	r.Job.Encode = catalog.Encode{
		HEVC: h.settings.HEVC, FrameRate: s.frameRate().float(), Channels: s.Channels, Language: r.Metadata.Language,
		Interval: p.Interval, ThumbWidth: p.ThumbWidth, ThumbHeight: p.ThumbHeight,
	}
	for _, rendition := range s.ladder(h.settings.TopRendition) {
		r.Job.Encode.Renditions = append(r.Job.Encode.Renditions, rendition.Name)
	}
	// The job's events need this even if the invocation ends before the job's id
	// is recorded.
	err = h.record(ctx, course, lesson, func(now *catalog.Record) error {
		if !encoding(now, version) {
			return errSkip
		}
		now.Job.Encode = r.Job.Encode
		return nil
	})
	if err != nil {
		return err
	}
	out, err := h.convert.CreateJob(ctx, h.job(&r, s))
	if rejected, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok && rejected.HTTPStatusCode() == 400 {
		return h.fail(ctx, course, lesson, version, "MediaConvert rejected the job. The function's log has its reason.", err.Error())
	}
	if err != nil {
		err = fmt.Errorf("making a MediaConvert job for %s/%s: %w", course, lesson, err)
		code := cmp.Or(code(err), "no response")
		return errors.Join(err, h.record(ctx, course, lesson, func(now *catalog.Record) error {
			if !encoding(now, version) {
				return errSkip
			}
			now.Reason = "MediaConvert did not accept the job (" + code + "). It is retried for a few minutes; after that, run premium retry."
			return nil
		}))
	}
	h.logger.InfoContext(ctx, "encoding", "path", course+"/"+lesson, "version", version, "job", *out.Job.Id, "renditions", r.Job.Encode.Renditions)
	return h.record(ctx, course, lesson, func(now *catalog.Record) error {
		if now.Job == nil || now.Job.Version != version {
			return errSkip // a newer film came meanwhile
		}
		now.Job.ID, now.Reason = *out.Job.Id, ""
		return nil
	})
}

// fail records that a film cannot be published, and why. What played before
// plays on.
func (h *handler) fail(ctx context.Context, course, lesson, version, sentence, cause string) error {
	h.logger.ErrorContext(ctx, "lesson failed", "path", course+"/"+lesson, "version", version, "cause", cause)
	return h.record(ctx, course, lesson, func(r *catalog.Record) error {
		if r.Job == nil || r.Job.Version != version || r.State == catalog.Playing {
			return errSkip
		}
		r.State, r.Reason = catalog.Failed, sentence
		return nil
	})
}

// problem records an upload that belongs to no lesson.
func (h *handler) problem(ctx context.Context, key, reason string) error {
	h.logger.ErrorContext(ctx, "upload refused", "key", key, "cause", reason)
	text, err := json.MarshalIndent(catalog.Problem{Key: key, Reason: reason, At: h.now().UTC()}, "", "\t")
	if err != nil {
		return err
	}
	return h.bucket.put(ctx, catalog.ProblemKey(key), text, "", writeCondition{})
}

// receiveBeside records captions, a poster or metadata, and publishes the lesson
// again.
func (h *handler) receiveBeside(ctx context.Context, u catalog.Upload, o catalog.Object) error {
	var metadata catalog.LessonMetadata
	note := ""
	switch u.Kind {
	case catalog.Captions:
		if _, err := h.readCaptions(ctx, o, u.Format); errors.Is(err, errMissing) {
			return errFileGone
		} else if err != nil {
			if note = sentenceOf(err); note == "" {
				return err
			}
			note = fmt.Sprintf("The captions %s are not used. %s", o.Key, note)
		}
	case catalog.Poster:
		if _, err := h.readPoster(ctx, o); errors.Is(err, errMissing) {
			return errFileGone
		} else if err != nil {
			if note = sentenceOf(err); note == "" {
				return err
			}
			note = fmt.Sprintf("The poster %s is not used. %s", o.Key, note)
		}
	case catalog.LessonFile:
		content, _, err := h.bucket.get(ctx, o.Key, catalog.MaxMetadata)
		if errors.Is(err, errMissing) {
			return errFileGone
		}
		if err == nil {
			if metadata, err = catalog.ParseLesson(content); err != nil {
				err = unusable("%v.", err)
			}
		}
		if err != nil {
			if note = sentenceOf(err); note == "" {
				return err
			}
			note = fmt.Sprintf("The file %s is not used. %s", o.Key, note)
		}
	}
	if note != "" {
		h.logger.ErrorContext(ctx, "file refused", "key", o.Key, "cause", note)
	}
	err := h.record(ctx, u.Course, u.Lesson, func(r *catalog.Record) error {
		if err := name(r, u); err != nil {
			return err
		}
		if !o.NewerThan(r.Object(u)) {
			return errSkip
		}
		r.Notes = without(r.Notes, o.Key)
		if note != "" {
			r.Notes = append(r.Notes, note)
			return nil
		}
		switch u.Kind {
		case catalog.Captions:
			if r.Captions == nil {
				r.Captions = map[string]catalog.Object{}
			}
			r.Captions[u.Language] = o
		case catalog.Poster:
			r.Poster = &o
		case catalog.LessonFile:
			r.MetaFile, r.Metadata = &o, metadata
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.settle(ctx, u.Course, u.Lesson)
}

// without removes the notes about a file.
func without(notes []string, key string) (kept []string) {
	for _, n := range notes {
		if !strings.Contains(n, " "+key+" ") {
			kept = append(kept, n)
		}
	}
	return kept
}

// sentenceOf is what to tell the owner of an error, or empty if it is none of
// theirs.
func sentenceOf(err error) string {
	if bad, ok := errors.AsType[*errUnusable](err); ok {
		return bad.sentence
	}
	return ""
}

// receiveCourse records course.json, and publishes every lesson that it
// changes.
func (h *handler) receiveCourse(ctx context.Context, u catalog.Upload, o catalog.Object) error {
	var metadata catalog.CourseMetadata
	note := ""
	content, _, err := h.bucket.get(ctx, o.Key, catalog.MaxMetadata)
	if errors.Is(err, errMissing) {
		return errFileGone
	}
	if err == nil {
		if metadata, err = catalog.ParseCourse(content); err != nil {
			err = unusable("%v.", err)
		}
	}
	if err != nil {
		if note = sentenceOf(err); note == "" {
			return err
		}
		note = fmt.Sprintf("The file %s is not used. %s", o.Key, note)
		h.logger.ErrorContext(ctx, "file refused", "key", o.Key, "cause", note)
	}
	err = update(ctx, h.bucket, catalog.CourseRecordKey(u.Course), "", func(c *catalog.CourseRecord) error {
		if !o.NewerThan(c.MetaFile) {
			return errSkip
		}
		c.Note = note
		if note == "" {
			c.MetaFile, c.Metadata = &o, metadata
		}
		return nil
	})
	if err != nil || note != "" {
		return err
	}
	return h.settleCourse(ctx, u.Course)
}
