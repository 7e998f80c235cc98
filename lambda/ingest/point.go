package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"premiumhls/internal/catalog"
)

// point writes the files that point at a lesson's version: its details, its
// course's list and the list of courses. Each is written from the record as it
// is after the file was read, so that of two invocations the last one to write
// has seen the newest record.
func (h *handler) point(ctx context.Context, course, lesson string) error {
	if err := h.writeDetails(ctx, course, lesson); err != nil {
		return err
	}
	if err := h.pointCourse(ctx, course, lesson); err != nil {
		return err
	}
	if err := h.pointIndex(ctx, course); err != nil {
		return err
	}
	return h.removeDetails(ctx, course, lesson)
}

// writeDetails writes lesson.json, which viewers who may watch read.
func (h *handler) writeDetails(ctx context.Context, course, lesson string) error {
	r, err := h.read(ctx, course, lesson)
	if err != nil || r.Current == nil {
		return err
	}
	free := r.Current.Free
	return update(ctx, h.bucket, h.lessonFolder(course, lesson, free)+catalog.LessonName, cacheSeconds, func(d *catalog.Details) error {
		r, err := h.read(ctx, course, lesson)
		if err != nil {
			return err
		}
		if r.Current == nil || r.Current.Free != free {
			return errSkip
		}
		made := details(&r)
		if equal(*d, made) {
			return errSkip
		}
		*d = made
		return nil
	})
}

// removeDetails removes lesson.json where the lesson no longer is, after the
// lists that named it have changed.
func (h *handler) removeDetails(ctx context.Context, course, lesson string) error {
	r, err := h.read(ctx, course, lesson)
	if err != nil {
		return err
	}
	for _, free := range []bool{true, false} {
		if r.Current == nil || r.Current.Free != free {
			if err := h.bucket.remove(ctx, h.lessonFolder(course, lesson, free)+catalog.LessonName); err != nil {
				return err
			}
		}
	}
	// If the lesson has moved back meanwhile, its file may just be deleted.
	now, err := h.read(ctx, course, lesson)
	if err != nil || now.Current == nil || r.Current != nil && r.Current.Free == now.Current.Free {
		return err
	}
	return h.writeDetails(ctx, course, lesson)
}

// details is what a lesson's version looks like from its folder.
func details(r *catalog.Record) catalog.Details {
	v := r.Current
	d := catalog.Details{
		Path: r.Course + "/" + r.Lesson, Version: v.ID, Playlist: v.ID + "/" + playlistName,
		Description: r.Metadata.Description, Duration: v.Duration, Chapters: r.Metadata.Chapters,
		Storyboard: path.Base(v.Segments) + "/" + storyboardName,
	}
	for _, language := range sortedKeys(r.Captions) {
		d.Captions = append(d.Captions, catalog.CaptionTrack{
			Language: language, Name: catalog.LanguageName(language), Playlist: v.ID + "/captions_" + language + ".m3u8",
		})
	}
	return d
}

// pointCourse writes one lesson into the list of its course, or out of it.
func (h *handler) pointCourse(ctx context.Context, course, lesson string) error {
	key := h.settings.PublicFolder + "/" + catalog.CourseDir + course + ".json"
	return update(ctx, h.bucket, key, cacheSeconds, func(c *catalog.Course) error {
		r, err := h.read(ctx, course, lesson)
		if err != nil {
			return err
		}
		record, err := h.course(ctx, course)
		if err != nil {
			return err
		}
		was := clone(*c)
		c.Path, c.Title, c.Description = course, record.Metadata.Title, record.Metadata.Description
		if c.Title == "" {
			c.Title = record.Name
		}
		full := course + "/" + lesson
		c.Lessons = slices.DeleteFunc(c.Lessons, func(l catalog.Lesson) bool { return l.Path == full })
		if r.Current != nil && !r.IsDraft(record.Metadata) {
			c.Lessons = append(c.Lessons, h.listed(&r))
		}
		if c.Lessons == nil {
			c.Lessons = []catalog.Lesson{}
		}
		if len(c.Lessons) == 0 {
			c.Title, c.Description = "", "" // of a course that is a draft
		}
		c.Sort()
		if equal(was, *c) {
			return errSkip
		}
		return nil
	})
}

// listed is a lesson as everyone may see it: of a premium one no more than its
// title, duration and poster.
func (h *handler) listed(r *catalog.Record) catalog.Lesson {
	v := r.Current
	l := catalog.Lesson{
		Path: r.Course + "/" + r.Lesson, Title: r.Metadata.Title, Order: r.Metadata.Order, Duration: v.Duration, Poster: v.Poster, Free: v.Free,
		Details: strings.TrimPrefix(h.lessonFolder(r.Course, r.Lesson, v.Free), h.settings.PublicFolder+"/") + catalog.LessonName,
	}
	if l.Title == "" {
		l.Title = r.LessonName
	}
	if v.Free {
		l.Description = r.Metadata.Description
	}
	return l
}

