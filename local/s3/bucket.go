// Package s3 serves Amazon S3 on this machine: a [Bucket] as CloudFront reads
// it through origin access control, and the [Service] with the operations that
// this project's functions and tests call through an SDK.
package s3

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// maxKey is the longest key in bytes (Amazon S3 user guide, "Naming Amazon S3
// objects").
const maxKey = 1024

// Object is an object's content and metadata. The content is either Content or
// the file File, which is opened for each request and not held in memory.
type Object struct {
	Content []byte
	File    string
	// Root, if set, is the directory that File is relative to. File must be in
	// it, also after symbolic links are resolved.
	Root string

	ContentType        string // "": binary/octet-stream, S3's default
	CacheControl       string
	ContentDisposition string
	ContentEncoding    string
	ContentLanguage    string
	UserMetadata       map[string]string // sent as x-amz-meta-<name>
}

// Bucket holds objects by key. It is safe for concurrent use.
type Bucket struct {
	name string
	log  *slog.Logger

	mu      sync.RWMutex
	objects map[string]stored
	cors    []CORSRule
}

type stored struct {
	Object
	etag     string // of Content
	modified time.Time
}

// New returns an empty bucket. Log, unless nil, gets the causes of responses
// with status 500.
func New(name string, log *slog.Logger) *Bucket {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Bucket{name: name, log: log, objects: map[string]stored{}}
}

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Put stores an object and replaces one with the same key. It does not clean
// keys: "a/../b" and "a//b" are different keys.
func (b *Bucket) Put(key string, object Object) error {
	s, err := store(key, object)
	if err != nil {
		return fmt.Errorf("putting %q into bucket %s: %w", key, b.name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = s
	return nil
}

func store(key string, object Object) (stored, error) {
	switch {
	case key == "":
		return stored{}, errors.New("the key is empty")
	case len(key) > maxKey:
		return stored{}, fmt.Errorf("the key has %d bytes, more than %d", len(key), maxKey)
	case !utf8.ValidString(key):
		return stored{}, errors.New("the key is not UTF-8")
	case object.File != "" && object.Content != nil:
		return stored{}, errors.New("the object has both content and a file")
	case object.File == "" && object.Root != "":
		return stored{}, errors.New("the object has a root but no file")
	}
	s := stored{Object: object, modified: time.Now().UTC().Truncate(time.Second)}
	if object.File == "" {
		sum := md5.Sum(object.Content)
		s.etag = `"` + hex.EncodeToString(sum[:]) + `"`
		return s, nil
	}
	body, err := s.open()
	if err != nil {
		return stored{}, err
	}
	return s, body.Close()
}

// Delete removes an object. As in S3, deleting a missing key is not an error.
func (b *Bucket) Delete(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
}

// List returns the sorted keys that begin with prefix.
func (b *Bucket) List(prefix string) []string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var keys []string
	for key := range maps.Keys(b.objects) {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (b *Bucket) get(key string) (stored, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s, ok := b.objects[key]
	return s, ok
}

// PutDir stores every file below dir under prefix, and returns their number.
// The files are served in place. The content type follows from the name. set,
// unless nil, can change an object before it is stored.
//
// PutDir follows a symbolic link to a file inside dir. A link out of dir or to a
// directory, and any file that is not regular, is an error; then nothing is
// stored.
func (b *Bucket) PutDir(prefix, dir string, set func(key string, object *Object)) (int, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, fmt.Errorf("putting the directory %s into bucket %s: %w", dir, b.name, err)
	}
	defer root.Close()
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	found := map[string]stored{}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := root.Stat(name)
		switch {
		case err != nil && entry.Type()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s is a symbolic link that leads out of the directory or nowhere: %w", path, err)
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is not a regular file", path)
		}
		key := prefix + filepath.ToSlash(name)
		object := Object{File: name, Root: dir, ContentType: ContentType(name)}
		if set != nil {
			set(key, &object)
		}
		if found[key], err = store(key, object); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("putting the directory %s into bucket %s: %w", dir, b.name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.Copy(b.objects, found)
	return len(found), nil
}

// body is the opened content of an object.
type body struct {
	io.ReadSeeker
	io.Closer
	size     int64
	etag     string
	modified time.Time
}

func (s stored) open() (*body, error) {
	if s.File == "" {
		return &body{bytes.NewReader(s.Content), io.NopCloser(nil), int64(len(s.Content)), s.etag, s.modified}, nil
	}
	var file *os.File
	var err error
	if s.Root != "" {
		file, err = os.OpenInRoot(s.Root, s.File)
	} else {
		file, err = os.Open(s.File)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", s.File)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	// Reading a video only to hash it is slow. S3 guarantees an MD5 for a plain
	// upload only; a multipart upload has another hash and "-n".
	sum := md5.Sum(fmt.Appendf(nil, "%s\n%d\n%d", s.File, info.Size(), info.ModTime().UnixNano()))
	etag := cmp.Or(s.etag, fmt.Sprintf(`"%x-1"`, sum))
	return &body{file, file, info.Size(), etag, info.ModTime().UTC().Truncate(time.Second)}, nil
}
