package main

import (
	"fmt"
	"math"
	"time"
)

// A kind of request; times are recorded for each kind.
type kind int

const (
	signIns kind = iota
	pages
	asked
	entitlements
	playlists
	segments
	missing
	cleared
	refusedAtEdge
	refusedByAPI
	kinds
)

var kindNames = [kinds]string{
	signIns:       "sign-in, at the issuer",
	pages:         "page and trailer",
	asked:         "POST /api/cookies",
	entitlements:  "GET /api/entitlements",
	playlists:     "premium playlist",
	segments:      "premium segment",
	missing:       "premium file that is missing",
	cleared:       "DELETE /api/cookies",
	refusedAtEdge: "refused by the edge",
	refusedByAPI:  "refused by the API",
}

// A tally is the record of one worker. Its size does not depend on the number of
// requests.
type tally struct {
	times    [kinds]histogram
	failures int64
	first    []string // descriptions of the first failures
}

// describedFailures is the number of failures that are described.
const describedFailures = 10

func (t *tally) took(k kind, d time.Duration) { t.times[k].add(d) }

// wrong records a response that was not the expected one.
func (t *tally) wrong(r request, what string) error {
	t.failures++
	if len(t.first) < describedFailures {
		t.first = append(t.first, fmt.Sprintf("%s: %s %s: %s", kindNames[r.kind], r.method, r.url, what))
	}
	return errWrong
}

func (t *tally) add(other *tally) {
	for k := range t.times {
		t.times[k].merge(&other.times[k])
	}
	t.failures += other.failures
	t.first = append(t.first, other.first...)
	t.first = t.first[:min(len(t.first), describedFailures)]
}

// A histogram counts times in steps of two percent, from a microsecond to 15
// minutes.
type histogram struct {
	counts [1 << 10]int64
	total  int64
}

const stepOfTime = 1.02

func (h *histogram) add(d time.Duration) {
	step := 0
	if d > time.Microsecond {
		step = min(int(math.Log(float64(d)/float64(time.Microsecond))/math.Log(stepOfTime)), len(h.counts)-1)
	}
	h.counts[step]++
	h.total++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// quantile returns the time that a share of all did not exceed, up to two percent
// too long; 0 if there is none.
func (h *histogram) quantile(share float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	left := int64(math.Ceil(share * float64(h.total)))
	for step, n := range h.counts {
		if left -= n; left <= 0 {
			return time.Duration(float64(time.Microsecond) * math.Pow(stepOfTime, float64(step+1)))
		}
	}
	return 0
}
