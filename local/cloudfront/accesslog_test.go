package cloudfront

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A line of the access log has CloudFront's fields, in its order and encoding.
func TestLogLine(t *testing.T) {
	names := strings.Fields(strings.Split(strings.TrimSpace(LogHeader), "#Fields: ")[1])
	e := newCachingEdge(nil, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "video/mp2t")
		io.WriteString(w, "0123456789")
	})
	e.get("/a")
	e.get("/a?v=1", "Range", "bytes=2-4", "User-Agent", "A (b)\tc", "Cookie", "secret=1")
	line := e.last.LogLine("d111.cloudfront.net")
	values := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if len(values) != len(names) || len(names) != 33 {
		t.Fatalf("%d values for %d fields: %q", len(values), len(names), line)
	}
	for i, name := range names {
		want, ok := map[string]string{
			"date": "2026-11-23", "time": "10:00:00", "sc-bytes": "3", "c-ip": "192.0.2.1", "c-port": "1234", "cs-method": "GET", "cs(Host)": "d111.cloudfront.net",
			"cs-uri-stem": "/a", "cs-uri-query": "v=1", "sc-status": "206", "cs(User-Agent)": "A%20(b)%09c", "cs(Referer)": "-", "cs(Cookie)": "-",
			"x-edge-result-type": "Hit", "x-host-header": host, "cs-protocol": "https", "cs-protocol-version": "HTTP/1.1",
			"sc-content-type": "video/mp2t", "sc-content-len": "3", "sc-range-start": "2", "sc-range-end": "4",
		}[name]
		if ok && values[i] != want {
			t.Errorf("%s is %q, want %q", name, values[i], want)
		}
	}
	if strings.Contains(line, "secret") {
		t.Error("the log has cookies")
	}
}
