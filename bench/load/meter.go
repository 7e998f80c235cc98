package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"time"

	"premiumhls/local/cloud"
)

// A sample is the memory and goroutines in use at one moment. Edge, stand-ins and
// load are one process; each function has its own.
type sample struct {
	at         time.Duration // since the load began
	sent       int64         // requests
	resident   int64         // resident memory of the edge's process, in bytes
	heap       int64         // of the edge's process: allocated, or live if collected just before
	goroutines int           // of the edge's process
	functions  int           // processes of functions
	largest    int64         // resident memory of the largest of them, in bytes
}

// A meter takes samples and prints some of them.
type meter struct {
	cloud    *cloud.Cloud
	client   *http.Client
	out      io.Writer
	requests int64
}

func newMeter(c *cloud.Cloud, client *http.Client, out io.Writer, requests int64) *meter {
	return &meter{c, client, out, requests}
}

// rows is the number of samples that are printed in a run.
const rows = 20

// sample takes a sample; with clean it collects garbage first.
func (m *meter) sample(at time.Duration, sent int64, clean bool) sample {
	if clean {
		runtime.GC()
		runtime.GC() // frees what the first one dropped from pools
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	s := sample{at: at, sent: sent, resident: resident(os.Getpid()), heap: int64(memory.HeapAlloc), goroutines: runtime.NumGoroutine()}
	for _, id := range m.cloud.Processes() {
		s.functions++
		s.largest = max(s.largest, resident(id))
	}
	return s
}

// watch samples until done is closed, and returns the sample after a fifth of
// the run, when the caches are warm; nil if the run was too short.
func (m *meter) watch(done <-chan struct{}, atMost time.Duration, sent func() int64) (warm *sample) {
	fmt.Fprintf(m.out, "%8s %10s %12s %10s %11s %9s %13s\n", "time", "requests", "edge's RSS", "heap", "goroutines", "signers", "largest's RSS")
	began := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for printed := 0; ; {
		select {
		case <-done:
			return warm
		case <-tick.C:
		}
		at, n := time.Since(began), sent()
		progress := max(float64(n)/float64(m.requests), float64(at)/float64(atMost))
		if warm == nil && progress >= 0.2 {
			s := m.sample(at, n, true)
			warm = &s
		}
		if progress*rows >= float64(printed+1) {
			printed = int(progress * rows)
			m.print(m.sample(at, n, false))
		}
	}
}

func (m *meter) print(s sample) {
	fmt.Fprintf(m.out, "%8s %10d %12s %10s %11d %9d %13s\n", s.at.Round(100*time.Millisecond), s.sent, megabytes(s.resident), megabytes(s.heap), s.goroutines, s.functions, megabytes(s.largest))
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20)) }

// rest closes idle connections and warm functions, and returns the number of
// goroutines once it is stable.
func (m *meter) rest() int {
	m.client.CloseIdleConnections()
	http.DefaultClient.CloseIdleConnections() // those of the stand-ins
	m.cloud.Restart()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	last, same := 0, 0
	for ctx.Err() == nil && same < 10 {
		time.Sleep(50 * time.Millisecond)
		if n := runtime.NumGoroutine(); n == last {
			same++
		} else {
			last, same = n, 0
		}
	}
	return last
}
