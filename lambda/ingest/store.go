package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"premiumhls/internal/catalog"
)

const maxRecord = 4 << 20 // bytes

// errSkip ends an update without a write.
var errSkip = errors.New("nothing to change")

// update reads a JSON document, lets change change it, and writes it if nobody
// else has done so meanwhile; if somebody has, it begins again. A document that
// does not exist is its zero value. change returns errSkip to leave it as it is.
// It may run several times; the last run is the one that was written or skipped.
func update[T any](ctx context.Context, b bucket, key, cache string, change func(*T) error) error {
	var sent []byte
	for attempt := 0; ; attempt++ {
		var document T
		on := writeCondition{create: true}
		content, etag, err := b.get(ctx, key, maxRecord)
		switch {
		case errors.Is(err, errMissing):
		case err != nil:
			return err
		case bytes.Equal(content, sent):
			// The write before was carried out, and its response was lost: the
			// SDK sent it again, and its own condition no longer held.
			return nil
		default:
			if err := json.Unmarshal(content, &document); err != nil {
				return fmt.Errorf("reading %s: %w", key, err)
			}
			on = writeCondition{etag: etag}
		}
		if err := change(&document); errors.Is(err, errSkip) {
			return nil
		} else if err != nil {
			return err
		}
		text, err := json.MarshalIndent(document, "", "\t")
		if err != nil {
			return fmt.Errorf("writing %s: %w", key, err)
		}
		sent = append(text, '\n')
		err = b.put(ctx, key, sent, cache, on)
		if !errors.Is(err, errChanged) {
			return err
		}
		// Writers that come at once spread out.
		pause := time.Duration(rand.Int64N(int64(min(20<<min(attempt, 6), 1000)))) * time.Millisecond
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("writing %s: %w", key, ctx.Err())
		}
	}
}

// record updates the record of a lesson.
func (h *handler) record(ctx context.Context, course, lesson string, change func(*catalog.Record) error) error {
	return update(ctx, h.bucket, catalog.RecordKey(course, lesson), "", func(r *catalog.Record) error {
		if r.Course == "" {
			r.Course, r.Lesson, r.State = course, lesson, catalog.Waiting
		}
		return change(r)
	})
}

// read returns the record of a lesson. The error is errMissing without one.
func (h *handler) read(ctx context.Context, course, lesson string) (r catalog.Record, err error) {
	content, _, err := h.bucket.get(ctx, catalog.RecordKey(course, lesson), maxRecord)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, fmt.Errorf("reading the record of %s/%s: %w", course, lesson, err)
	}
	return r, nil
}
