package main

import (
	"context"
	"errors"
	"runtime/pprof"
	"strings"
	"sync"
	"time"
)

// load sends viewers until all requests are sent or ctx ends.
func load(ctx context.Context, o options, s *site, m *meter) *result {
	r := &result{before: m.rest()}
	counts := &shared{}
	counts.left.Store(o.requests)
	began := time.Now()

	var group sync.WaitGroup
	all := viewers(o.viewers)
	workers := make([]*worker, o.parallel)
	for i := range workers {
		w := &worker{site: s, shared: counts, tally: &tally{}}
		workers[i] = w
		var mine []*viewer
		for n := i; n < o.viewers; n += o.parallel {
			mine = append(mine, &viewer{name: all[n].Username, both: n%2 == 1, visits: n})
		}
		group.Go(func() { w.work(ctx, mine) })
	}
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	r.warm = m.watch(done, o.atMost, counts.sent.Load)
	r.took, r.sent = time.Since(began), counts.sent.Load()
	r.end = m.sample(r.took, r.sent, true)
	m.print(r.end)

	for _, w := range workers {
		r.add(w.tally)
	}
	if r.after = m.rest(); r.after > r.before {
		var stacks strings.Builder
		pprof.Lookup("goroutine").WriteTo(&stacks, 1) // cannot fail in memory
		r.stacks = stacks.String()
	}
	return r
}

// work visits the site as one viewer after the other until the run ends.
func (w *worker) work(ctx context.Context, viewers []*viewer) {
	for i := 0; ; i++ {
		if err := w.visit(ctx, viewers[i%len(viewers)]); errors.Is(err, errEnough) {
			return
		}
	}
}
