package s3

import (
	"net/http"
	"slices"
	"strings"
)

// A CORSRule is a rule of the bucket's CORS configuration. Origins are full
// origins, without wildcards.
type CORSRule struct{ Origins, Methods, Expose []string }

// SetCORS replaces the bucket's CORS configuration.
func (b *Bucket) SetCORS(rules []CORSRule) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cors = rules
}

// setCORS adds the headers of the first rule that fits a cross-origin request.
// As S3 does for an origin that a rule names, it allows credentials (Amazon S3
// user guide, "Using cross-origin resource sharing").
func (b *Bucket) setCORS(header http.Header, r *http.Request) {
	b.mu.RLock()
	rules := b.cors
	b.mu.RUnlock()
	if len(rules) == 0 {
		return
	}
	header.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
	origin := r.Header.Get("Origin")
	for _, rule := range rules {
		if origin == "" || !slices.Contains(rule.Origins, origin) || !slices.Contains(rule.Methods, r.Method) {
			continue
		}
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Allow-Methods", strings.Join(rule.Methods, ", "))
		header.Set("Access-Control-Allow-Credentials", "true")
		if len(rule.Expose) > 0 {
			header.Set("Access-Control-Expose-Headers", strings.Join(rule.Expose, ", "))
		}
		return
	}
}
