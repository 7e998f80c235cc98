package s3

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ServeHTTP responds as S3 does to a caller that may get objects and list the
// bucket: GET and HEAD of an object, 404 NoSuchKey for a missing one, 405 for
// other methods. The key is the request's path without its first slash,
// percent-decoded once: ".." and "//" have no meaning. Do not put it behind a
// handler that cleans paths (http.ServeMux): keys would differ from S3.
//
// As in S3, a GET of "/" lists the bucket, so that a test notices an origin that
// forwards "/".
func (b *Bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.serve(w, r, func(string, string) error { return nil })
}

// As returns the bucket for a caller whose actions authorize decides by ARN. A
// denied action gets 403, and so does a missing object if the caller may not
// list the bucket.
func (b *Bucket) As(authorize func(action, resource string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.serve(w, r, authorize) })
}

// ARN is the bucket's ARN.
func (b *Bucket) ARN() string { return "arn:aws:s3:::" + b.name }

// permitted reports whether a request is allowed, and responds if it is not
// (S3 API reference, "GetObject", on the status of a missing object).
func (b *Bucket) permitted(w http.ResponseWriter, r *http.Request, key string, authorize func(action, resource string) error) bool {
	var err error
	if key == "" {
		err = authorize("s3:ListBucket", b.ARN())
	} else if err = authorize("s3:GetObject", b.ARN()+"/"+key); err == nil {
		if _, ok := b.get(key); !ok {
			err = authorize("s3:ListBucket", b.ARN())
		}
	}
	if err != nil {
		fail(w, r, http.StatusForbidden, failure{Code: "AccessDenied", Message: "Access Denied"})
		return false
	}
	return true
}

func (b *Bucket) serve(w http.ResponseWriter, r *http.Request, authorize func(action, resource string) error) {
	header := w.Header()
	header.Set("Server", "AmazonS3")
	header.Set("X-Amz-Request-Id", requestID())
	header.Set("X-Amz-Id-2", hostID())

	b.setCORS(header, r)
	key, ok := strings.CutPrefix(r.URL.Path, "/")
	switch {
	case !ok || !utf8.ValidString(key):
		fail(w, r, http.StatusBadRequest, failure{Code: "InvalidURI", Message: "Couldn't parse the specified URI.", URI: r.URL.EscapedPath()})
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		resource := "OBJECT"
		if key == "" {
			resource = "BUCKET"
		}
		header.Set("Allow", "GET, HEAD")
		fail(w, r, http.StatusMethodNotAllowed, failure{
			Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.",
			Method: r.Method, ResourceType: resource,
		})
	case len(key) > maxKey:
		fail(w, r, http.StatusBadRequest, failure{
			Code: "KeyTooLongError", Message: "Your key is too long", Size: strconv.Itoa(len(key)), MaxSizeAllowed: strconv.Itoa(maxKey),
		})
	case !b.permitted(w, r, key, authorize):
	case key == "":
		b.list(w, r)
	default:
		b.serveObject(w, r, key)
	}
}

func (b *Bucket) serveObject(w http.ResponseWriter, r *http.Request, key string) {
	object, ok := b.get(key)
	if !ok {
		notFound(w, r, key)
		return
	}
	content, err := object.open()
	if errors.Is(err, fs.ErrNotExist) {
		notFound(w, r, key) // the file was deleted after Put
		return
	}
	if err != nil {
		b.log.Error("opening an object", "bucket", b.name, "key", key, "error", err)
		fail(w, r, http.StatusInternalServerError, failure{Code: "InternalError", Message: "We encountered an internal error. Please try again."})
		return
	}
	defer content.Close()

	header := w.Header()
	header.Set("ETag", content.etag)
	header.Set("Last-Modified", content.modified.Format(http.TimeFormat))
	for name, value := range map[string]string{
		"Cache-Control": object.CacheControl, "Content-Disposition": object.ContentDisposition,
		"Content-Encoding": object.ContentEncoding, "Content-Language": object.ContentLanguage,
	} {
		if value != "" {
			header.Set(name, value)
		}
	}

	switch condition, name := precondition(r.Header, content.etag, content.modified); condition {
	case http.StatusNotModified:
		w.WriteHeader(condition)
		return
	case http.StatusPreconditionFailed:
		fail(w, r, condition, failure{
			Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold", Condition: name,
		})
		return
	}

	start, length, status := int64(0), content.size, http.StatusOK
	if asked := r.Header.Get("Range"); asked != "" && rangeApplies(r.Header, content.etag, content.modified) {
		var kind rangeKind
		switch start, length, kind = parseRange(asked, content.size); kind {
		case unsatisfiable:
			header.Set("Content-Range", fmt.Sprintf("bytes */%d", content.size))
			fail(w, r, http.StatusRequestedRangeNotSatisfiable, failure{
				Code: "InvalidRange", Message: "The requested range is not satisfiable",
				RangeRequested: asked, ActualObjectSize: strconv.FormatInt(content.size, 10),
			})
			return
		case partial:
			header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, start+length-1, content.size))
			status = http.StatusPartialContent
		}
	}
	for name, value := range object.UserMetadata {
		header.Set("X-Amz-Meta-"+name, value)
	}
	header.Set("Accept-Ranges", "bytes")
	header.Set("X-Amz-Server-Side-Encryption", "AES256")
	header.Set("Content-Type", object.ContentType)
	if object.ContentType == "" {
		header.Set("Content-Type", defaultContentType)
	}
	header.Set("Content-Length", strconv.FormatInt(length, 10))
	if _, err := content.Seek(start, io.SeekStart); err != nil {
		b.log.Error("reading an object", "bucket", b.name, "key", key, "error", err)
		header.Del("Content-Length")
		fail(w, r, http.StatusInternalServerError, failure{Code: "InternalError", Message: "We encountered an internal error. Please try again."})
		return
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	// Ignore the error: the viewer disconnected, or the file became shorter
	// than Content-Length, and then the server closes the connection.
	_, _ = io.CopyN(w, content, length)
}

