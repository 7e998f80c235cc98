package cloudfront

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// LogHeader begins each file of the standard log (CloudFront developer guide,
// "Standard log file fields").
const LogHeader = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n"

// A Transfer has the fields of the standard log that an [Entry] does not have.
type Transfer struct {
	ID            string // of the request
	Scheme        string
	Protocol      string // HTTP/1.1 or HTTP/2.0
	Agent         string
	Referer       string
	ForwardedFor  string
	TLS, Cipher   string
	RequestBytes  int
	FirstByte     time.Duration
	ContentType   string
	ContentLength string
	Range         string // of the response
}

// request records the log fields of a request.
func (t *Transfer) request(v *visit) {
	r := v.r
	t.ID, t.Scheme, t.Protocol = v.id, v.scheme, r.Proto
	t.Agent, t.Referer, t.ForwardedFor = r.UserAgent(), r.Referer(), r.Header.Get("X-Forwarded-For")
	if r.TLS != nil {
		t.TLS, t.Cipher = strings.ReplaceAll(tls.VersionName(r.TLS.Version), "TLS 1", "TLSv1"), tls.CipherSuiteName(r.TLS.CipherSuite)
	}
	t.RequestBytes = len(r.Method) + len(v.path) + len(v.rawQuery) + len(r.Proto) + len("  \r\nHost: \r\n\r\n") + len(r.Host) + int(max(r.ContentLength, 0))
	for name, values := range r.Header {
		for _, value := range values {
			t.RequestBytes += len(name) + len(value) + len(": \r\n")
		}
	}
}

// response records the log fields of a response.
func (t *Transfer) response(header http.Header, taken time.Duration) {
	t.FirstByte = taken
	t.ContentType, t.ContentLength, t.Range = header.Get("Content-Type"), header.Get("Content-Length"), header.Get("Content-Range")
}

// LogLine returns the request as a line of a distribution's standard log.
// Cookies are not logged.
func (e Entry) LogLine(domain string) string {
	path, query, _ := strings.Cut(e.Path, "?")
	at := e.Time.Add(e.Duration).UTC()
	first, last := "-", "-"
	if span, ok := strings.CutPrefix(e.Transfer.Range, "bytes "); ok {
		span, _, _ = strings.Cut(span, "/")
		if a, b, ok := strings.Cut(span, "-"); ok {
			first, last = a, b
		}
	}
	result := cmp.Or(e.Result, "Error")
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
	fields := []string{
		at.Format("2006-01-02"), at.Format("15:04:05"), "LOCAL50-C1", strconv.FormatInt(e.Bytes, 10), e.Viewer.Addr().String(), e.Method,
		domain, path, fmt.Sprintf("%03d", e.Status), e.Transfer.Referer, e.Transfer.Agent, query, "", result, e.Transfer.ID,
		e.Host, e.Transfer.Scheme, strconv.Itoa(e.Transfer.RequestBytes), seconds(e.Duration), e.Transfer.ForwardedFor, e.Transfer.TLS, e.Transfer.Cipher,
		result, e.Transfer.Protocol, "", "", strconv.Itoa(int(e.Viewer.Port())), seconds(e.Transfer.FirstByte), result,
		e.Transfer.ContentType, e.Transfer.ContentLength, first, last,
	}
	for i, field := range fields {
		fields[i] = cmp.Or(logged(field), "-")
	}
	return strings.Join(fields, "\t") + "\n"
}

// logged encodes characters that a log line cannot contain (the same page, "URL
// encoding").
func logged(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"#%{}|\\^~[]`'", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
