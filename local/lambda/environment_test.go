package lambda

import (
	"errors"
	"testing"
	"time"
)

// Environments that end between two steps, which a test of a Runner cannot hit
// reliably.
func TestEndsBetweenSteps(t *testing.T) {
	t.Run("closed before the process starts", func(t *testing.T) {
		r := Start(Function{Binary: "never-started"})
		e, _, err := r.acquire()
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		go func() {
			r.Close()
			close(closed)
		}()
		for !r.isClosed() || !e.isKilled() {
			time.Sleep(time.Millisecond)
		}
		if err := e.start(newInvocation(nil)); !errors.Is(err, ErrClosed) {
			t.Errorf("error %v, want ErrClosed", err)
		}
		<-closed
	})

	for _, c := range []struct {
		title                string
		handed, ready, again bool
	}{
		{"warm, before the invocation is handed over", false, true, true},
		{"warm, after it", true, true, false},
		{"at the start", false, false, false},
	} {
		t.Run(c.title, func(t *testing.T) {
			r := Start(Function{})
			e, _, err := r.acquire()
			if err != nil {
				t.Fatal(err)
			}
			inv := newInvocation(nil)
			inv.handed = c.handed
			e.running, e.ready, e.current, e.limit = true, c.ready, inv, time.NewTimer(time.Hour)
			e.settle(errors.New("signal: killed"))
			<-inv.over
			if inv.again != c.again || (inv.err == nil) != c.again {
				t.Errorf("again %t with error %v, want %t", inv.again, inv.err, c.again)
			}
			if len(r.all) != 0 {
				t.Error("the environment still counts")
			}
		})
	}
}

func (e *environment) isKilled() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.killed
}
