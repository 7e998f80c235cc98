package fault_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"premiumhls/local/jsonservice"
	"premiumhls/test/fault"
)

// A trouble is what goes wrong with a service. It begins and ends once.
type trouble struct {
	of         service
	name       string
	begin, end func(*testing.T, *site)
	unread     bool // keys cannot be read meanwhile
}

// troubles returns what can go wrong with each service, but for what a frozen
// container finds.
func troubles() []trouble {
	var all []trouble
	for _, of := range services {
		answers := func(name string, f jsonservice.Fault) {
			all = append(all, trouble{
				of: of, name: name, unread: of == parameterStore,
				begin: func(_ *testing.T, s *site) { s.fail(of, f) },
				end:   func(_ *testing.T, s *site) { s.fail(of, jsonservice.Fault{}) },
			})
		}
		answers("does not respond", jsonservice.Fault{Delay: time.Hour})
		answers("throttles every call", throttled[of])
		answers("returns 500", jsonservice.Fault{Code: "InternalServerError", Status: http.StatusInternalServerError})
		answers("closes the connection before its response", jsonservice.Fault{Cut: true})
		answers("closes it in the middle of its response", jsonservice.Fault{Truncate: true})
		answers("denies access", jsonservice.Fault{Code: "AccessDeniedException"})
		switch of {
		case parameterStore:
			answers("has half of each key", altered(func(key string) string { return key[:len(key)/2] }))
			answers("has a foreign key in the place of each", altered(func(string) string { return pairs()["foreign"].private }))
		case keyService:
			swap := func(t *testing.T, s *site) {
				if s.foreign == "" {
					s.foreign = s.kms.CreateKey()
				}
				if !s.kms.Swap(s.kmsKey, s.foreign) {
					t.Fatal("there is nothing to swap")
				}
			}
			all = append(all, trouble{of: of, name: "signs with a foreign key", begin: swap, end: swap})
		}
		answers("responds after half a second", jsonservice.Fault{Delay: 500 * time.Millisecond})
		all[len(all)-1].unread = false
		all = append(all,
			trouble{of: of, name: "has a clock a day ahead, as all have but the signer", begin: clocks(24 * time.Hour), end: clocks(0)},
			trouble{of: of, name: "has a clock a day behind, as all have but the signer", begin: clocks(-24 * time.Hour), end: clocks(0)},
		)
	}
	return append(all,
		trouble{of: allOfThem, name: "respond as late as they may, and KMS never", begin: late, end: func(_ *testing.T, s *site) {
			for _, of := range []service{parameterStore, keyService, table} {
				s.fail(of, jsonservice.Fault{})
			}
		}},
		trouble{of: theEdge, name: "has a clock nine minutes ahead", begin: edgeClock(9 * time.Minute), end: edgeClock(0)},
		trouble{of: theEdge, name: "has a clock a day behind", begin: edgeClock(-24 * time.Hour), end: edgeClock(0)},
	)
}

// late has each service take most of the time that the signer has for it.
func late(_ *testing.T, s *site) {
	// slow is a service whose first calls hang; the signer gives up on those.
	slow := func(of service, hang int64) {
		var calls atomic.Int64
		s.failAs(of, func(string) jsonservice.Fault {
			if calls.Add(1)%(hang+1) != 0 {
				return jsonservice.Fault{Delay: time.Hour}
			}
			return jsonservice.Fault{Delay: 500 * time.Millisecond}
		})
	}
	slow(parameterStore, 2) // for 2 s and 4 s, of 8 s
	slow(table, 1)          // for 1.5 s, of 4 s
	s.fail(keyService, jsonservice.Fault{Delay: time.Hour})
}

// altered is a fault of the private keys in Parameter Store.
func altered(alter func(key string) string) jsonservice.Fault {
	return jsonservice.Fault{Alter: func(name, value string) string {
		if !strings.HasPrefix(name, prefix+"/signing-keys/") {
			return value
		}
		return alter(value)
	}}
}

// clocks puts everyone's clock forward but the signers', whose cannot be moved:
// it is as if theirs were put back.
func clocks(ahead time.Duration) func(*testing.T, *site) {
	return func(_ *testing.T, s *site) { s.ahead.Store(int64(ahead)) }
}

func edgeClock(ahead time.Duration) func(*testing.T, *site) {
	return func(_ *testing.T, s *site) { s.edgeAhead.Store(int64(ahead)) }
}

