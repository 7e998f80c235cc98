package sitetest

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"

	"premiumhls/local/cloud"
	"premiumhls/local/cloudfront"
)

// Segments counts what a site served of a course.
type Segments struct {
	mu      sync.Mutex
	names   map[string]bool
	refused int
}

// Watch counts what a site serves from now on.
func (s *Segments) Watch(o *cloud.Options) {
	log := o.Requests
	o.Requests = func(e cloudfront.Entry) {
		log(e)
		s.mu.Lock()
		defer s.mu.Unlock()
		path, _, _ := strings.Cut(e.Path, "?")
		switch {
		case e.Status == http.StatusForbidden:
			s.refused++
		case e.Status < 300 && strings.HasSuffix(path, ".ts"):
			s.names[filepath.Base(path)] = true // in whichever rendition
		}
	}
}

// Reset forgets what was counted.
func (s *Segments) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names, s.refused = map[string]bool{}, 0
}

// Played returns how many segments were served.
func (s *Segments) Played() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.names)
}

// All reports whether every one of five segments was served, by the format of
// their names.
func (s *Segments) All(format string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range 5 {
		if !s.names[fmt.Sprintf(format, i)] {
			return false
		}
	}
	return true
}

// Refusals returns how many requests were refused.
func (s *Segments) Refusals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}
