package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
)

// command carries out a command about one lesson.
func (h *handler) command(ctx context.Context, e event) (reply, error) {
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

// retry encodes a film again that failed or got stuck, and lays out again what
// is encoded.
func (h *handler) retry(ctx context.Context, course, lesson string) error {
	begin := false
	err := h.record(ctx, course, lesson, func(r *catalog.Record) error {
		begin = false
		if r.State == catalog.Playing || r.State == catalog.Drafted || r.State == catalog.Publishing || r.Film == nil {
			return errSkip
		}
		r.State, r.Reason = catalog.Encoding, ""
		r.Job, begin = h.newJob(*r.Film, 0), true
		return nil
	})
	if err != nil {
		return err
	}
	if begin {
		return h.begin(ctx, course, lesson)
	}
	return h.settle(ctx, course, lesson)
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
	var keys []string
	for _, o := range []*catalog.Object{gone.Film, gone.Poster, gone.MetaFile} {
		if o != nil {
			keys = append(keys, o.Key)
		}
	}
	for _, o := range gone.Captions {
		keys = append(keys, o.Key)
	}
	if err := h.bucket.remove(ctx, keys...); err != nil {
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