// What the cells of the table say when a container recovers.
const (
	neverAway = "no outage"
	atOnce    = "on retry"
)

// Whatever goes wrong, when cold and when warm, each viewer gets what README.md
// says, and each container recovers by itself.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	table, err := fault.ReadTable("README.md", "What a viewer gets")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	// each runs a case, which tells what viewers got and how it recovered.
	each := func(of service, name string, cold, warm func(t *testing.T, s *site) (during, after string)) {
		row := fault.Name(string(of), name)
		names = append(names, row)
		for column, run := range []func(*testing.T, *site) (string, string){cold, warm} {
			t.Run(row+[]string{", cold", ", warm"}[column], func(t *testing.T) {
				t.Parallel()
				during, after := run(t, newSite(t, of))
				if err := table.Compare(row, 2*column, during, after); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for _, trouble := range troubles() {
		each(trouble.of, trouble.name, trouble.cold, trouble.warm)
	}
	for _, of := range services {
		for _, end := range connectionEnds {
			each(of, "is asked by a container that was frozen, its connections "+end.name, end.cold, end.warm)
		}
	}
	if err := table.Match(names); err != nil {
		t.Error(err)
	}
}

// cold tells what the first viewer of a container gets during the trouble, and
// when it recovers.
func (d trouble) cold(t *testing.T, s *site) (during, after string) {
	d.begin(t, s)
	c := s.start(t)
	first := c.ask(t, "course-1")
	// One who does not wait gets no more.
	second := c.ask(t, "course-1")
	if second.String() != first.String() {
		t.Errorf("first %s, then %s", first, second)
	}
	d.end(t, s)
	return second.String(), c.recovers(t, second, "course-1")
}

// warm tells what viewers get of a container that served others before, for as
// long as the keys are read two hours long at the refresh that is deployed.
func (d trouble) warm(t *testing.T, s *site) (during, after string) {
	c := s.start(t)
	before := c.ask(t, "course-1")
	if before.status != http.StatusOK {
		t.Fatalf("before it: %s", before)
	}
	d.begin(t, s)
	if d.of == parameterStore {
		s.sign(t, "a", "b") // nobody is to miss it afterwards
	}
	var known, unknown answer // for what was asked for before, and for what was not
	for began, round := time.Now(), 0; ; round++ {
		k, u := c.ask(t, "course-1"), c.ask(t, fmt.Sprintf("course-2/%d", round))
		if round > 0 && (k.String() != known.String() || u.String() != unknown.String()) {
			t.Errorf("first %s and %s, then %s and %s", known, unknown, k, u)
		}
		if time.Since(began) > time.Minute {
			t.Error("the signer does not say that keys cannot be read")
		}
		if t.Failed() {
			t.FailNow() // more of the same tells no more
		}
		known, unknown = k, u
		if round > 0 && time.Since(began) > 2*hour && (!d.unread || strings.Contains(c.log.String(), "the old ones stay in use")) {
			break
		}
		time.Sleep(refresh)
	}
	during = known.String()
	if known.status == http.StatusOK && known.expires <= before.expires {
		during += " that were cached"
	}
	if unknown.String() != known.String() {
		during += "; " + unknown.String() + " for what was not requested before"
	}
	d.end(t, s)
	after = c.recovers(t, unknown, "course-3")
	if d.of == parameterStore {
		c.turnsTo(t, "KB")
	}
	return during, after
}

// recovers tells when a viewer gets cookies of whose requests this was the last
// answer, and who asks again when told to. It is the same container that gives
// them.
func (c *container) recovers(t *testing.T, last answer, path string) string {
	t.Helper()
	times := 0
	for ; last.status != http.StatusOK; times++ {
		if times > 20 {
			t.Fatal("it does not recover")
		}
		time.Sleep(last.retryAfter)
		last = c.ask(t, path)
	}
	if n := c.signer.ColdStarts(); n != 1 {
		t.Errorf("%d containers were started, one after another", n)
	}
	switch times {
	case 0:
		return neverAway
	case 1:
		return atOnce
	}
	return fmt.Sprintf("on retry %d times", times)
}

// turnsTo waits until a key signs that came meanwhile.
func (c *container) turnsTo(t *testing.T, id string) {
	t.Helper()
	for giveUp := time.Now().Add(2 * time.Minute); c.ask(t, "course-1").keyID != id; time.Sleep(refresh) {
		if time.Now().After(giveUp) {
			t.Fatalf("%s never signs", id)
		}
	}
}