// precondition evaluates the conditional headers in the order of RFC 9110,
// section 13.2.2. It returns 0 if the request continues, and with 412 the header
// that failed.
func precondition(h http.Header, etag string, modified time.Time) (int, string) {
	if match := h.Get("If-Match"); match != "" {
		if !matches(match, etag, false) {
			return http.StatusPreconditionFailed, "If-Match"
		}
	} else if since, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && modified.After(since) {
		return http.StatusPreconditionFailed, "If-Unmodified-Since"
	}
	if match := h.Get("If-None-Match"); match != "" {
		if matches(match, etag, true) {
			return http.StatusNotModified, ""
		}
	} else if since, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !modified.After(since) {
		return http.StatusNotModified, ""
	}
	return 0, ""
}

// matches reports whether a list of entity tags has etag, or is "*". Weak tags
// count only in a weak comparison.
func matches(list, etag string, weak bool) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if weak {
			tag = strings.TrimPrefix(tag, "W/")
		}
		// S3 also accepts a tag without quotes.
		if tag == "*" || tag == etag || tag == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}

// rangeApplies evaluates If-Range: if the object has changed, the whole object
// is sent.
func rangeApplies(h http.Header, etag string, modified time.Time) bool {
	condition := h.Get("If-Range")
	if condition == "" || condition == etag {
		return true
	}
	since, err := http.ParseTime(condition)
	return err == nil && since.Equal(modified)
}

type rangeKind int

const (
	whole         rangeKind = iota // no usable range: the whole object
	partial                        // a range inside the object
	unsatisfiable                  // a range outside it
)

// parseRange reads a Range header. A malformed header, or one with several
// ranges, which S3 does not support, means the whole object.
func parseRange(header string, size int64) (start, length int64, kind rangeKind) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !dash || !digits(first) || !digits(last) || first+last == "" {
		return 0, size, whole
	}
	begin, end := position(first), position(last)
	if first == "" {
		// The last n bytes.
		if end == 0 || size == 0 {
			return 0, size, unsatisfiable
		}
		length = min(end, size)
		return size - length, length, partial
	}
	if last == "" {
		end = size - 1
	} else if end < begin {
		return 0, size, whole
	}
	if begin >= size {
		return 0, size, unsatisfiable
	}
	return begin, min(end, size-1) - begin + 1, partial
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// position parses digits. A number that overflows is a position after the end
// of any object.
func position(digits string) int64 {
	n, _ := strconv.ParseInt(digits, 10, 64) // too large: the largest int64
	return n
}

// failure is S3's error document.
type failure struct {
	XMLName          xml.Name `xml:"Error"`
	Code             string   `xml:"Code"`
	Message          string   `xml:"Message"`
	Key              string   `xml:"Key,omitempty"`
	URI              string   `xml:"URI,omitempty"`
	Method           string   `xml:"Method,omitempty"`
	ResourceType     string   `xml:"ResourceType,omitempty"`
	Condition        string   `xml:"Condition,omitempty"`
	RangeRequested   string   `xml:"RangeRequested,omitempty"`
	ActualObjectSize string   `xml:"ActualObjectSize,omitempty"`
	Size             string   `xml:"Size,omitempty"`
	MaxSizeAllowed   string   `xml:"MaxSizeAllowed,omitempty"`
	RequestID        string   `xml:"RequestId"`
	HostID           string   `xml:"HostId"`
}

func notFound(w http.ResponseWriter, r *http.Request, key string) {
	fail(w, r, http.StatusNotFound, failure{Code: "NoSuchKey", Message: "The specified key does not exist.", Key: key})
}

func fail(w http.ResponseWriter, r *http.Request, status int, f failure) {
	header := w.Header()
	// Remove headers that describe the object.
	for _, name := range []string{"Etag", "Last-Modified", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language"} {
		header.Del(name)
	}
	f.RequestID, f.HostID = header.Get("X-Amz-Request-Id"), header.Get("X-Amz-Id-2")
	writeXML(w, r, status, f)
}

// contents is an entry of a listing.
type contents struct {
	Key string `xml:"Key"`
}

type listing struct {
	XMLName     xml.Name   `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name        string     `xml:"Name"`
	Prefix      string     `xml:"Prefix"`
	MaxKeys     int        `xml:"MaxKeys"`
	IsTruncated bool       `xml:"IsTruncated"`
	Contents    []contents `xml:"Contents"`
}

// list responds with the first thousand keys. It ignores the query.
func (b *Bucket) list(w http.ResponseWriter, r *http.Request) {
	const most = 1000
	result := listing{Name: b.name, MaxKeys: most}
	for _, key := range b.List("") {
		if len(result.Contents) == most {
			result.IsTruncated = true
			break
		}
		result.Contents = append(result.Contents, contents{key})
	}
	writeXML(w, r, http.StatusOK, result)
}

func writeXML(w http.ResponseWriter, r *http.Request, status int, document any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(document) // fails only if the viewer disconnected
}

func requestID() string {
	var id [8]byte
	rand.Read(id[:])
	return strings.ToUpper(hex.EncodeToString(id[:]))
}

func hostID() string {
	var id [48]byte
	rand.Read(id[:])
	return base64.StdEncoding.EncodeToString(id[:])
}
