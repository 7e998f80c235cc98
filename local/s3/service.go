package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"encoding/base64"
)

// A Service serves the S3 API for buckets, with path-style requests
// (/BUCKET/KEY). It implements the operations that this project uses and
// responds to others with NotImplemented.
type Service struct {
	// Bucket finds a bucket by its name.
	Bucket func(name string) (*Bucket, bool)
	// Authorize, unless nil, decides whether a request may perform an action
	// on a resource.
	Authorize func(r *http.Request, action string, resources ...string) error
	// Created, unless nil, is called after a request creates an object.
	Created func(Created)
	// Dir is the directory for large objects and parts; empty: the system's
	// directory for temporary files.
	Dir string

	mu       sync.Mutex
	uploads  map[string]*upload
	sequence atomic.Uint64
}

// Created describes a new object, as S3's event does.
type Created struct {
	Bucket, Key, ETag string // the ETag without quotes
	Size              int64
	Sequencer         string // later ones are greater
	Reason            string // PutObject, CopyObject or CompleteMultipartUpload
}

type upload struct {
	bucket, key string
	object      Object
	parts       map[int]part
	begun       time.Time
}

type part struct {
	file string
	size int64
	sum  [md5.Size]byte
}

const (
	maxPut     = 5 << 30 // bytes, of one PutObject or part
	inMemory   = 1 << 20 // larger content goes to a file
	minPart    = 5 << 20 // all parts but the last
	maxParts   = 10000
	maxListing = 1000
)

// refusal is an error response of S3.
type refusal struct {
	status        int
	code, message string
}

func (e *refusal) Error() string { return e.code + ": " + e.message }

