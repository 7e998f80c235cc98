package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"premiumhls/internal/link"
	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/awsjson"
	"premiumhls/lambda/internal/retry"
)

// lessonFile in a lesson's folder names the playlist of its newest version
// (internal/catalog, Details).
const lessonFile = "lesson.json"

// bucket is the bucket of the videos.
type bucket interface {
	Get(ctx context.Context, key, etag string) (awsjson.Object, error)
}

// An object is what was read of an object of the bucket. It is immutable.
type object struct {
	etag     string
	playlist *playlist
	pointer  string // of lessonFile: the playlist, relative to its folder
	invalid  error  // why it is of no use
}

func (o *object) bytes() int {
	const least = 1 << 10
	if o.playlist == nil {
		return least
	}
	return least + o.playlist.bytes
}

// maxCached bounds the cached objects, in bytes.
const maxCached = 64 << 20

var errMissing = errors.New("no such object")

// objects reads objects of the bucket, and caches what it has parsed, in two
// generations: when the young one has half of [maxCached], it becomes the old
// one, and what was in the old one and not used since is forgotten. Each use
// asks the bucket whether the object has changed. It is safe for concurrent use.
type objects struct {
	bucket bucket

	mu         sync.Mutex
	young, old map[string]*object
	size       int // of young, in bytes
}

func newObjects(bucket bucket) *objects {
	return &objects{bucket: bucket, young: map[string]*object{}}
}

// bucketBackoff leaves time to respond within the function's ten seconds.
var bucketBackoff = retry.Backoff{
	Attempt: 2 * time.Second, LongestAttempt: 4 * time.Second,
	Pause: 100 * time.Millisecond, LongestPause: 400 * time.Millisecond, Attempts: 3,
}

// get returns the object with a key, as it is now. The error is errMissing if
// there is none.
func (o *objects) get(ctx context.Context, key string) (*object, error) {
	have := o.cached(key)
	etag := ""
	if have != nil {
		etag = have.etag
	}
	got, err := retry.Call(ctx, bucketBackoff, isPermanent, func(ctx context.Context) (awsjson.Object, error) {
		return o.bucket.Get(ctx, key, etag)
	})
	if failed, ok := errors.AsType[*awsjson.Error](err); ok && failed.Status == http.StatusNotFound {
		return nil, errMissing
	}
	switch {
	case errors.Is(err, awsjson.ErrTooLarge):
		return &object{invalid: err}, nil
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", key, err)
	case have != nil && got.Content == nil && got.ETag == etag:
		return have, nil
	}
	read := readObject(key, got)
	if read.etag != "" {
		o.put(key, read)
	}
	return read, nil
}

func isPermanent(err error) bool {
	failed, ok := errors.AsType[*awsjson.Error](err)
	return ok && !failed.Temporary() || errors.Is(err, awsjson.ErrTooLarge)
}

func readObject(key string, got awsjson.Object) *object {
	o := &object{etag: got.ETag}
	folder, name := path.Split(key)
	switch {
	case len(got.Content) > maxPlaylist:
		o.invalid = fmt.Errorf("%s has %d bytes: must be at most %d", key, len(got.Content), maxPlaylist)
	case name == lessonFile:
		o.pointer, o.invalid = readPointer(got.Content)
	default:
		escaped, ok := escape("/" + folder)
		if !ok {
			o.invalid = fmt.Errorf("the folder of %s has a character that a link cannot have", key)
			return o
		}
		o.playlist, o.invalid = parse(escaped, string(got.Content))
	}
	if o.invalid != nil {
		o.invalid = fmt.Errorf("%s: %w", key, o.invalid)
	}
	return o
}

// readPointer returns the playlist that a lesson's file names.
func readPointer(content []byte) (string, error) {
	var details struct {
		Playlist string `json:"playlist"`
	}
	if err := json.Unmarshal(content, &details); err != nil {
		return "", err
	}
	p, err := premiumpath.Parse(details.Playlist)
	if err != nil || !strings.HasSuffix(p.String(), link.PlaylistSuffix) || strings.HasSuffix(p.String(), link.Suffix) {
		return "", fmt.Errorf("invalid playlist %q: must be a path below the folder that ends in %s", details.Playlist, link.PlaylistSuffix)
	}
	return p.String(), nil
}

func (o *objects) cached(key string) *object {
	o.mu.Lock()
	defer o.mu.Unlock()
	if have := o.young[key]; have != nil {
		return have
	}
	have := o.old[key]
	if have != nil {
		o.add(key, have)
	}
	return have
}

func (o *objects) put(key string, value *object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(key, value)
}

// add adds an object to the young generation. The caller holds o.mu.
func (o *objects) add(key string, value *object) {
	if have := o.young[key]; have != nil {
		o.size -= have.bytes()
		delete(o.young, key)
	}
	if o.size+value.bytes() > maxCached/2 {
		o.old, o.young, o.size = o.young, map[string]*object{}, 0
	}
	o.young[key] = value
	o.size += value.bytes()
}
