package local

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"premiumhls/internal/link"
	"premiumhls/internal/localrun"
)

// maxRefusals and maxRefusalBody limit the stored error responses.
const (
	maxRefusals    = 200
	maxRefusalBody = 4 << 10
)

// refusals are the last requests with an error response, for premium explain.
// They contain cookies and tokens, so they stay in memory and are served on this
// machine only.
type refusals struct {
	mu   sync.Mutex
	list []localrun.Refusal // the newest last
}

func (s *refusals) add(r localrun.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) == maxRefusals {
		s.list = append(s.list[:0], s.list[1:]...)
	}
	s.list = append(s.list, r)
}

// ServeHTTP responds with the newest refusal of the URL in the query.
func (s *refusals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A page in a browser cannot read this: it sends no CORS headers.
	address := link.Redact(r.URL.Query().Get("url"))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.list) - 1; i >= 0; i-- {
		if link.Redact(s.list[i].URL) == address {
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(s.list[i]) // the caller sees a broken response
			return
		}
	}
	http.NotFound(w, r)
}

// record wraps a handler and stores its error responses. Scheme and host are
// those of the site.
func (s *refusals) record(site string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		recorder := &recorder{ResponseWriter: w}
		header := r.Header.Clone()
		next.ServeHTTP(recorder, r)
		if recorder.status < 400 {
			return
		}
		viewer, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			viewer = ""
		}
		s.add(localrun.Refusal{
			Time: began, Method: r.Method, URL: site + r.RequestURI, Header: header, Viewer: viewer,
			Status: recorder.status, Response: w.Header().Clone(), Body: string(recorder.body),
		})
	})
}

// A recorder stores the status and the beginning of the body of an error
// response.
type recorder struct {
	http.ResponseWriter
	status int
	body   []byte
}

func (r *recorder) WriteHeader(status int) {
	if r.status < 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.status >= 400 && len(r.body) < maxRefusalBody {
		r.body = append(r.body, p[:min(len(p), maxRefusalBody-len(r.body))]...)
	}
	return r.ResponseWriter.Write(p)
}

// ReadFrom copies a file to the connection without reading it into memory.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status >= 400 {
		return io.Copy(writerOnly{r}, src)
	}
	return io.Copy(r.ResponseWriter, src)
}

// writerOnly hides ReadFrom from io.Copy.
type writerOnly struct{ io.Writer }

// Unwrap returns the wrapped writer, for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
