package fault_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"premiumhls/internal/signersettings"
	"premiumhls/local/jsonservice"
	"premiumhls/test/fault"
)

// An allowance is how many calls a service takes of all who call it. It takes
// none until enough of them have called.
type allowance struct {
	perSecond float64
	open      func() bool

	mu       sync.Mutex
	left     float64
	at       time.Time // when that much was left
	taken    int
	refused  int // since it is open
	isOpen   bool
	openedAt time.Time
}

// take decides what becomes of one call.
func (a *allowance) take(string) jsonservice.Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if !a.isOpen {
		if !a.open() {
			return throttled[parameterStore]
		}
		a.isOpen, a.left, a.at, a.openedAt = true, a.perSecond, now, now
	}
	a.left = min(a.perSecond, a.left+a.perSecond*now.Sub(a.at).Seconds())
	a.at = now
	if a.left < 1 {
		a.refused++
		return throttled[parameterStore]
	}
	a.left--
	a.taken++
	return jsonservice.Fault{}
}

// A thousand containers start at once while Parameter Store takes as many calls
// as it does by default, 40 a second, of all of them together. Every container
// comes up, and until then tells its viewer when to ask again.
//
// They are a thousand processes of the signer, and a small machine does not
// start them in one moment. So nothing is taken until each has called: then all
// want their keys at once.
func TestThousandColdStarts(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	const containers, perSecond = 1000, 40
	s := newSite(t, parameterStore)
	s.configure(t, func(d *signersettings.Document) { // as deployed
		d.MinuteMillis, d.CookieMinutes, d.CookieStepMinutes, d.RefreshSeconds = 60000, 60, 5, 300
	})
	s.longest = 65*time.Minute + time.Second
	s.environment["GOMAXPROCS"] = "1" // a function of this size has a part of one
	store := &allowance{perSecond: perSecond, open: func() bool { return s.heard() == containers }}
	s.failAs(parameterStore, store.take)

	var mu sync.Mutex
	firsts := make(map[string]int)
	var group sync.WaitGroup
	starting := make(chan struct{}, 16) // or a small machine does nothing but change between them
	for i := range containers {
		group.Go(func() {
			starting <- struct{}{}
			c := s.startAs(t, fmt.Sprintf("container-%d", i))
			ended := make(chan struct{})
			defer close(ended)
			go func() {
				select {
				case <-c.called:
				case <-ended:
				}
				<-starting
			}()
			for asked := 1; ; asked++ {
				a := c.ask(t, "course-1")
				if asked == 1 {
					mu.Lock()
					firsts[a.String()]++
					mu.Unlock()
				}
				if a.status == http.StatusOK {
					break
				}
				if t.Failed() || asked > 200 {
					t.Errorf("container %d has no cookies after %d answers", i, asked)
					return
				}
				time.Sleep(a.retryAfter)
			}
			// Up is up.
			if a := c.ask(t, "course-2"); a.status != http.StatusOK {
				t.Errorf("container %d: cookies, then %s", i, a)
			}
			if n := c.signer.ColdStarts(); n != 1 {
				t.Errorf("container %d was started %d times", i, n)
			}
		})
	}
	group.Wait()

	t.Logf("first responses: %v; of %d calls %d were taken, in %v", firsts, store.taken+store.refused, store.taken, time.Since(store.openedAt).Round(time.Second))
	if store.refused < containers {
		t.Errorf("%d calls were refused: they did not come at once", store.refused)
	}
	if store.taken < containers || store.taken > 2*containers {
		t.Errorf("%d calls were taken of %d containers", store.taken, containers)
	}
	table, err := fault.ReadTable("README.md", "A thousand at once")
	if err != nil {
		t.Fatal(err)
	}
	row := fault.Name("a thousand cold starts", "Parameter Store takes 40 calls a second of all of them")
	if err := table.Match([]string{row}); err != nil {
		t.Error(err)
	}
	if err := table.Compare(row, 0, strings.Join(slices.Sorted(maps.Keys(firsts)), " or "), "cookies from each"); err != nil {
		t.Error(err)
	}
}