var (
	errNoBucket     = &refusal{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	errNoKey        = &refusal{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	errNoUpload     = &refusal{http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."}
	errPrecondition = &refusal{http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"}
	errDigest       = &refusal{http.StatusBadRequest, "BadDigest", "The checksum you specified did not match the calculated checksum."}
	errPart         = &refusal{http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."}
	errPartOrder    = &refusal{http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number."}
	errPartSize     = &refusal{http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"}
	errTooLarge     = &refusal{http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"}
	errMalformed    = &refusal{http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"}
)

func notImplemented(what string) error {
	return &refusal{http.StatusNotImplemented, "NotImplemented", "The local S3 does not support " + what + "."}
}

// ServeHTTP handles one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Server", "AmazonS3")
	header.Set("X-Amz-Request-Id", requestID())
	header.Set("X-Amz-Id-2", hostID())
	err := s.serve(w, r)
	if err == nil {
		return
	}
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		refused = &refusal{http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."}
	}
	fail(w, r, refused.status, failure{Code: refused.code, Message: refused.message})
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) error {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	b, ok := s.Bucket(name)
	if !ok {
		return errNoBucket
	}
	if !utf8.ValidString(key) || len(key) > maxKey {
		return &refusal{http.StatusBadRequest, "KeyTooLongError", "Your key is too long"}
	}
	query := r.URL.Query()
	query.Del("x-id") // the SDKs' name of the operation
	if key == "" {
		return s.serveBucket(w, r, b, query)
	}
	object := b.ARN() + "/" + key
	switch {
	case r.Method == http.MethodGet && query.Has("uploadId"):
		return s.with(r, "s3:ListMultipartUploadParts", object, func() error { return s.listParts(w, r, b, key, query.Get("uploadId")) })
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && len(query) == 0:
		if err := s.allowed(r, "s3:GetObject", object); err != nil {
			return err
		}
		if _, ok := b.get(key); !ok && s.allowed(r, "s3:ListBucket", b.ARN()) != nil {
			return &refusal{http.StatusForbidden, "AccessDenied", "Access Denied"}
		}
		b.serveObject(w, r, key)
		return nil
	case r.Method == http.MethodPut && query.Has("partNumber"):
		return s.with(r, "s3:PutObject", object, func() error { return s.putPart(w, r, b, key, query) })
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "":
		return s.with(r, "s3:PutObject", object, func() error { return s.copy(w, r, b, key) })
	case r.Method == http.MethodPut && len(query) == 0:
		return s.with(r, "s3:PutObject", object, func() error { return s.put(w, r, b, key) })
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		return s.with(r, "s3:AbortMultipartUpload", object, func() error { return s.abort(w, b, key, query.Get("uploadId")) })
	case r.Method == http.MethodDelete:
		return s.with(r, "s3:DeleteObject", object, func() error {
			b.Delete(key)
			w.WriteHeader(http.StatusNoContent)
			return nil
		})
	case r.Method == http.MethodPost && query.Has("uploads"):
		return s.with(r, "s3:PutObject", object, func() error { return s.begin(w, r, b, key) })
	case r.Method == http.MethodPost && query.Has("uploadId"):
		return s.with(r, "s3:PutObject", object, func() error { return s.complete(w, r, b, key, query.Get("uploadId")) })
	}
	return notImplemented(r.Method + " of an object with " + r.URL.RawQuery)
}

func (s *Service) serveBucket(w http.ResponseWriter, r *http.Request, b *Bucket, query url.Values) error {
	switch {
	case r.Method == http.MethodGet && query.Has("uploads"):
		return s.with(r, "s3:ListBucketMultipartUploads", b.ARN(), func() error { return s.listUploads(w, r, b, query.Get("prefix")) })
	case r.Method == http.MethodGet && query.Get("list-type") == "2":
		return s.with(r, "s3:ListBucket", b.ARN(), func() error { return list2(w, r, b, query) })
	case r.Method == http.MethodPost && query.Has("delete"):
		return s.deleteMany(w, r, b)
	case r.Method == http.MethodHead:
		return s.with(r, "s3:ListBucket", b.ARN(), func() error { return nil })
	}
	return notImplemented(r.Method + " of a bucket with " + r.URL.RawQuery)
}

func (s *Service) allowed(r *http.Request, action, resource string) error {
	if s.Authorize == nil {
		return nil
	}
	if err := s.Authorize(r, action, resource); err != nil {
		return &refusal{http.StatusForbidden, "AccessDenied", err.Error()}
	}
	return nil
}

func (s *Service) with(r *http.Request, action, resource string, do func() error) error {
	if err := s.allowed(r, action, resource); err != nil {
		return err
	}
	return do()
}

// put handles PutObject.
func (s *Service) put(w http.ResponseWriter, r *http.Request, b *Bucket, key string) error {
	content, err := s.receive(r)
	if err != nil {
		return err
	}
	object := described(r.Header)
	if content.file != "" {
		object.File = content.file
	} else {
		object.Content = content.bytes
	}
	return s.finish(w, r, b, key, object, hex.EncodeToString(content.sum[:]), content.size, "PutObject", func(etag string) {
		w.WriteHeader(http.StatusOK)
	})
}

// finish stores an object if the request's conditions hold, and calls Created.
func (s *Service) finish(w http.ResponseWriter, r *http.Request, b *Bucket, key string, object Object, etag string, size int64, reason string, answer func(etag string)) error {
	made, err := store(key, object)
	if err != nil {
		return err
	}
	made.etag = `"` + etag + `"`
	if err := b.putIf(key, made, r.Header.Get("If-Match"), r.Header.Get("If-None-Match")); err != nil {
		return err
	}
	w.Header().Set("ETag", made.etag)
	answer(made.etag)
	if s.Created != nil {
		s.Created(Created{
			Bucket: b.name, Key: key, ETag: etag, Size: size, Reason: reason,
			Sequencer: fmt.Sprintf("00%014X%04X", time.Now().UnixMicro(), s.sequence.Add(1)&0xffff),
		})
	}
	return nil
}

// putIf stores an object if the existing one matches the conditions
// (S3 user guide, "How to prevent object overwrites with conditional writes").
func (b *Bucket) putIf(key string, made stored, match, noneMatch string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	there, ok := b.objects[key]
	switch {
	case noneMatch != "" && noneMatch != "*":
		return notImplemented("If-None-Match other than *")
	case noneMatch == "*" && ok:
		return errPrecondition
	case match != "" && !ok:
		return errNoKey
	case match != "" && strings.Trim(match, `"`) != strings.Trim(there.etag, `"`):
		return errPrecondition
	}
	b.objects[key] = made
	return nil
}

// described returns an object with the metadata of a request.
func described(h http.Header) Object {
	object := Object{
		ContentType:        h.Get("Content-Type"),
		CacheControl:       h.Get("Cache-Control"),
		ContentDisposition: h.Get("Content-Disposition"),
		ContentLanguage:    h.Get("Content-Language"),
	}
	// aws-chunked is how the request was sent, not how the object is encoded.
	var encodings []string
	for e := range strings.SplitSeq(h.Get("Content-Encoding"), ",") {
		if e = strings.TrimSpace(e); e != "" && e != "aws-chunked" {
			encodings = append(encodings, e)
		}
	}
	object.ContentEncoding = strings.Join(encodings, ",")
	for name, values := range h {
		if name, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			if object.UserMetadata == nil {
				object.UserMetadata = map[string]string{}
			}
			object.UserMetadata[name] = values[0]
		}
	}
	return object
}

// received is a request's content: in memory, or in a file if it is large.
type received struct {
	bytes []byte
	file  string
	size  int64
	sum   [md5.Size]byte
}

// receive reads a request's body, plain or aws-chunked, and checks its length
// and its CRC-32.
func (s *Service) receive(r *http.Request) (received, error) {
	body := io.Reader(r.Body)
	want := r.Header.Get("X-Amz-Checksum-Crc32")
	var chunks *chunked
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		if r.Header.Get("X-Amz-Content-Sha256") != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" {
			return received{}, notImplemented("signed chunks")
		}
		chunks = newChunked(body)
		body = chunks
	}
	sum, crc := md5.New(), crc32.NewIEEE()
	body = io.TeeReader(io.LimitReader(body, maxPut+1), io.MultiWriter(sum, crc))

	var got received
	var head bytes.Buffer
	n, err := io.CopyN(&head, body, inMemory)
	got.size = n
	switch {
	case errors.Is(err, io.EOF):
		got.bytes = head.Bytes()
		if got.bytes == nil {
			got.bytes = []byte{}
		}
	case err != nil:
		return received{}, &refusal{http.StatusBadRequest, "IncompleteBody", err.Error()}
	default:
		file, err := os.CreateTemp(s.Dir, "object-*")
		if err != nil {
			return received{}, err
		}
		rest, err := io.Copy(file, io.MultiReader(&head, body))
		err = errors.Join(err, file.Close())
		if err != nil {
			os.Remove(file.Name())
			return received{}, &refusal{http.StatusBadRequest, "IncompleteBody", err.Error()}
		}
		got.file, got.size = file.Name(), rest
	}
	if chunks != nil {
		want = chunks.trailer("x-amz-checksum-crc32")
	}
	switch {
	case got.size > maxPut:
		err = errTooLarge
	case want != "" && want != base64.StdEncoding.EncodeToString(crc.Sum(nil)):
		err = errDigest
	default:
		err = nil
	}
	if length := r.Header.Get("X-Amz-Decoded-Content-Length"); err == nil && length != "" && length != strconv.FormatInt(got.size, 10) {
		err = &refusal{http.StatusBadRequest, "IncompleteBody", "The request body does not have the declared length."}
	}
	if err != nil {
		if got.file != "" {
			os.Remove(got.file)
		}
		return received{}, err
	}
	copy(got.sum[:], sum.Sum(nil))
	return got, nil
}

// copy handles CopyObject.
func (s *Service) copy(w http.ResponseWriter, r *http.Request, b *Bucket, key string) error {
	source, err := url.PathUnescape(r.Header.Get("X-Amz-Copy-Source"))
	if err != nil {
		return &refusal{http.StatusBadRequest, "InvalidArgument", "The copy source is not percent-encoded."}
	}
	source, _, _ = strings.Cut(strings.TrimPrefix(source, "/"), "?versionId=")
	name, from, _ := strings.Cut(source, "/")
	origin, ok := s.Bucket(name)
	if !ok {
		return errNoBucket
	}
	if err := s.allowed(r, "s3:GetObject", origin.ARN()+"/"+from); err != nil {
		return err
	}
	there, ok := origin.get(from)
	if !ok {
		return errNoKey
	}
	if match := r.Header.Get("X-Amz-Copy-Source-If-Match"); match != "" && strings.Trim(match, `"`) != strings.Trim(there.etag, `"`) {
		return errPrecondition
	}
	object := there.Object
	switch directive := r.Header.Get("X-Amz-Metadata-Directive"); directive {
	case "", "COPY":
	case "REPLACE":
		object = described(r.Header)
		object.Content, object.File, object.Root = there.Content, there.File, there.Root
	default:
		return &refusal{http.StatusBadRequest, "InvalidArgument", "Unknown metadata directive."}
	}
	content, err := there.open()
	if err != nil {
		return errNoKey
	}
	size, etag := content.size, strings.Trim(content.etag, `"`)
	content.Close()
	return s.finish(w, r, b, key, object, etag, size, "CopyObject", func(etag string) {
		writeXML(w, r, http.StatusOK, struct {
			XMLName      xml.Name `xml:"CopyObjectResult"`
			ETag         string
			LastModified string
		}{ETag: etag, LastModified: timestamp(time.Now())})
	})
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (s *Service) deleteMany(w http.ResponseWriter, r *http.Request, b *Bucket) error {
	content, err := s.receive(r)
	if err != nil {
		return err
	}
	var asked struct {
		Objects []struct{ Key string } `xml:"Object"`
		Quiet   bool
	}
	if err := xml.Unmarshal(content.bytes, &asked); err != nil || len(asked.Objects) == 0 || len(asked.Objects) > maxListing {
		return errMalformed
	}
	type deleted struct{ Key string }
	type failed struct{ Key, Code, Message string }
	result := struct {
		XMLName xml.Name `xml:"DeleteResult"`
		Deleted []deleted
		Error   []failed
	}{}
	for _, o := range asked.Objects {
		if err := s.allowed(r, "s3:DeleteObject", b.ARN()+"/"+o.Key); err != nil {
			result.Error = append(result.Error, failed{o.Key, "AccessDenied", err.Error()})
			continue
		}
		b.Delete(o.Key)
		if !asked.Quiet {
			result.Deleted = append(result.Deleted, deleted{o.Key})
		}
	}
	writeXML(w, r, http.StatusOK, result)
	return nil
}

// list2 handles ListObjectsV2.
func list2(w http.ResponseWriter, r *http.Request, b *Bucket, query url.Values) error {
	type entry struct {
		Key, LastModified, ETag string
		Size                    int64
		StorageClass            string
	}
	type common struct{ Prefix string }
	result := struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name, Prefix          string
		Delimiter             string `xml:",omitempty"`
		MaxKeys, KeyCount     int
		IsTruncated           bool
		NextContinuationToken string   `xml:",omitempty"`
		EncodingType          string   `xml:",omitempty"`
		Contents              []entry  `xml:",omitempty"`
		CommonPrefixes        []common `xml:",omitempty"`
	}{Name: b.name, Prefix: query.Get("prefix"), Delimiter: query.Get("delimiter"), MaxKeys: maxListing}
	if text := query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return &refusal{http.StatusBadRequest, "InvalidArgument", "max-keys is not a number."}
		}
		result.MaxKeys = min(n, maxListing)
	}
	after := query.Get("start-after")
	if token := query.Get("continuation-token"); token != "" {
		decoded, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return &refusal{http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect"}
		}
		after = string(decoded)
	}
	encode := func(s string) string { return s }
	if query.Get("encoding-type") == "url" {
		result.EncodingType, encode = "url", url.QueryEscape
	}
	last := ""
	for _, key := range b.List(result.Prefix) {
		if key <= after || after != "" && result.Delimiter != "" && strings.HasSuffix(after, result.Delimiter) && strings.HasPrefix(key, after) {
			continue
		}
		folder := ""
		if result.Delimiter != "" {
			if head, _, ok := strings.Cut(key[len(result.Prefix):], result.Delimiter); ok {
				folder = result.Prefix + head + result.Delimiter
			}
		}
		if folder != "" && folder == last {
			continue
		}
		if result.KeyCount == result.MaxKeys {
			result.IsTruncated = true
			result.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(last))
			break
		}
		result.KeyCount++
		if folder != "" {
			last = folder
			result.CommonPrefixes = append(result.CommonPrefixes, common{encode(folder)})
			continue
		}
		last = key
		object, ok := b.get(key)
		if !ok {
			continue
		}
		content, err := object.open()
		if err != nil {
			continue
		}
		content.Close()
		result.Contents = append(result.Contents, entry{encode(key), timestamp(content.modified), content.etag, content.size, "STANDARD"})
	}
	writeXML(w, r, http.StatusOK, result)
	return nil
}

// begin handles CreateMultipartUpload.
func (s *Service) begin(w http.ResponseWriter, r *http.Request, b *Bucket, key string) error {
	id := strings.ToLower(requestID() + requestID())
	s.mu.Lock()
	if s.uploads == nil {
		s.uploads = map[string]*upload{}
	}
	s.uploads[id] = &upload{bucket: b.name, key: key, object: described(r.Header), parts: map[int]part{}, begun: time.Now()}
	s.mu.Unlock()
	writeXML(w, r, http.StatusOK, struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: b.name, Key: key, UploadId: id})
	return nil
}

func (s *Service) upload(b *Bucket, key, id string) (*upload, error) {
	u := s.uploads[id]
	if u == nil || u.bucket != b.name || u.key != key {
		return nil, errNoUpload
	}
	return u, nil
}

func (s *Service) putPart(w http.ResponseWriter, r *http.Request, b *Bucket, key string, query url.Values) error {
	number, err := strconv.Atoi(query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return &refusal{http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"}
	}
	content, err := s.receive(r)
	if err != nil {
		return err
	}
	if content.file == "" {
		file, err := os.CreateTemp(s.Dir, "part-*")
		if err != nil {
			return err
		}
		_, err = file.Write(content.bytes)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
		content.file = file.Name()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(b, key, query.Get("uploadId"))
	if err != nil {
		os.Remove(content.file)
		return err
	}
	if old, ok := u.parts[number]; ok {
		os.Remove(old.file)
	}
	u.parts[number] = part{content.file, content.size, content.sum}
	w.Header().Set("ETag", `"`+hex.EncodeToString(content.sum[:])+`"`)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) complete(w http.ResponseWriter, r *http.Request, b *Bucket, key, id string) error {
	content, err := s.receive(r)
	if err != nil {
		return err
	}
	var asked struct {
		Parts []struct {
			PartNumber int
			ETag       string
		} `xml:"Part"`
	}
	if err := xml.Unmarshal(content.bytes, &asked); err != nil || len(asked.Parts) == 0 {
		return errMalformed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.upload(b, key, id)
	if err != nil {
		return err
	}
	for i, p := range asked.Parts[1:] {
		if p.PartNumber <= asked.Parts[i].PartNumber {
			return errPartOrder
		}
	}
	sum := md5.New()
	var size int64
	for i, p := range asked.Parts {
		have, ok := u.parts[p.PartNumber]
		switch {
		case !ok || strings.Trim(p.ETag, `"`) != hex.EncodeToString(have.sum[:]):
			return errPart
		case i < len(asked.Parts)-1 && have.size < minPart:
			return errPartSize
		}
		sum.Write(have.sum[:])
		size += have.size
	}
	file, err := os.CreateTemp(s.Dir, "object-*")
	if err != nil {
		return err
	}
	for _, p := range asked.Parts {
		if err := appendFile(file, u.parts[p.PartNumber].file); err != nil {
			return errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}
	if err := file.Close(); err != nil {
		return err
	}
	object := u.object
	object.File = file.Name()
	etag := fmt.Sprintf("%x-%d", sum.Sum(nil), len(asked.Parts))
	err = s.finish(w, r, b, key, object, etag, size, "CompleteMultipartUpload", func(etag string) {
		writeXML(w, r, http.StatusOK, struct {
			XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
			Bucket, Key, ETag string
		}{Bucket: b.name, Key: key, ETag: etag})
	})
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	s.forget(id)
	return nil
}

func appendFile(to *os.File, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(to, file)
	return err
}

// forget removes an upload and its parts. The caller holds the lock.
func (s *Service) forget(id string) {
	for _, p := range s.uploads[id].parts {
		os.Remove(p.file)
	}
	delete(s.uploads, id)
}

func (s *Service) abort(w http.ResponseWriter, b *Bucket, key, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.upload(b, key, id); err != nil {
		return err
	}
	s.forget(id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) listParts(w http.ResponseWriter, r *http.Request, b *Bucket, key, id string) error {
	type entry struct {
		PartNumber int
		ETag       string
		Size       int64
	}
	result := struct {
		XMLName               xml.Name `xml:"ListPartsResult"`
		Bucket, Key, UploadId string
		IsTruncated           bool
		Part                  []entry
	}{Bucket: b.name, Key: key, UploadId: id}
	s.mu.Lock()
	u, err := s.upload(b, key, id)
	if err == nil {
		for number, p := range u.parts {
			result.Part = append(result.Part, entry{number, `"` + hex.EncodeToString(p.sum[:]) + `"`, p.size})
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	slices.SortFunc(result.Part, func(a, b entry) int { return a.PartNumber - b.PartNumber })
	writeXML(w, r, http.StatusOK, result)
	return nil
}

func (s *Service) listUploads(w http.ResponseWriter, r *http.Request, b *Bucket, prefix string) error {
	type entry struct{ Key, UploadId, Initiated string }
	result := struct {
		XMLName     xml.Name `xml:"ListMultipartUploadsResult"`
		Bucket      string
		Prefix      string
		IsTruncated bool
		Upload      []entry
	}{Bucket: b.name, Prefix: prefix}
	s.mu.Lock()
	for id, u := range s.uploads {
		if u.bucket == b.name && strings.HasPrefix(u.key, prefix) {
			result.Upload = append(result.Upload, entry{u.key, id, timestamp(u.begun)})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(result.Upload, func(a, b entry) int { return strings.Compare(a.Key+a.Initiated, b.Key+b.Initiated) })
	writeXML(w, r, http.StatusOK, result)
	return nil
}
