package cache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func value(v int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return v, nil }
}

func TestCacheKeepsWhatIsUsed(t *testing.T) {
	ctx := context.Background()
	c := New[string, int](2)
	for i, key := range []string{"a", "b", "c"} {
		if got, err := c.Make(ctx, key, value(i)); got != i || err != nil {
			t.Fatalf("Make(%q) = %d, %v", key, got, err)
		}
		if got, ok := c.Get("a"); got != 0 || !ok {
			t.Fatalf("after %q, Get(a) = %d, %v", key, got, ok)
		}
	}
	c.Make(ctx, "d", value(3)) // the third generation: b was not used in the second
	if _, ok := c.Get("b"); ok {
		t.Error("b is kept though two generations have passed it by")
	}
	if got, ok := c.Get("a"); got != 0 || !ok {
		t.Errorf("Get(a) = %d, %v though it is used all the time", got, ok)
	}
	if got, err := c.Make(ctx, "a", value(9)); got != 0 || err != nil {
		t.Errorf("Make of a kept value = %d, %v, want the kept one", got, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	const size = 8
	c := New[int, int](size)
	for i := range 10_000 {
		c.Make(context.Background(), i, value(i))
		c.Get(i - size)
		if n := len(c.young) + len(c.old); n > 2*size {
			t.Fatalf("%d values after %d, want at most %d", n, i+1, 2*size)
		}
	}
	if len(c.making) != 0 {
		t.Errorf("%d values are still being made", len(c.making))
	}
}

func TestMakeIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, int](2)
		release := make(chan struct{})
		calls := 0
		produce := func(ctx context.Context) (int, error) {
			calls++
			<-release
			return 7, ctx.Err()
		}
		first, cancel := context.WithCancel(context.Background())
		results := make(chan int, 100)
		go func() {
			v, err := c.Make(first, "k", produce)
			if err != nil {
				t.Errorf("first: %v", err)
			}
			results <- v
		}()
		synctest.Wait()
		for range 50 {
			go func() {
				v, err := c.Make(context.Background(), "k", produce)
				if err != nil {
					t.Errorf("waiting: %v", err)
				}
				results <- v
			}()
		}
		impatient, giveUp := context.WithCancel(context.Background())
		gone := make(chan error, 1)
		go func() {
			_, err := c.Make(impatient, "k", produce)
			gone <- err
		}()
		synctest.Wait()
		giveUp()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("a waiting call whose context ended returned %v", err)
		}
		cancel() // the first one's request ends; the others still wait for it
		close(release)
		for range 51 {
			if v := <-results; v != 7 {
				t.Errorf("got %d, want 7", v)
			}
		}
		if calls != 1 {
			t.Errorf("made %d times, want once", calls)
		}
	})
}

func TestErrorsAreNotKept(t *testing.T) {
	ctx := context.Background()
	c := New[string, int](2)
	refused := errors.New("refused")
	if _, err := c.Make(ctx, "k", func(context.Context) (int, error) { return 1, refused }); !errors.Is(err, refused) {
		t.Fatalf("Make = %v, want the error", err)
	}
	if _, ok := c.Get("k"); ok {
		t.Fatal("a value that came with an error is kept")
	}
	if v, err := c.Make(ctx, "k", value(2)); v != 2 || err != nil {
		t.Errorf("the next Make = %d, %v", v, err)
	}
}

func TestPanicReleasesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, int](2)
		release := make(chan struct{})
		panicked := make(chan any, 1)
		go func() {
			defer func() { panicked <- recover() }()
			c.Make(context.Background(), "k", func(context.Context) (int, error) {
				<-release
				panic("broken")
			})
		}()
		synctest.Wait()
		waiting := make(chan error, 1)
		go func() {
			_, err := c.Make(context.Background(), "k", value(1))
			waiting <- err
		}()
		synctest.Wait()
		close(release)
		if v := <-panicked; v != "broken" {
			t.Errorf("recovered %v", v)
		}
		if err := <-waiting; !errors.Is(err, errAbandoned) {
			t.Errorf("the waiting call returned %v", err)
		}
		if v, err := c.Make(context.Background(), "k", value(2)); v != 2 || err != nil {
			t.Errorf("afterwards Make = %d, %v", v, err)
		}
	})
}

// A value is made within the time of the first request for it, though not only
// for that.
func TestMakeHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[string, int](2)
		first, cancel := context.WithTimeout(context.Background(), time.Second)
		began := time.Now()
		time.AfterFunc(time.Millisecond, cancel)
		_, err := c.Make(first, "k", func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("%v after %v, want the deadline's end after a second", err, took)
		}
	})
}