// pointIndex writes a course into the list of courses, or out of it if it has
// no lesson.
func (h *handler) pointIndex(ctx context.Context, course string) error {
	return update(ctx, h.bucket, h.settings.PublicFolder+"/"+catalog.IndexName, cacheSeconds, func(index *catalog.Index) error {
		content, _, err := h.bucket.get(ctx, h.settings.PublicFolder+"/"+catalog.CourseDir+course+".json", maxRecord)
		if err != nil && !errors.Is(err, errMissing) {
			return err
		}
		var c catalog.Course
		if err == nil {
			if err := json.Unmarshal(content, &c); err != nil {
				return fmt.Errorf("reading the list of %s: %w", course, err)
			}
		}
		record, err := h.course(ctx, course)
		if err != nil {
			return err
		}
		was := clone(*index)
		index.Courses = slices.DeleteFunc(index.Courses, func(s catalog.CourseSummary) bool { return s.Path == course })
		if len(c.Lessons) > 0 {
			s := catalog.CourseSummary{Path: course, Title: c.Title, Description: c.Description, Order: record.Metadata.Order, Lessons: len(c.Lessons), Free: true, Price: record.Metadata.Price, PaymentLink: record.Metadata.PaymentLink}
			for _, l := range c.Lessons {
				s.Duration += l.Duration
				s.Free = s.Free && l.Free
				if s.Poster == "" {
					s.Poster = l.Poster
				}
			}
			index.Courses = append(index.Courses, s)
		}
		if index.Courses == nil {
			index.Courses = []catalog.CourseSummary{}
		}
		index.Sort()
		if equal(was, *index) {
			return errSkip
		}
		return nil
	})
}

// equal compares values by their JSON, which is how they are written.
func equal[T any](a, b T) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// clone copies a value that is changed in place.
func clone[T any](v T) (copied T) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &copied)
	}
	if err != nil {
		panic(err) // a type without JSON
	}
	return copied
}

// settleCourse publishes every lesson of a course again, after a change of the
// course's own. Withdrawn files are removed from the lists and the bucket lesson
// by lesson, and from the edge in one invalidation at the end.
func (h *handler) settleCourse(ctx context.Context, course string) error {
	entries, err := h.bucket.list(ctx, catalog.RecordPrefix+course+"/")
	if err != nil {
		return err
	}
	var mu sync.Mutex
	waiting := map[string]catalog.Record{} // for the edge, by lesson
	err = h.each(entries, func(course, lesson string) error {
		return h.settleLesson(ctx, course, lesson, func(ctx context.Context, r *catalog.Record) error {
			if slices.Contains(r.Withdrawn, h.lessonFolder(course, lesson, false)) {
				return h.withdraw(ctx, r) // a removed lesson's, whose folders a new film may be about to use
			}
			mu.Lock()
			waiting[lesson] = *r
			mu.Unlock()
			return h.takeDown(ctx, r)
		})
	})
	var paths []string
	for _, lesson := range sortedKeys(waiting) {
		r := waiting[lesson]
		paths = append(paths, h.withdrawnPaths(&r)...)
	}
	if len(paths) > wildcardsAtOnce {
		paths = nil
		for _, root := range h.roots(course, "") {
			paths = append(paths, h.edgePath(strings.TrimSuffix(root, "/")))
		}
	}
	if len(paths) > 0 {
		if err := h.invalidate(ctx, paths...); err != nil {
			return err
		}
	}
	return errors.Join(err, h.each(entries, func(_, lesson string) error {
		r, ok := waiting[lesson]
		if !ok {
			return nil
		}
		return h.withdrawn(ctx, &r)
	}))
}

// wildcardsAtOnce is how many paths with a wildcard CloudFront works on at a
// time (developer guide, "Quotas").
const wildcardsAtOnce = 15

// invalidationPause is the time between two attempts while the edge works on as
// many paths as it takes.
const invalidationPause = 5 * time.Second

// invalidate has the edge forget paths, which begin with a slash. CloudFront takes
// one path with a wildcard a second, or 15 at a time (two versions of its
// developer guide, "Quotas"); lessons wait for each other. What is not done when
// the invocation ends stays in the record.
func (h *handler) invalidate(ctx context.Context, paths ...string) error {
	for {
		_, err := h.edge.CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{
			DistributionId: aws.String(h.settings.Distribution),
			InvalidationBatch: &types.InvalidationBatch{
				CallerReference: aws.String(h.now().UTC().Format("20060102150405.000000000") + randomHex(4)),
				Paths:           &types.Paths{Quantity: aws.Int32(int32(len(paths))), Items: paths},
			},
		})
		if err == nil {
			return nil
		}
		err = fmt.Errorf("invalidating %s: %w", strings.Join(paths, " "), err)
		if !busy(err) {
			return err
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < 2*h.pause {
			return err // while there is time to return it
		}
		select {
		case <-time.After(h.pause):
		case <-ctx.Done():
			return err
		}
	}
}

// busy reports whether CloudFront has too many invalidations in progress, or
// throttled the request after the SDK's own retries.
func busy(err error) bool {
	_, throttled := retry.DefaultThrottleErrorCodes[code(err)]
	return throttled || code(err) == "TooManyInvalidationsInProgress"
}
