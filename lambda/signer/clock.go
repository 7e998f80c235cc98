package main

import (
	"sync/atomic"
	"time"
)

const (
	// skewTaken is how far the container's clock may be off API Gateway's, and
	// how long a request may have been on its way: a start and a read of the
	// keys take some twenty seconds at worst.
	skewTaken = time.Minute
	// leastEpoch is the least number that is taken for milliseconds since
	// 1970; it is of the year 2001.
	leastEpoch = 1_000_000_000_000
)

// A clock puts the container's own right where that is off. Cookies that were
// made an hour early have ended when a viewer gets them, and ones made a day
// late outlive the viewer's right by that day. The zero value leaves a time as
// it is. It may be used by several goroutines at once.
type clock struct {
	skew atomic.Int64 // to be added to the container's time, in nanoseconds
}

// hear compares the container's time with that at which API Gateway took a
// request, in milliseconds since 1970, and tells whether the container's is
// off. Zero, and anything else that is no such time, tells nothing.
func (c *clock) hear(own time.Time, epoch int64) (skew time.Duration, off bool) {
	if epoch < leastEpoch {
		return 0, false
	}
	skew = time.UnixMilli(epoch).Sub(own)
	if skew.Abs() <= skewTaken {
		skew = 0
	}
	c.skew.Store(int64(skew))
	return skew, skew != 0
}

// correct returns the time that it is when the container's clock says own.
func (c *clock) correct(own time.Time) time.Time {
	return own.Add(time.Duration(c.skew.Load()))
}
