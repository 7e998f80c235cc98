package videos

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"premiumhls/internal/catalog"
)

// A File is a file of this machine that belongs to a course.
type File struct {
	Path   string // on this machine
	Key    string // in the bucket
	Size   int64
	Upload catalog.Upload

	// Set by Upload: what S3 calls the content, and whether it was sent; if not,
	// the bucket had it.
	ETag string
	Sent bool
}

// Name is the file's name without its folder.
func (f File) Name() string { return filepath.Base(f.Path) }

// extensions are those of files that can belong to a course.
var extensions = []string{".mp4", ".mov", ".mkv", ".webm", ".vtt", ".srt", ".jpg", ".jpeg", ".json"}

// IsFilm reports whether a file's name is a film's.
func IsFilm(name string) bool {
	return slices.Contains(extensions[:4], strings.ToLower(filepath.Ext(name)))
}

// Find returns the files of a folder that belong to a course, and the names of
// those that do not. A name that cannot be published, and two films for one
// lesson, are errors.
func Find(dir, course string) (files []File, others []string, err error) {
	if strings.Contains(course, "/") {
		return nil, nil, fmt.Errorf("course: invalid value %q: must not contain a slash", course)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	var errs []error
	names := map[string]string{} // of lessons, by path
	films := map[string]string{} // files, by path
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !info.Mode().IsRegular() || !slices.Contains(extensions, strings.ToLower(filepath.Ext(name))) {
			others = append(others, name)
			continue
		}
		f := File{Path: filepath.Join(dir, name), Key: catalog.Prefix + course + "/" + name, Size: info.Size()}
		f.Upload, err = catalog.ParseUpload(f.Key)
		if errors.Is(err, catalog.ErrIgnored) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if f.Upload.Kind == catalog.Film {
			if other, ok := films[f.Upload.Path()]; ok {
				errs = append(errs, fmt.Errorf("%s and %s are both the film of the lesson %s: keep one", other, name, f.Upload.Path()))
			}
			films[f.Upload.Path()] = name
		}
		if f.Upload.Lesson != "" {
			other, ok := names[f.Upload.Path()]
			if ok && !catalog.SameName(other, f.Upload.LessonName) {
				errs = append(errs, fmt.Errorf("%q and %q become the same address %s: rename one", other, f.Upload.LessonName, f.Upload.Path()))
			}
			names[f.Upload.Path()] = f.Upload.LessonName
		}
		files = append(files, f)
	}
	return files, others, errors.Join(errs...)
}

const (
	partSize = 16 << 20 // bytes; a larger file is uploaded in parts
	maxParts = 10000
)

// partBytes is the size of the parts of a file: the same at every attempt, so
// that an interrupted upload can go on.
func partBytes(size int64) int64 {
	part := int64(partSize)
	for size > part*maxParts {
		part *= 2
	}
	return part
}

// An Uploader uploads files.
type Uploader struct {
	Site *Site
	// Parts is how many parts of one file are uploaded at once; zero: 4.
	Parts int
}

// Upload uploads a file unless the bucket has the same content under its key. A
// large file is uploaded in parts; parts that an interrupted upload left behind
// are used. Progress, which is called concurrently, gets bytes as they are sent,
// and a negative number before some are sent again; at the end their sum is the
// file's size. The file's ETag and Sent are set.
func (u Uploader) Upload(ctx context.Context, f *File, progress func(bytes int64)) error {
	content, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer content.Close()
	part := partBytes(f.Size)
	multipart := f.Size > part
	head, err := u.Site.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &u.Site.Bucket, Key: &f.Key})
	if _, missing := errors.AsType[*types.NotFound](err); err != nil && !missing {
		return fmt.Errorf("looking for s3://%s/%s: %w", u.Site.Bucket, f.Key, err)
	}
	if err == nil && aws.ToInt64(head.ContentLength) == f.Size {
		sums, err := digests(ctx, f, part)
		if err != nil {
			return err
		}
		if f.ETag = etag(sums, multipart); strings.Trim(aws.ToString(head.ETag), `"`) == f.ETag {
			progress(f.Size)
			return nil
		}
	}
	if !multipart {
		// The SDK sends what follows the file's offset.
		body := &countedReader{io.NewSectionReader(content, 0, f.Size), 0, progress}
		out, err := u.Site.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &u.Site.Bucket, Key: &f.Key, Body: body})
		if err != nil {
			return fmt.Errorf("uploading %s: %w", f.Path, err)
		}
		f.ETag, f.Sent = strings.Trim(aws.ToString(out.ETag), `"`), true
		return nil
	}
	if err := u.parts(ctx, f, content, part, progress); err != nil {
		return fmt.Errorf("uploading %s: %w", f.Path, err)
	}
	f.Sent = true
	return nil
}

