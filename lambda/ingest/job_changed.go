package main

import (
	"context"
	"encoding/json"
	"fmt"

	"premiumhls/internal/catalog"
)

// retried are the job errors that another attempt may fix: S3 writes, times
// out, or anything unexpected (MediaConvert user guide, "Error codes").
var retried = map[int]bool{1517: true, 1522: true, 1999: true}

// maxAttempts is how often a film is encoded before it has failed.
const maxAttempts = 2

// rejected says in a sentence what is wrong with a film, by MediaConvert's
// error code.
var rejected = map[int]string{
	1010: "MediaConvert cannot open the film.", 1056: "MediaConvert cannot open the film.",
	1020: "The film has no video that MediaConvert can read.", 1021: "The film has no sound that MediaConvert can read.",
	1030: "MediaConvert does not support the film's codec or container.",
	1040: "The film does not fit the encoding: its size, frame rate or sound is unusual.",
	1075: "The film is broken or incomplete.", 1076: "The film is broken or incomplete.", 1092: "The film's sound is broken.",
}

// jobChanged handles MediaConvert's Job State Change.
func (h *handler) jobChanged(ctx context.Context, e event) error {
	var detail struct {
		Status       string
		JobID        string `json:"jobId"`
		UserMetadata map[string]string
		ErrorCode    int
		ErrorMessage string
		JobProgress  struct{ JobPercentComplete *int }
	}
	if err := json.Unmarshal(e.Detail, &detail); err != nil {
		return fmt.Errorf("reading event %s: %w", e.ID, err)
	}
	m := detail.UserMetadata
	course, lesson, version := m[metaCourse], m[metaLesson], m[metaVersion]
	if m[metaStack] != h.settings.Stack || course == "" || lesson == "" || version == "" {
		return nil // somebody else's job
	}
	switch detail.Status {
	case "STATUS_UPDATE":
		percent := detail.JobProgress.JobPercentComplete
		if percent == nil {
			return nil
		}
		return h.record(ctx, course, lesson, func(r *catalog.Record) error {
			if !encoding(r, version) || *percent <= r.Job.Percent {
				return errSkip // late
			}
			r.Job.Percent = min(*percent, 100)
			return nil
		})
	case "COMPLETE":
		return h.encoded(ctx, course, lesson, version)
	case "CANCELED":
		return h.fail(ctx, course, lesson, version, "The MediaConvert job was canceled.", "job "+detail.JobID+" was canceled")
	case "ERROR":
		cause := fmt.Sprintf("job %s: error %d: %s", detail.JobID, detail.ErrorCode, detail.ErrorMessage)
		if retried[detail.ErrorCode] {
			again, err := h.again(ctx, course, lesson, version)
			if again || err != nil {
				h.logger.WarnContext(ctx, "encoding again", "path", course+"/"+lesson, "cause", cause)
				return err
			}
		}
		sentence, ok := rejected[detail.ErrorCode]
		if !ok {
			sentence = fmt.Sprintf("MediaConvert failed with error %d. The function's log has its message.", detail.ErrorCode)
		}
		return h.fail(ctx, course, lesson, version, sentence, cause)
	}
	return nil
}

// encoding reports whether a job with this version is under way.
func encoding(r *catalog.Record, version string) bool {
	return r.Job != nil && r.Job.Version == version && r.State == catalog.Encoding
}

// again begins another attempt, unless there were enough.
func (h *handler) again(ctx context.Context, course, lesson, version string) (begun bool, err error) {
	err = h.record(ctx, course, lesson, func(r *catalog.Record) error {
		begun = false
		if r.State == catalog.Encoding && r.Job != nil && r.Job.Replaces == version && r.Job.ID == "" {
			begun = true // the event came before, and the job could not be made
			return h.renew(r)
		}
		if !encoding(r, version) || r.Job.Attempts >= maxAttempts {
			return errSkip
		}
		r.Job, begun = h.newJob(r.Job.Film, r.Job.Attempts), true
		r.Job.Replaces = version
		return nil
	})
	if err != nil || !begun {
		return false, err
	}
	return true, h.begin(ctx, course, lesson)
}

// encoded notes that a job is done, and publishes what it made. A job that is
// not the lesson's newest is ignored: a newer film came meanwhile.
func (h *handler) encoded(ctx context.Context, course, lesson, version string) error {
	err := h.record(ctx, course, lesson, func(r *catalog.Record) error {
		if !encoding(r, version) {
			return errSkip
		}
		r.State, r.Encoded = catalog.Publishing, r.Job
		r.Job.Percent = 100
		return nil
	})
	if err != nil {
		return err
	}
	return h.settle(ctx, course, lesson)
}
