package main

import (
	"sync/atomic"
	"time"
)

const (
	// maxSkew is how far the container's clock may be from API Gateway's. It
	// includes the time that a request waits for the function: a start and a read
	// of the keys take about twenty seconds at worst.
	maxSkew = time.Minute
	// minEpochMillis is the smallest number that counts as milliseconds since
	// 1970. It is in the year 2001.
	minEpochMillis = 1_000_000_000_000
)

// A clock corrects the container's clock. With a clock that is an hour slow,
// cookies have expired when a viewer gets them; with one that is a day fast, they
// outlive the viewer's grant by a day. The zero value corrects nothing. It is safe
// for concurrent use.
type clock struct {
	skew atomic.Int64 // nanoseconds to add to the container's time
}

// hear compares the container's time with the time at which API Gateway received
// a request, in milliseconds since 1970, and reports whether the container's is
// wrong. It ignores an epoch that is not such a time, such as zero.
func (c *clock) hear(own time.Time, epoch int64) (skew time.Duration, off bool) {
	if epoch < minEpochMillis {
		return 0, false
	}
	skew = time.UnixMilli(epoch).Sub(own)
	if skew.Abs() <= maxSkew {
		skew = 0
	}
	c.skew.Store(int64(skew))
	return skew, skew != 0
}

// correct returns the right time for the container's time own.
func (c *clock) correct(own time.Time) time.Time {
	return own.Add(time.Duration(c.skew.Load()))
}
