package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"premiumhls/internal/catalog"
)

// s3Client is what the function needs of S3.
type s3Client interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	CopyObject(context.Context, *s3.CopyObjectInput, ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	DeleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error)
	s3.ListObjectsV2APIClient
}

// bucket is the bucket of films and videos.
type bucket struct {
	client s3Client
	name   string
}

// The caching rules that objects carry. What is kept long at the edge never
// changes under its name; a browser asks the edge each time, so that a right
// that has ended ends there, too.
const (
	cacheForever = "max-age=0, must-revalidate, s-maxage=31536000"
	cacheSeconds = "max-age=5, s-maxage=5"
	cachePoster  = "max-age=86400, s-maxage=31536000" // public, and never changes under its name
)

var contentTypes = map[string]string{
	".m3u8": "application/vnd.apple.mpegurl", ".cmfv": "video/mp4", ".cmfa": "audio/mp4", ".vtt": "text/vtt; charset=utf-8",
	".jpg": "image/jpeg", ".json": "application/json",
}

func contentType(key string) string {
	if dot := strings.LastIndexByte(key, '.'); dot >= 0 {
		if t, ok := contentTypes[key[dot:]]; ok {
			return t
		}
	}
	return "application/octet-stream"
}

var (
	errMissing = errors.New("no such object")
	errChanged = errors.New("the object has changed meanwhile")
)

// url is how MediaConvert names a key, or a folder.
func (b bucket) url(key string) string { return "s3://" + b.name + "/" + key }

// get reads a whole object of at most limit bytes. The error is errMissing for
// one that does not exist.
func (b bucket) get(ctx context.Context, key string, limit int64) (content []byte, etag string, err error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if _, ok := errors.AsType[*types.NoSuchKey](err); ok {
		return nil, "", fmt.Errorf("%s: %w", key, errMissing)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", key, err)
	}
	defer out.Body.Close()
	content, err = io.ReadAll(io.LimitReader(out.Body, limit+1))
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", key, err)
	}
	if int64(len(content)) > limit {
		return nil, "", unusable("The file %s is larger than %d bytes.", key, limit)
	}
	return content, aws.ToString(out.ETag), nil
}

// head describes an object. The error is errMissing for one that does not exist.
func (b bucket) head(ctx context.Context, key string) (o catalog.Object, err error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if _, ok := errors.AsType[*types.NotFound](err); ok {
		return o, fmt.Errorf("%s: %w", key, errMissing)
	}
	if err != nil {
		return o, fmt.Errorf("looking for %s: %w", key, err)
	}
	return catalog.Object{
		Key: key, ETag: strings.Trim(aws.ToString(out.ETag), `"`), VersionID: aws.ToString(out.VersionId), Size: aws.ToInt64(out.ContentLength),
	}, nil
}

// A writeCondition is what must hold for a write; the zero value is no
// condition.
type writeCondition struct {
	etag   string // the object is still this one
	create bool   // there is no object
}

// put writes an object. The error is errChanged if the condition does not hold.
func (b bucket) put(ctx context.Context, key string, content []byte, cache string, on writeCondition) error {
	in := &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(content), ContentLength: aws.Int64(int64(len(content))),
		ContentType: aws.String(contentType(key)),
	}
	if cache != "" {
		in.CacheControl = &cache
	}
	switch {
	case on.create:
		in.IfNoneMatch = aws.String("*")
	case on.etag != "":
		in.IfMatch = &on.etag
	}
	_, err := b.client.PutObject(ctx, in)
	switch code(err) {
	// A missing object under If-Match answers 404 (S3 user guide,
	// "Conditional writes"): it was deleted meanwhile.
	case "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey":
		return errChanged
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", key, err)
	}
	return nil
}

// An entry is an object of a listing.
type entry struct {
	key  string
	size int64
}

