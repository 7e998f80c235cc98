package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"premiumhls/internal/catalog"
)

// The commands of an owner.
const (
	commandRetry   = "retry"   // encode the newest film again
	commandPublish = "publish" // show a draft
	commandDraft   = "draft"   // hide a lesson
	commandFree    = "free"    // let everyone watch it
	commandPremium = "premium" // let those watch it who have a grant
	commandRemove  = "remove"  // take it away, the film included
	commandReceive = "receive" // look at an upload whose event has not come
)

// command carries out a command about one lesson.
func (h *handler) command(ctx context.Context, e event) (reply, error) {
	if e.Command == commandReceive {
		return reply{}, h.find(ctx, e.Path)
	}
	course, lesson, ok := strings.Cut(e.Path, "/")
	if !ok || !catalog.IsSegment(course) || !catalog.IsSegment(lesson) {
		return reply{}, fmt.Errorf("path: invalid value %q: must be COURSE/LESSON", e.Path)
	}
	if _, err := h.read(ctx, course, lesson); errors.Is(err, errMissing) {
		return reply{}, fmt.Errorf("there is no lesson %s", e.Path)
	} else if err != nil {
		return reply{}, err
	}
	yes, no := true, false
	set := map[string]func(*catalog.Record){
		commandPublish: func(r *catalog.Record) { r.Draft = &no },
		commandDraft:   func(r *catalog.Record) { r.Draft = &yes },
		commandFree:    func(r *catalog.Record) { r.Free = &yes },
		commandPremium: func(r *catalog.Record) { r.Free = &no },
	}[e.Command]
	var err error
	switch {
	case set != nil:
		err = h.record(ctx, course, lesson, func(r *catalog.Record) error {
			set(r)
			return nil
		})
		if err == nil {
			err = h.settle(ctx, course, lesson)
		}
	case e.Command == commandRetry:
		err = h.retry(ctx, course, lesson)
	case e.Command == commandRemove:
		err = h.remove(ctx, course, lesson)
	default:
		err = fmt.Errorf("command: invalid value %q", e.Command)
	}
	if err != nil {
		return reply{}, err
	}
	r, err := h.read(ctx, course, lesson)
	if errors.Is(err, errMissing) {
		return reply{State: catalog.Removed}, nil
	}
	return reply{State: r.State, Reason: r.Reason}, err
}

// retry publishes what is encoded, and encodes the film again if it failed, got
// stuck or cannot be published.
func (h *handler) retry(ctx context.Context, course, lesson string) error {
	begin := false
	failed := h.settle(ctx, course, lesson)
	err := h.record(ctx, course, lesson, func(r *catalog.Record) error {
		begin = false
		if r.State == catalog.Playing || r.State == catalog.Drafted || r.State == catalog.Publishing && failed == nil || r.Film == nil {
			return errSkip
		}
		if r.State == catalog.Publishing {
			r.Encoded = nil
		}
		r.State, r.Reason = catalog.Encoding, ""
		r.Job, begin = h.newJob(*r.Film, 0), true
		return nil
	})
	if err != nil || !begin {
		return errors.Join(failed, err)
	}
	return h.begin(ctx, course, lesson)
}

// remove takes a lesson away, with the owner's own files.
func (h *handler) remove(ctx context.Context, course, lesson string) error {
	var gone catalog.Record
	err := h.record(ctx, course, lesson, func(r *catalog.Record) error {
		gone = *r
		r.State, r.Current, r.Replaced, r.Encoded, r.Job = catalog.Removed, nil, nil, nil, nil
		r.Withdrawn = h.roots(course, lesson)
		return nil
	})
	if err != nil {
		return err
	}
	if err := h.settle(ctx, course, lesson); err != nil {
		return err
	}
	if err := h.bucket.removeFolder(ctx, encodeRoot(course, lesson)); err != nil {
		return err
	}
	if err := h.removeUploads(ctx, &gone); err != nil {
		return err
	}
	if r, err := h.read(ctx, course, lesson); err != nil || r.State != catalog.Removed {
		if errors.Is(err, errMissing) {
			err = nil
		}
		return err // a new film came meanwhile
	}
	return h.bucket.remove(ctx, catalog.RecordKey(course, lesson))
}

// removeUploads removes the owner's files of a lesson, including those that were
// replaced or not used.
func (h *handler) removeUploads(ctx context.Context, r *catalog.Record) error {
	folders := map[string]bool{catalog.Prefix + r.CourseName + "/": true}
	objects := slices.Collect(maps.Values(r.Captions))
	for _, o := range []*catalog.Object{r.Film, r.Poster, r.MetaFile} {
		if o != nil {
			objects = append(objects, *o)
		}
	}
	for _, o := range objects {
		folders[o.Key[:strings.LastIndexByte(o.Key, '/')+1]] = true // a course's name may be written in several ways
	}
	var keys []string
	for _, folder := range sortedKeys(folders) {
		entries, err := h.bucket.list(ctx, folder)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if u, err := catalog.ParseUpload(e.key); err == nil && u.Course == r.Course && u.Lesson == r.Lesson {
				keys = append(keys, e.key)
			}
		}
	}
	return h.bucket.remove(ctx, keys...)
}

// find receives an upload that is in the bucket as if its event had come: one
// from before ingest was on, or whose event was lost.
func (h *handler) find(ctx context.Context, key string) error {
	if !strings.HasPrefix(key, catalog.Prefix) {
		return fmt.Errorf("path: invalid value %q: must begin with %s", key, catalog.Prefix)
	}
	o, err := h.bucket.head(ctx, key)
	if errors.Is(err, errMissing) {
		return fmt.Errorf("there is no file %s", key)
	}
	if err != nil {
		return err
	}
	o.At = h.now().UTC().Truncate(time.Second) // as an event's, so that one of the same second is not older
	return h.receive(ctx, o)
}