// A countedReader reports how far it was read. Without it, a slow line would show
// nothing for the minutes that a part takes.
type countedReader struct {
	*io.SectionReader
	reported int64
	progress func(bytes int64)
}

func (r *countedReader) Read(p []byte) (int, error) {
	at, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	n, err := r.SectionReader.Read(p)
	// The SDK reads again to try again, and over plain HTTP to sign.
	if at += int64(n); at != r.reported {
		r.progress(at - r.reported)
		r.reported = at
	}
	return n, err
}

// digests are the MD5 sums of a file's parts; of an empty file that of nothing.
func digests(ctx context.Context, f *File, part int64) (sums [][]byte, err error) {
	content, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	for {
		sum := md5.New()
		n, err := io.Copy(sum, io.LimitReader(content, part))
		if err != nil || ctx.Err() != nil {
			return nil, fmt.Errorf("reading %s: %w", f.Path, errors.Join(err, ctx.Err()))
		}
		if n == 0 && len(sums) > 0 {
			return sums, nil
		}
		sums = append(sums, sum.Sum(nil))
		if n < part {
			return sums, nil
		}
	}
}

// etag is what S3 calls the content of parts with these sums.
func etag(sums [][]byte, multipart bool) string {
	if !multipart {
		return hex.EncodeToString(sums[0])
	}
	all := md5.New()
	for _, sum := range sums {
		all.Write(sum)
	}
	return fmt.Sprintf("%x-%d", all.Sum(nil), len(sums))
}

// parts uploads a file in parts.
func (u Uploader) parts(ctx context.Context, f *File, content io.ReaderAt, part int64, progress func(int64)) error {
	id, have, err := u.interrupted(ctx, f, part)
	if err != nil {
		return err
	}
	if id == "" {
		begun, err := u.Site.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &u.Site.Bucket, Key: &f.Key})
		if err != nil {
			return err
		}
		id = *begun.UploadId
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	var mu sync.Mutex
	completed := make([]types.CompletedPart, (f.Size+part-1)/part)
	slots := make(chan struct{}, max(u.Parts, 1))
	if u.Parts == 0 {
		slots = make(chan struct{}, 4)
	}
	for i := range completed {
		number, offset := int32(i+1), int64(i)*part
		size := min(part, f.Size-offset)
		if etag, ok := have[number]; ok {
			completed[i] = types.CompletedPart{PartNumber: &number, ETag: &etag}
			progress(size)
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			body := &countedReader{io.NewSectionReader(content, offset, size), 0, progress}
			out, err := u.Site.S3.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: &u.Site.Bucket, Key: &f.Key, UploadId: &id, PartNumber: &number, Body: body,
			})
			if err != nil {
				cancel(fmt.Errorf("part %d: %w", number, err))
				return
			}
			mu.Lock()
			completed[i] = types.CompletedPart{PartNumber: &number, ETag: out.ETag}
			mu.Unlock()
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return err // the parts stay, for the next attempt
	}
	out, err := u.Site.S3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.Site.Bucket, Key: &f.Key, UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: completed},
	})
	if err == nil {
		f.ETag = strings.Trim(aws.ToString(out.ETag), `"`)
	}
	return err
}

// interrupted finds an upload of the file that was begun, with parts of the same
// content. Parts of other content are uploaded again.
func (u Uploader) interrupted(ctx context.Context, f *File, part int64) (id string, have map[int32]string, err error) {
	begun, err := u.Site.S3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &u.Site.Bucket, Prefix: &f.Key})
	if err != nil {
		return "", nil, err
	}
	others := func(u types.MultipartUpload) bool { return aws.ToString(u.Key) != f.Key }
	uploads := slices.DeleteFunc(begun.Uploads, others)
	if len(uploads) == 0 {
		return "", nil, nil // the file need not be read to compare
	}
	sums, err := digests(ctx, f, part)
	if err != nil {
		return "", nil, err
	}
	for _, upload := range uploads {
		found := map[int32]string{}
		pages := s3.NewListPartsPaginator(u.Site.S3, &s3.ListPartsInput{Bucket: &u.Site.Bucket, Key: &f.Key, UploadId: upload.UploadId})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if _, gone := errors.AsType[*types.NoSuchUpload](err); gone {
				break
			}
			if err != nil {
				return "", nil, err
			}
			for _, p := range page.Parts {
				n := int(aws.ToInt32(p.PartNumber))
				if n >= 1 && n <= len(sums) && strings.Trim(aws.ToString(p.ETag), `"`) == hex.EncodeToString(sums[n-1]) {
					found[int32(n)] = *p.ETag
				}
			}
		}
		if len(found) > len(have) {
			id, have = *upload.UploadId, found
		}
	}
	return id, have, nil
}