// list returns every object below a folder.
func (b bucket) list(ctx context.Context, folder string) (entries []entry, err error) {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &folder})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", folder, err)
		}
		for _, o := range page.Contents {
			entries = append(entries, entry{aws.ToString(o.Key), aws.ToInt64(o.Size)})
		}
	}
	return entries, nil
}

// parallel is how many requests are sent to S3 at once for one lesson. A copy
// within S3 takes some tens of milliseconds, so that it is a thousand or two a
// second, and a prefix takes 3,500 (S3 user guide, "Best practices design
// patterns"). docs/ingest.md has the arithmetic.
const parallel = 64

// connections is how many connections to S3 stay open: fewer than are used at
// once would be made again and again, with a TLS handshake each.
const connections = parallel * lessonsAtOnce

// copy copies objects from one folder to another, with the caching rule that
// MediaConvert does not write.
func (b bucket) copy(ctx context.Context, entries []entry, from, to string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, e := range entries {
		group.Go(func() error {
			target := to + strings.TrimPrefix(e.key, from)
			_, err := b.client.CopyObject(ctx, &s3.CopyObjectInput{
				Bucket: &b.name, Key: &target, CopySource: aws.String(copySource(b.name, e.key)),
				MetadataDirective: types.MetadataDirectiveReplace,
				CacheControl:      aws.String(cacheForever),
				ContentType:       aws.String(contentType(e.key)),
			})
			if code(err) == "NoSuchKey" {
				err = errMissing // another invocation removed it
			}
			if err != nil {
				return fmt.Errorf("copying %s to %s: %w", e.key, target, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func copySource(bucket, key string) string {
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return bucket + "/" + strings.Join(parts, "/")
}

// remove deletes objects. Deleting what is not there is no error.
func (b bucket) remove(ctx context.Context, keys ...string) error {
	const most = 1000 // of one call
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for part := range slices.Chunk(keys, most) {
		group.Go(func() error {
			var list []types.ObjectIdentifier
			for _, key := range part {
				list = append(list, types.ObjectIdentifier{Key: aws.String(key)})
			}
			out, err := b.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b.name, Delete: &types.Delete{Objects: list, Quiet: aws.Bool(true)}})
			if err != nil {
				return fmt.Errorf("deleting %d objects: %w", len(part), err)
			}
			if len(out.Errors) > 0 {
				e := out.Errors[0]
				return fmt.Errorf("deleting %s: %s: %s", aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message))
			}
			return nil
		})
	}
	return group.Wait()
}

// removeFolder deletes everything below a folder.
func (b bucket) removeFolder(ctx context.Context, folder string) error {
	if strings.Count(folder, "/") < 3 {
		return fmt.Errorf("deleting %q: not the folder of a version", folder)
	}
	entries, err := b.list(ctx, folder)
	if err != nil {
		return err
	}
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.key
	}
	return b.remove(ctx, keys...)
}

// reader reads parts of an object.
func (b bucket) reader(ctx context.Context, o catalog.Object) *objectReader {
	return &objectReader{ctx: ctx, bucket: b, object: o}
}

// An objectReader reads the bytes of one object as they are needed.
type objectReader struct {
	ctx    context.Context
	bucket bucket
	object catalog.Object
}

func (r *objectReader) ReadAt(p []byte, at int64) (int, error) {
	if at >= r.object.Size || len(p) == 0 {
		return 0, io.EOF
	}
	last := min(at+int64(len(p)), r.object.Size) - 1
	out, err := r.bucket.client.GetObject(r.ctx, &s3.GetObjectInput{
		Bucket: &r.bucket.name, Key: &r.object.Key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", at, last)),
		IfMatch: aws.String(`"` + strings.Trim(r.object.ETag, `"`) + `"`), // another film would have another header
	})
	if err != nil {
		return 0, &readError{fmt.Errorf("reading %s: %w", r.object.Key, err)}
	}
	defer out.Body.Close()
	n, err := io.ReadFull(out.Body, p[:last-at+1])
	if err != nil {
		return n, &readError{fmt.Errorf("reading %s: %w", r.object.Key, err)}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
