package main

import (
	"context"
	"errors"
	"runtime/pprof"
	"strings"
	"sync"
	"time"
)

// load has viewers come until the requests are sent or ctx ends.
func load(ctx context.Context, o options, s *site, m *meter) *found {
	f := &found{before: m.rest()}
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
	f.warm = m.watch(done, o.atMost, counts.sent.Load)
	f.took, f.sent = time.Since(began), counts.sent.Load()
	f.end = m.sample(f.took, f.sent, true)
	m.print(f.end)

	for _, w := range workers {
		f.add(w.tally)
	}
	if f.after = m.rest(); f.after > f.before {
		var stacks strings.Builder
		pprof.Lookup("goroutine").WriteTo(&stacks, 1) // into memory: it cannot fail
		f.stacks = stacks.String()
	}
	return f
}

// work is one viewer after the other, until there is enough.
func (w *worker) work(ctx context.Context, viewers []*viewer) {
	for i := 0; ; i++ {
		if err := w.visit(ctx, viewers[i%len(viewers)]); errors.Is(err, errEnough) {
			return
		}
	}
}
