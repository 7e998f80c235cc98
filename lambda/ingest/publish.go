package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"premiumhls/internal/catalog"
	"premiumhls/internal/hls"
	"premiumhls/internal/mp4"
)

// playlistName is the multivariant playlist of a version.
const playlistName = catalog.PlaylistName

// The folders of the bucket that a lesson's files may stand in.

// encodeFolder is where a job writes.
func encodeFolder(course, lesson, version string) string {
	return encodeRoot(course, lesson) + version + "/"
}

func encodeRoot(course, lesson string) string {
	return catalog.EncodedPrefix + course + "/" + lesson + "/"
}

// lessonFolder is what viewers reach: behind the cookies, or in public.
func (h *handler) lessonFolder(course, lesson string, free bool) string {
	if free {
		return h.settings.PublicFolder + "/" + catalog.FreeFolder + course + "/" + lesson + "/"
	}
	return h.settings.PremiumPath + "/" + course + "/" + lesson + "/"
}

// posterPath is where a poster is, below the public folder.
func posterPath(course, lesson, version string) string {
	return catalog.PostersFolder + course + "/" + lesson + "/" + version + ".jpg"
}

// inputs is a digest of all that a version is made of.
func inputs(r *catalog.Record, draft, free bool) string {
	version := ""
	switch {
	case r.Encoded != nil:
		version = r.Encoded.Version
	case r.Current != nil:
		version = r.Current.Job
	}
	text, err := json.Marshal([]any{version, r.Captions, r.Poster, r.Metadata, draft, free})
	if err != nil {
		panic(err) // a type without JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// maxSettles bounds how often a lesson that changes while it is laid out is
// laid out again by one event. The next event goes on.
const maxSettles = 8

// settle makes what viewers reach what the record says: it lays out a version
// if what it would be made of has changed, and writes the files that point at
// it. It can be repeated and interrupted at any point, and any number of
// invocations may settle one lesson at once.
func (h *handler) settle(ctx context.Context, course, lesson string) error {
	return h.settleLesson(ctx, course, lesson, h.withdraw)
}

// settleLesson settles a lesson. withdraw is called when viewers may no longer
// reach some of its files.
func (h *handler) settleLesson(ctx context.Context, course, lesson string, withdraw func(context.Context, *catalog.Record) error) error {
	var used []string // folders that this invocation may have written to
	for range maxSettles {
		r, err := h.read(ctx, course, lesson)
		if errors.Is(err, errMissing) {
			return h.discard(ctx, course, lesson, used)
		}
		if err != nil {
			return err
		}
		if len(r.Withdrawn) > 0 {
			if err := withdraw(ctx, &r); err != nil {
				return err
			}
			if r, err = h.read(ctx, course, lesson); err != nil {
				continue // and see what the error is
			}
		}
		draft, free, err := h.rules(ctx, &r)
		if err != nil {
			return err
		}
		if r.Encoded != nil {
			used = append(used, h.attempts(&r)...)
		}
		done := func() error {
			return errors.Join(h.point(ctx, course, lesson), h.discard(ctx, course, lesson, used))
		}
		switch {
		case r.State == catalog.Removed:
			return done()
		case r.Encoded == nil && r.Current == nil:
			return nil // nothing is encoded yet
		case draft && r.Current != nil:
			if err := h.hide(ctx, &r); err != nil {
				return err
			}
			continue
		case draft:
			if err := h.keepDraft(ctx, &r); err != nil {
				return err
			}
			return done()
		}
		want := inputs(&r, draft, free)
		if r.Encoded == nil && r.Current.Inputs == want {
			return done()
		}
		v, err := h.layOut(ctx, &r, free, want)
		if err != nil {
			if failed := h.bucket.removeFolder(ctx, v.Folder); failed != nil {
				return errors.Join(err, failed)
			}
			again, failed := h.explain(ctx, &r, err)
			if failed != nil || !again {
				return errors.Join(err, failed)
			}
			continue
		}
		used = append(used, v.Folder)
		if err := h.publish(ctx, &r, v, want); err != nil {
			return err
		}
	}
	return fmt.Errorf("publishing %s/%s: it changed %d times meanwhile", course, lesson, maxSettles)
}

// publish makes v the lesson's current version, unless the record or the course
// has changed since r was read.
func (h *handler) publish(ctx context.Context, r *catalog.Record, v *catalog.Version, want string) error {
	published := false
	err := h.record(ctx, r.Course, r.Lesson, func(now *catalog.Record) error {
		published = false
		draft, free, err := h.rules(ctx, now)
		if err != nil {
			return err
		}
		if now.State == catalog.Removed || origin(now) != origin(r) || inputs(now, draft, free) != want {
			return errSkip
		}
		if now.Current != nil {
			old := *now.Current
			old.Replaced = h.now().UTC()
			now.Replaced = append(now.Replaced, old)
		}
		if !v.Free {
			h.withdrawFree(now, v)
		}
		now.Current, now.Encoded, published = v, nil, true
		// A newer film may be under way, or have failed.
		if now.State != catalog.Encoding && (now.Film == nil || now.Film.Same(v.Film)) {
			now.State, now.Reason = catalog.Playing, ""
		}
		return nil
	})
	if err == nil && published {
		h.logger.InfoContext(ctx, "published", "path", r.Course+"/"+r.Lesson, "version", v.ID, "folder", v.Folder)
	}
	return err
}

// origin identifies where the segments of a lesson's next version come from. If
// two invocations lay out the same encode, the first to publish removes it from
// the record, so the second sees another origin.
func origin(r *catalog.Record) string {
	if r.Encoded != nil {
		return r.Encoded.Version + "/" + r.Encoded.Segments()
	}
	if r.Current != nil {
		return r.Current.ID
	}
	return ""
}

// attempts are the folders of an encode: where the job wrote it, and where
// invocations copy it to.
func (h *handler) attempts(r *catalog.Record) []string {
	name := r.Encoded.Segments() + "/"
	return []string{
		encodeFolder(r.Course, r.Lesson, r.Encoded.Version),
		h.lessonFolder(r.Course, r.Lesson, true) + name, h.lessonFolder(r.Course, r.Lesson, false) + name,
	}
}

// named are the folders and posters in a record: those that viewers reach, and
// those that may be published.
func (h *handler) named(r *catalog.Record) map[string]bool {
	keys := h.reached(r.Replaced...)
	if r.Current != nil {
		keys = append(keys, h.reached(*r.Current)...)
	}
	if r.Encoded != nil {
		keys = append(keys, h.attempts(r)...)
	}
	if r.Job != nil && r.State == catalog.Encoding {
		keys = append(keys, encodeFolder(r.Course, r.Lesson, r.Job.Version))
	}
	set := map[string]bool{}
	for _, key := range keys {
		set[key] = true
	}
	return set
}

// discard removes the folders that are not in the record. A folder that has left
// the record never comes back.
func (h *handler) discard(ctx context.Context, course, lesson string, folders []string) error {
	if len(folders) == 0 {
		return nil
	}
	r, err := h.read(ctx, course, lesson)
	if err != nil && !errors.Is(err, errMissing) {
		return err
	}
	named := h.named(&r)
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) {
		if !named[folder] {
			if err := h.bucket.removeFolder(ctx, folder); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepDraft records that an encode is a draft. If an invocation has begun to copy
// it to where viewers reach it, later copies go to a folder of another name, so
// that this one can be discarded.
func (h *handler) keepDraft(ctx context.Context, r *catalog.Record) error {
	copied := false
	for _, folder := range h.attempts(r)[1:] {
		entries, err := h.bucket.list(ctx, folder)
		if err != nil {
			return err
		}
		copied = copied || len(entries) > 0
	}
	return h.record(ctx, r.Course, r.Lesson, func(now *catalog.Record) error {
		draft, _, err := h.rules(ctx, now)
		if err != nil {
			return err
		}
		if now.Encoded == nil || origin(now) != origin(r) || !draft || !copied && now.State != catalog.Publishing {
			return errSkip
		}
		if copied {
			now.Encoded.Folder = h.newVersion()
		}
		if now.State == catalog.Publishing {
			now.State = catalog.Drafted
		}
		return nil
	})
}

// rules reads the course's record and returns whether a lesson is a draft, and
// whether it is free.
func (h *handler) rules(ctx context.Context, r *catalog.Record) (draft, free bool, err error) {
	c, err := h.course(ctx, r.Course)
	return r.IsDraft(c.Metadata), r.IsFree(c.Metadata), err
}

// course reads a course's own record; the zero value without one.
func (h *handler) course(ctx context.Context, course string) (c catalog.CourseRecord, err error) {
	content, _, err := h.bucket.get(ctx, catalog.CourseRecordKey(course), maxRecord)
	if errors.Is(err, errMissing) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(content, &c); err != nil {
		return c, fmt.Errorf("reading the record of %s: %w", course, err)
	}
	return c, nil
}

// explain decides what to do about a version that could not be laid out. If a
// file beside the film cannot be used any more, the record goes on without it;
// if another invocation has published the encode meanwhile, there is nothing to
// do. In both cases settle reads the record again. Otherwise the record gets a
// reason, which premium videos prints.
func (h *handler) explain(ctx context.Context, r *catalog.Record, cause error) (again bool, err error) {
	if gone, ok := errors.AsType[*lostError](cause); ok {
		h.logger.ErrorContext(ctx, "file refused", "key", gone.key, "cause", gone.sentence)
		return true, h.record(ctx, r.Course, r.Lesson, func(now *catalog.Record) error {
			n := len(now.Captions)
			maps.DeleteFunc(now.Captions, func(_ string, o catalog.Object) bool { return o.Key == gone.key })
			poster := now.Poster != nil && now.Poster.Key == gone.key
			if poster {
				now.Poster = nil
			}
			if len(now.Captions) == n && !poster {
				return errSkip
			}
			now.Notes = append(without(now.Notes, gone.key), gone.Error())
			return nil
		})
	}
	err = h.record(ctx, r.Course, r.Lesson, func(now *catalog.Record) error {
		again = origin(now) != origin(r)
		if again || now.State != catalog.Publishing || now.Reason != "" {
			return errSkip
		}
		now.Reason = "What MediaConvert made could not be published. It is retried for a few minutes; after that, run premium retry. The function's log has the cause."
		return nil
	})
	return again, err
}

// A lostError is a file beside a film that could be used once, and cannot any
// more: its owner has removed it, or has put a bad one in its place.
type lostError struct{ key, sentence string }

func (e *lostError) Error() string {
	return fmt.Sprintf("The file %s is not used. %s", e.key, e.sentence)
}

// lost makes a lostError of an error that another attempt would have, too.
func lost(o catalog.Object, err error) error {
	sentence := sentenceOf(err)
	if errors.Is(err, errMissing) {
		sentence = "It is no longer in the bucket."
	}
	if sentence == "" {
		return err
	}
	return &lostError{o.Key, sentence}
}

// layOut writes a new version: the segments where viewers reach them, and what
// is written from them and from the files beside the film. It returns the
// version with every error, too: a part of it may be written.
func (h *handler) layOut(ctx context.Context, r *catalog.Record, free bool, want string) (*catalog.Version, error) {
	v := &catalog.Version{ID: h.newVersion(), Free: free, Made: h.now().UTC(), Inputs: want}
	root := h.lessonFolder(r.Course, r.Lesson, free)
	v.Folder = root + v.ID + "/"
	v.Segments = v.Folder
	var from string
	if r.Encoded != nil {
		v.Job, v.Encode, v.Film = r.Encoded.Version, r.Encoded.Encode, r.Encoded.Film
		from = encodeFolder(r.Course, r.Lesson, v.Job)
		// All attempts copy an encode to one folder, so that one goes on where
		// another ended: a long film is tens of thousands of segments. What is
		// written there depends on nothing but the encode.
		v.Segments = root + r.Encoded.Segments() + "/"
	} else {
		v.Job, v.Encode, v.Film, v.Poster = r.Current.Job, r.Current.Encode, r.Current.Film, r.Current.Poster
		from = r.Current.Segments
		if r.Current.Free == free {
			v.Segments = from
		}
	}
	entries, err := h.bucket.list(ctx, from)
	if err != nil {
		return v, err
	}
	v.Encode.Language = cmp.Or(r.Metadata.Language, v.Encode.Language)
	m, err := h.measure(ctx, v.Encode, entries, from)
	if err != nil {
		return v, err
	}
	v.Duration = m.duration
	if from != v.Segments {
		there, err := h.bucket.list(ctx, v.Segments)
		if err != nil {
			return v, err
		}
		if err := h.bucket.copy(ctx, uncopied(m.files, from, there, v.Segments), from, v.Segments); err != nil {
			return v, err
		}
		// An encode that was published before has its storyboard already.
		if thumbs := thumbnails(entries, from); len(thumbs) > 0 {
			if err := h.storyboard(ctx, v.Encode, thumbs, v.Segments, v.Duration); err != nil {
				return v, err
			}
		}
	}
	if err := h.poster(ctx, r, v, entries, from); err != nil {
		return v, err
	}

	captions, err := h.writeCaptions(ctx, r, v.Folder, v.Duration)
	if err != nil {
		return v, err
	}
	top := m.playlist
	top.Subtitles = captions
	if v.Folder != v.Segments {
		top = beside(top, "../"+path.Base(v.Segments)+"/")
	}
	if len(r.Metadata.Chapters) > 0 {
		top.Chapters = "chapters.json"
		if err := h.bucket.put(ctx, v.Folder+top.Chapters, appleChapters(r.Metadata.Chapters, v.Duration), cacheForever, writeCondition{}); err != nil {
			return v, err
		}
	}
	return v, h.bucket.put(ctx, v.Folder+playlistName, []byte(top.String()), cacheForever, writeCondition{})
}

// uncopied returns the files of a folder that another one does not have yet. S3
// copies a whole object or none.
func uncopied(files []entry, from string, there []entry, to string) (list []entry) {
	sizes := map[string]int64{}
	for _, e := range there {
		sizes[strings.TrimPrefix(e.key, to)] = e.size
	}
	for _, e := range files {
		if size, ok := sizes[strings.TrimPrefix(e.key, from)]; !ok || size != e.size {
			list = append(list, e)
		}
	}
	return list
}

// beside makes the addresses of segments those of another folder.
func beside(m hls.Multivariant, folder string) hls.Multivariant {
	m.Variants, m.Audio, m.IFrames = slices.Clone(m.Variants), slices.Clone(m.Audio), slices.Clone(m.IFrames)
	for i := range m.Variants {
		m.Variants[i].URI = folder + m.Variants[i].URI
	}
	for i := range m.Audio {
		m.Audio[i].URI = folder + m.Audio[i].URI
	}
	for i := range m.IFrames {
		m.IFrames[i].URI = folder + m.IFrames[i].URI
	}
	return m
}

// measured is what an encode turned out to be.
type measured struct {
	playlist hls.Multivariant
	duration float64
	files    []entry // playlists, initialization segments and segments
}

// measure reads the playlists and initialization segments of an encode. The
// segments' sizes are those of the listing.
func (h *handler) measure(ctx context.Context, e catalog.Encode, entries []entry, folder string) (*measured, error) {
	sizes := map[string]int64{}
	m := &measured{}
	for _, f := range entries {
		name := strings.TrimPrefix(f.key, folder)
		sizes[name] = f.size
		if !strings.HasPrefix(name, stillsFolder) && name != baseName+".m3u8" && name != playlistName && !strings.HasPrefix(name, "captions_") && name != "chapters.json" {
			m.files = append(m.files, f)
		}
	}
	media := func(name string) (hls.Media, mp4.Init, error) {
		text, _, err := h.bucket.get(ctx, folder+name, maxRecord)
		if err != nil {
			return hls.Media{}, mp4.Init{}, err
		}
		playlist, err := hls.ParseMedia(bytes.NewReader(text))
		if err == nil {
			err = playlist.Measure(func(uri string) (int64, bool) { size, ok := sizes[uri]; return size, ok })
		}
		if err != nil {
			return hls.Media{}, mp4.Init{}, fmt.Errorf("reading %s: %w", folder+name, err)
		}
		if playlist.Map == nil {
			return hls.Media{}, mp4.Init{}, fmt.Errorf("reading %s: no EXT-X-MAP", folder+name)
		}
		content, _, err := h.bucket.get(ctx, folder+playlist.Map.URI, maxRecord)
		if err != nil {
			return hls.Media{}, mp4.Init{}, err
		}
		in, err := mp4.ParseInit(content)
		if err != nil {
			return hls.Media{}, mp4.Init{}, fmt.Errorf("reading %s: %w", folder+playlist.Map.URI, err)
		}
		return playlist, in, nil
	}
	var names []string
	for _, rendition := range e.Renditions {
		names = append(names, baseName+"_"+rendition)
		if e.HEVC {
			names = append(names, baseName+"_"+rendition+hevcModifier)
		}
	}
	for _, name := range names {
		playlist, in, err := media(name + ".m3u8")
		if err != nil {
			return nil, err
		}
		m.duration = max(m.duration, playlist.Duration())
		m.playlist.Variants = append(m.playlist.Variants, hls.Variant{
			URI: name + ".m3u8", Rates: playlist.Rates(), Codecs: []string{in.Codec}, Width: in.Width, Height: in.Height, FrameRate: e.FrameRate,
		})
		if iframes := name + iframesSuffix; sizes[iframes] > 0 {
			playlist, _, err := media(iframes)
			if err != nil {
				return nil, err
			}
			m.playlist.IFrames = append(m.playlist.IFrames, hls.IFrames{URI: iframes, Rates: playlist.Rates(), Codecs: []string{in.Codec}, Width: in.Width, Height: in.Height})
		}
	}
	if e.Channels > 0 {
		name := baseName + audioModifier + ".m3u8"
		playlist, in, err := media(name)
		if err != nil {
			return nil, err
		}
		language := e.Language
		title := catalog.LanguageName(language)
		if language == "" {
			language, title = "und", "Original"
		}
		m.playlist.Audio = []hls.Rendition{{URI: name, Name: title, Language: language, Default: true, Channels: in.Channels, Rates: playlist.Rates(), Codecs: []string{in.Codec}}}
	}
	return m, nil
}

// iframesSuffix ends the name of an I-frame playlist of MediaConvert's.
const iframesSuffix = "_I-Frame.m3u8"

// poster publishes the owner's picture, or the one that the job took.
func (h *handler) poster(ctx context.Context, r *catalog.Record, v *catalog.Version, entries []entry, folder string) error {
	var content []byte
	var err error
	switch {
	case r.Poster != nil:
		content, err = h.readPoster(ctx, *r.Poster)
		err = lost(*r.Poster, err)
	case r.Encoded != nil:
		key := stillKey(folder, posterName, 1)
		if !slices.ContainsFunc(entries, func(e entry) bool { return e.key == key }) {
			key = stillKey(folder, posterName, 0) // a film of less than a second
		}
		content, _, err = h.bucket.get(ctx, key, maxPoster)
	default:
		return nil // the one before
	}
	if err != nil {
		return err
	}
	v.Poster = posterPath(r.Course, r.Lesson, v.ID)
	return h.bucket.put(ctx, h.settings.PublicFolder+"/"+v.Poster, content, cachePoster, writeCondition{})
}

// appleChapters writes chapters as Apple's players read them.
func appleChapters(chapters []catalog.Chapter, duration float64) []byte {
	type title struct {
		Language string `json:"language"`
		Title    string `json:"title"`
	}
	type chapter struct {
		Start    float64 `json:"start-time"`
		Duration float64 `json:"duration"`
		Titles   []title `json:"titles"`
	}
	list := []chapter{}
	for i, c := range chapters {
		end := duration
		if i+1 < len(chapters) {
			end = min(end, float64(chapters[i+1].Start))
		}
		if start := float64(c.Start); start < end {
			list = append(list, chapter{start, end - start, []title{{"und", c.Title}}})
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // a type without JSON
	}
	return text
}

// reached lists what viewers reach of versions: folders and posters.
func (h *handler) reached(versions ...catalog.Version) (keys []string) {
	for _, v := range versions {
		keys = append(keys, v.Folder)
		if v.Segments != v.Folder {
			keys = append(keys, v.Segments)
		}
		if v.Poster != "" {
			keys = append(keys, h.settings.PublicFolder+"/"+v.Poster)
		}
	}
	return keys
}

// withdrawFree notes that the public copies of a lesson whose next version is
// premium have to go. The other way round no copy has to: those who may watch a
// premium one may watch a free lesson, too.
func (h *handler) withdrawFree(r *catalog.Record, next *catalog.Version) {
	r.Replaced = slices.DeleteFunc(r.Replaced, func(v catalog.Version) bool {
		if !v.Free {
			return false
		}
		if v.Poster == next.Poster {
			v.Poster = ""
		}
		r.Withdrawn = append(r.Withdrawn, h.reached(v)...)
		return true
	})
}

// hide takes a published lesson back to where a draft stands.
func (h *handler) hide(ctx context.Context, r *catalog.Record) error {
	v := r.Current
	job := &catalog.Job{Version: h.newVersion(), Film: v.Film, Encode: v.Encode, Percent: 100}
	to := encodeFolder(r.Course, r.Lesson, job.Version)
	if r.Encoded == nil {
		entries, err := h.bucket.list(ctx, v.Segments)
		if err != nil {
			return err
		}
		m, err := h.measure(ctx, v.Encode, entries, v.Segments)
		if err != nil {
			return err
		}
		if err := h.bucket.copy(ctx, m.files, v.Segments, to); err != nil {
			return err
		}
		content, _, err := h.bucket.get(ctx, h.settings.PublicFolder+"/"+v.Poster, maxPoster)
		if err == nil {
			err = h.bucket.put(ctx, stillKey(to, posterName, 1), content, "", writeCondition{})
		}
		if err != nil {
			return err
		}
	}
	err := h.record(ctx, r.Course, r.Lesson, func(now *catalog.Record) error {
		draft, _, err := h.rules(ctx, now)
		if err != nil {
			return err
		}
		if now.Current == nil || now.Current.ID != v.ID || now.Encoded == nil && r.Encoded != nil || !draft {
			return errSkip
		}
		if now.Encoded == nil {
			now.Encoded = job
		}
		now.Withdrawn = append(now.Withdrawn, h.reached(append(now.Replaced, *now.Current)...)...)
		now.Current, now.Replaced = nil, nil
		if now.State == catalog.Playing {
			now.State = catalog.Publishing
		}
		return nil
	})
	if err != nil {
		return err
	}
	return h.discard(ctx, r.Course, r.Lesson, []string{to})
}

// withdraw removes what viewers may no longer reach, from the lists, from the
// bucket and from the edge, which would serve it for a year.
func (h *handler) withdraw(ctx context.Context, r *catalog.Record) error {
	if err := h.takeDown(ctx, r); err != nil {
		return err
	}
	if paths := h.withdrawnPaths(r); len(paths) > 0 {
		if err := h.invalidate(ctx, paths...); err != nil {
			return err
		}
	}
	return h.withdrawn(ctx, r)
}

// takeDown removes what viewers may no longer reach from the lists and the
// bucket.
func (h *handler) takeDown(ctx context.Context, r *catalog.Record) error {
	if err := h.point(ctx, r.Course, r.Lesson); err != nil {
		return err
	}
	for _, key := range r.Withdrawn {
		if !strings.HasSuffix(key, "/") {
			if err := h.bucket.remove(ctx, key); err != nil {
				return err
			}
			continue
		}
		if err := h.bucket.removeFolder(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// withdrawnPaths are what the edge has to forget: one path for each of the
// lesson's folders, not for each version. It forgets more than it needs to, and
// the number of paths is bounded.
func (h *handler) withdrawnPaths(r *catalog.Record) (paths []string) {
	for _, root := range h.roots(r.Course, r.Lesson) {
		if slices.ContainsFunc(r.Withdrawn, func(key string) bool { return strings.HasPrefix(key, root) }) {
			paths = append(paths, h.edgePath(root))
		}
	}
	return paths
}

// edgePath is the path of everything below a folder of the bucket.
func (h *handler) edgePath(folder string) string {
	return "/" + strings.TrimPrefix(folder, h.settings.PublicFolder+"/") + "*"
}

// withdrawn notes that all that r withdraws is gone.
func (h *handler) withdrawn(ctx context.Context, r *catalog.Record) error {
	return h.record(ctx, r.Course, r.Lesson, func(now *catalog.Record) error {
		n := len(now.Withdrawn)
		now.Withdrawn = slices.DeleteFunc(now.Withdrawn, func(key string) bool { return slices.Contains(r.Withdrawn, key) })
		if len(now.Withdrawn) == n {
			return errSkip
		}
		return nil
	})
}

// roots are the folders of a lesson that viewers reach.
func (h *handler) roots(course, lesson string) []string {
	return []string{
		h.lessonFolder(course, lesson, false), h.lessonFolder(course, lesson, true),
		h.settings.PublicFolder + "/" + catalog.PostersFolder + course + "/" + lesson + "/",
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// tidy removes versions that were replaced long enough ago, and the folders of
// encodes that came to nothing.
func (h *handler) tidy(ctx context.Context) error {
	entries, err := h.bucket.list(ctx, catalog.RecordPrefix)
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range entries {
		if strings.HasPrefix(e.key, catalog.ProblemPrefix) {
			failed = append(failed, h.tidyProblem(ctx, e.key))
		}
	}
	failed = append(failed, h.each(entries, func(course, lesson string) error { return h.tidyLesson(ctx, course, lesson) }))
	return errors.Join(failed...)
}

// tidyProblem forgets a problem with an upload that its owner has deleted.
func (h *handler) tidyProblem(ctx context.Context, key string) error {
	content, _, err := h.bucket.get(ctx, key, maxRecord)
	if errors.Is(err, errMissing) {
		return nil
	}
	var p catalog.Problem
	if err == nil {
		err = json.Unmarshal(content, &p)
	}
	if err == nil {
		_, err = h.bucket.head(ctx, p.Key)
	}
	if errors.Is(err, errMissing) {
		return h.bucket.remove(ctx, key)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// lessonsAtOnce is how many lessons are worked on at once, by what concerns a
// whole course or all.
const lessonsAtOnce = 4

// each does something with every lesson of a listing of records. The error has
// all failures.
func (h *handler) each(entries []entry, do func(course, lesson string) error) error {
	var mu sync.Mutex
	var failed []error
	var group errgroup.Group
	group.SetLimit(lessonsAtOnce)
	for _, e := range entries {
		course, lesson, ok := catalog.ParseRecordKey(e.key)
		if !ok {
			continue
		}
		group.Go(func() error {
			if err := do(course, lesson); err != nil {
				mu.Lock()
				failed = append(failed, fmt.Errorf("%s/%s: %w", course, lesson, err))
				mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in failed
	return errors.Join(failed...)
}

func (h *handler) tidyLesson(ctx context.Context, course, lesson string) error {
	r, err := h.read(ctx, course, lesson)
	if errors.Is(err, errMissing) {
		return nil // removed meanwhile
	}
	if err != nil {
		return err
	}
	if len(r.Withdrawn) > 0 {
		if err := h.withdraw(ctx, &r); err != nil {
			return err
		}
	}
	limit := h.now().Add(-time.Duration(h.settings.VersionDays) * 24 * time.Hour)
	var old []catalog.Version
	r.Replaced = slices.DeleteFunc(r.Replaced, func(v catalog.Version) bool {
		if v.Replaced.Before(limit) {
			old = append(old, v)
			return true
		}
		return false
	})
	needed := h.named(&r)
	for _, v := range old {
		for _, folder := range []string{v.Folder, v.Segments} {
			if !needed[folder] {
				if err := h.bucket.removeFolder(ctx, folder); err != nil {
					return err
				}
			}
		}
		if v.Poster != "" && (r.Current == nil || r.Current.Poster != v.Poster) {
			if err := h.bucket.remove(ctx, h.settings.PublicFolder+"/"+v.Poster); err != nil {
				return err
			}
		}
	}
	if err := h.tidyLeftovers(ctx, &r, needed); err != nil || len(old) == 0 {
		return err
	}
	return h.record(ctx, course, lesson, func(now *catalog.Record) error {
		now.Replaced = slices.DeleteFunc(now.Replaced, func(v catalog.Version) bool {
			return slices.ContainsFunc(old, func(o catalog.Version) bool { return o.ID == v.ID })
		})
		return nil
	})
}

// leftoverAge is how old what the record does not name is before it is removed:
// far older than an invocation that may still be writing it.
const leftoverAge = 24 * time.Hour

// tidyLeftovers removes folders and posters that the record does not name, of
// jobs that came to nothing and of invocations that ended amid a version.
func (h *handler) tidyLeftovers(ctx context.Context, r *catalog.Record, needed map[string]bool) error {
	roots := append(h.roots(r.Course, r.Lesson), encodeRoot(r.Course, r.Lesson))
	limit := h.now().Add(-leftoverAge)
	var keys []string
	for _, root := range roots {
		entries, err := h.bucket.list(ctx, root)
		if err != nil {
			return err
		}
		for _, e := range entries {
			named := e.key // a poster
			version, _, inFolder := strings.Cut(strings.TrimPrefix(e.key, root), "/")
			if inFolder {
				named = root + version + "/"
			}
			made, err := time.Parse("v20060102150405", version[:min(len(version), 15)])
			if err == nil && made.Before(limit) && !needed[named] {
				keys = append(keys, e.key)
			}
		}
	}
	return h.bucket.remove(ctx, keys...)
}
