package main

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"

	"premiumhls/internal/cache"
	"premiumhls/internal/cost"
	"premiumhls/internal/issuance"
)

// A Config is what a run assumes of the site, of the viewers' devices and of
// Lambda. [defaults] has the values and where they come from.
type Config struct {
	Lifetime, Step, Refresh, KeyWait time.Duration // settings
	KMS, Table, EmailGrants, Cognito bool          // settings

	// LinkShare of the viewers play with a link, which lasts LinkLifetime: their
	// playlists are requests of the API, each of which takes the links function
	// Playlist.
	LinkShare              float64
	LinkLifetime, Playlist time.Duration
	// BuyerShare of the viewers buy with Stripe as they arrive, whose events are
	// requests of the API and take the stripe function.
	BuyerShare float64

	SegmentSeconds float64
	SeparateAudio  bool
	Mbps           float64
	PageRequests   int
	TokenLifetime  time.Duration // of an ID token

	Warm, Sign, KMSCall, Cold time.Duration // times of the signer at its memory size
	Idle, MaxAge              time.Duration // how long Lambda keeps an idle and any environment

	// StageRate and StageBurst throttle the API, and SSMRate Parameter Store, if
	// Throttle is true. Otherwise a run measures demand.
	Throttle              bool
	StageRate, StageBurst float64
	SSMRate               float64 // calls a second

	Start time.Time // of the run, for the rounding of expiries
	Seed  uint64
}

// A Scenario is what happens in a run.
type Scenario struct {
	Name     string
	Title    string
	Duration time.Duration
	// Arrival returns when a viewer arrives, how long they play and what.
	Arrival func(r *rand.Rand, viewer int) (at, play time.Duration, path int)

	KeyChange time.Duration // when another signing key is deployed; 0 if never
	Emergency bool          // the old key is dropped at once, so that cookies end
	Spread    time.Duration // over which the edges notice that

	Outage, OutageEnd time.Duration // Parameter Store is down; 0 if never

	Bot      float64 // requests a second to the API, not of viewers
	BotToken bool    // with the token of one account
	BotStart time.Duration
	BotEnd   time.Duration
}

// A Second holds the counts of one second.
type Second struct {
	Page, Premium, API                  int32 // requests at the edge, by behavior
	Playlists, Sales                    int32 // of those of the API, the links and the stripe function's
	Invocations, Cold, SSM, Sign, Reads int32
	SignIns                             int32
	Refused, Unavailable                int32 // responses 429 and 503 to viewers
	Playing                             int32 // change of the number of playing viewers
	Busy                                int32 // most executions at a time
}

// Peaks are the largest counts in a second.
type Peaks struct {
	Edge, Page, Premium, API, Bits             float64
	Invocations, Concurrency, Cold, Cold10     float64
	SSM, Sign, KMS, Reads, SignIns, ViewersAPI float64
	Playlists, Sales                           float64
}

// Totals are the counts of a run.
type Totals struct {
	Page, Premium, API                  float64
	Playlists, Sales                    float64
	Invocations, Cold, SSM, Sign, Reads float64
	SignIns, Refused, Unavailable       float64
	Bot                                 float64
	Lost                                float64 // viewers whose cookies expired before a renewal succeeded
	Late                                float64 // viewers whose first cookies took longer than ten seconds
	Latest                              time.Duration
	PlayedMinutes                       float64
	BilledMillis                        float64
	Containers                          float64 // largest number that existed at a time
}

// A Result is the outcome of a run.
type Result struct {
	Viewers  int
	Scenario string
	Peaks    Peaks
	Totals   Totals
	Seconds  []Second `json:"-"`
}

type eventKind uint8

const (
	arrive eventKind = iota
	renew
	expelled // the edge refuses the cookies: their key is gone
)

// An event is something that a viewer does in a second.
type event struct {
	viewer  uint32
	kind    eventKind
	attempt uint8
}

// signature is what viewers share a signature by.
type signature struct {
	path, key int32
	end       int64
}

// A container is an execution environment of the signer.
type container struct {
	ends, used, refresh int64 // milliseconds
	read                int64 // when its keys were read; -1 if never
	pause               int64 // until when it does not try to read again, after a failure
	failures            int
	free                int64 // when it is idle again
	cache               *cache.Cache[signature, struct{}]
}

// busyHeap has the containers that work, by when they are done.
type busyHeap []*container

func (h busyHeap) Len() int           { return len(h) }
func (h busyHeap) Less(i, j int) bool { return h[i].free < h[j].free }
func (h busyHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *busyHeap) Push(x any)        { *h = append(*h, x.(*container)) }
func (h *busyHeap) Pop() any {
	old := *h
	c := old[len(old)-1]
	*h = old[:len(old)-1]
	return c
}

// viewer is the state of a viewer, in seconds of the run.
type viewer struct {
	path            uint16
	link            bool // plays with a link
	leaves, expires int32
	token           int32 // when the ID token was issued
	asked           int32 // since when the viewer waits for cookies; -1 if not
	due             int32 // when the next request is due; what was planned before is void
}

// engine is one run.
type engine struct {
	Config
	s       Scenario
	random  *rand.Rand
	start   int64 // milliseconds since 1970
	viewers []viewer
	queue   [][]event // by second
	seconds []Second
	free    []*container // the last one is used first
	busy    busyHeap
	tokens  float64       // of the stage's bucket
	filled  int64         // when they were counted
	paused  time.Duration // of the container that responded 503 last, until it reads again
	ssm     float64       // when the next call of Parameter Store is not throttled, in milliseconds
	total   Totals
}

// Run simulates a scenario with a number of viewers. The same seed gives the
// same result.
func Run(c Config, s Scenario, viewers int) *Result {
	length := int(s.Duration / time.Second)
	e := &engine{
		Config: c, s: s, random: rand.New(rand.NewPCG(c.Seed, uint64(viewers))), start: c.Start.UnixMilli(),
		viewers: make([]viewer, viewers), queue: make([][]event, length), seconds: make([]Second, length), tokens: c.StageBurst,
	}
	e.arrivals()
	var offsets []float64
	for second := range e.queue {
		e.reap(int64(second) * 1000)
		events := e.queue[second]
		bots := e.bots(second)
		offsets = e.poisson(offsets[:0], len(events)+bots)
		next := 0
		for i := 0; i < len(events) || bots > 0; {
			// Events of this second may append to it: those run at its end.
			events = e.queue[second]
			at := int64(second)*1000 + 999
			if next < len(offsets) {
				at = int64(second)*1000 + int64(offsets[next]*1000)
				next++
			}
			if left := len(events) - i; bots > 0 && e.random.IntN(left+bots) < bots {
				bots--
				e.bot(second, at)
				continue
			}
			e.handle(events[i], second, at)
			i++
		}
		e.queue[second] = nil
	}
	return e.result()
}

// poisson appends n random moments of a second in order.
func (e *engine) poisson(to []float64, n int) []float64 {
	sum := 0.0
	for range n {
		sum += e.random.ExpFloat64()
		to = append(to, sum)
	}
	sum += e.random.ExpFloat64()
	for i := range to {
		to[i] /= sum
	}
	return to
}

func (e *engine) arrivals() {
	for i := range e.viewers {
		at, play, path := e.s.Arrival(e.random, i)
		second := int(at / time.Second)
		if second >= len(e.queue) {
			continue
		}
		v := &e.viewers[i]
		v.link = float64(i%100) < 100*e.LinkShare
		if float64(i%100) < 100*e.BuyerShare {
			e.seconds[second].Sales += cost.SaleRequests
			e.seconds[second].API += cost.SaleRequests
		}
		v.path, v.leaves, v.asked = uint16(path), int32((at+play)/time.Second), -1
		e.queue[second] = append(e.queue[second], event{viewer: uint32(i), kind: arrive})
	}
}

func (e *engine) schedule(second int, after float64, ev event) {
	next := second + int(math.Max(math.Round(after), 1))
	e.viewers[ev.viewer].due = int32(next)
	if next < len(e.queue) {
		e.queue[next] = append(e.queue[next], ev)
	}
}

// handle is one step of a viewer.
func (e *engine) handle(ev event, second int, at int64) {
	v, s := &e.viewers[ev.viewer], &e.seconds[second]
	now := int32(second)
	switch {
	case ev.kind == expelled && ev.attempt == 0: // whatever is planned
		if now >= v.leaves {
			return
		}
		v.expires, v.asked = now, now
	case ev.kind != arrive && (now >= v.leaves || now != v.due), ev.kind == arrive && ev.attempt > 0 && now != v.due:
		return
	}
	if ev.kind == arrive && ev.attempt == 0 {
		s.Page += int32(e.PageRequests)
		s.SignIns++
		v.token, v.asked = now, now
		e.play(v, second)
		if e.s.Emergency && e.s.KeyChange > 0 {
			// When the edges no longer know the old key, its cookies end.
			gone := int((e.s.KeyChange + time.Duration(e.random.Float64()*float64(e.s.Spread))) / time.Second)
			if gone > second && gone < len(e.queue) {
				e.queue[gone] = append(e.queue[gone], event{ev.viewer, expelled, 0})
			}
		}
	}
	if time.Duration(now-v.token)*time.Second >= e.TokenLifetime-5*time.Minute {
		s.SignIns++ // a token refresh
		v.token = now
	}
	outcome, key := e.request(v, s, at)
	if outcome != issued {
		if outcome == throttled {
			s.Refused++
		} else {
			s.Unavailable++
		}
		remaining := float64(v.expires - now)
		if ev.kind == arrive || ev.kind == expelled {
			remaining = float64(v.leaves - now) // nothing to lose: the page tries on
		}
		retryAfter := 0.0
		if outcome == unavailable {
			retryAfter = issuance.RetryAfter(e.paused, e.random.Float64()).Seconds()
		}
		wait, ok := planRetry(int(ev.attempt), remaining, retryAfter, e.random.Float64())
		if !ok {
			e.total.Lost++
			return
		}
		ev.attempt = min(ev.attempt+1, 100)
		e.schedule(second, wait, ev)
		return
	}
	if e.oldKey(key) && e.s.Emergency && at >= e.gone() {
		// The signer has not read the new key: the edge refuses these cookies.
		wait, _ := planRetry(int(ev.attempt), float64(v.leaves-now), 0, e.random.Float64())
		e.schedule(second, wait, event{ev.viewer, expelled, min(ev.attempt+1, 100)})
		return
	}
	if v.asked >= 0 {
		if waited := time.Duration(now-v.asked) * time.Second; waited > 10*time.Second {
			e.total.Late++
			e.total.Latest = max(e.total.Latest, waited)
		}
		v.asked = -1
	}
	end := issuance.PolicyEnd(time.UnixMilli(e.start+at), e.lifetime(v), e.Step, time.Time{})
	expiresIn := end - (e.start+at)/1000
	v.expires = now + int32(expiresIn)
	e.schedule(second, float64(issuance.RenewAfter(expiresIn, e.random.Float64())), event{ev.viewer, renew, 0})
}

// gone is when the first edges have dropped the old key.
func (e *engine) gone() int64 { return e.s.KeyChange.Milliseconds() }

func (e *engine) oldKey(key int32) bool { return e.s.KeyChange > 0 && key == 0 }

// play counts the requests of a playback. A viewer who plays requests the
// playlists once and then segments at their rate.
func (e *engine) play(v *viewer, second int) {
	playlists := int32(2)
	if e.SeparateAudio {
		playlists = 3
	}
	if v.link {
		e.seconds[second].Playlists += cost.LinkPlaylists
		e.seconds[second].API += cost.LinkPlaylists
	} else {
		e.seconds[second].Premium += playlists
	}
	e.seconds[second].Playing++
	if int(v.leaves) < len(e.seconds) {
		e.seconds[v.leaves].Playing--
	}
}

// lifetime is how long what a viewer plays with lasts at least.
func (e *engine) lifetime(v *viewer) time.Duration {
	if v.link {
		return e.LinkLifetime
	}
	return e.Lifetime
}

// segmentRate is requests for segments a second of a playing viewer.
func (c Config) segmentRate() float64 {
	if c.SeparateAudio {
		return 2 / c.SegmentSeconds
	}
	return 1 / c.SegmentSeconds
}

type outcome int

const (
	issued      outcome = iota
	throttled           // 429
	unavailable         // 503
)

// request is one POST /api/cookies or /api/links. It returns which key signed.
func (e *engine) request(v *viewer, s *Second, at int64) (outcome, int32) {
	s.API++
	if !e.admit(at) {
		return throttled, 0
	}
	c := e.container(s, at)
	took := e.Warm
	if c.read < 0 && c.pause <= at {
		took += e.Cold
		s.Cold++
	}
	took += e.readKeys(c, s, at)
	s.Invocations++
	if c.read < 0 {
		e.work(c, s, at, took)
		e.paused = time.Duration(max(c.pause-at, 0)) * time.Millisecond
		return unavailable, 0
	}
	if e.Table {
		s.Reads += tableReads
	}
	if e.EmailGrants {
		s.Reads += tableReads // the grants of the viewer's address
	}
	key := e.key(c, at)
	end := issuance.PolicyEnd(time.UnixMilli(e.start+at), e.lifetime(v), e.Step, time.Time{})
	want := signature{int32(v.path), key, end}
	if _, ok := c.cache.Get(want); !ok {
		s.Sign++
		took += e.Sign
		if e.KMS {
			took += e.KMSCall
		}
		c.cache.Put(want, struct{}{})
	}
	e.work(c, s, at, took)
	return issued, key
}

// key is the key that a container signs with: the new one once it has read it
// and the wait is over.
func (e *engine) key(c *container, at int64) int32 {
	if e.s.KeyChange == 0 {
		return 0
	}
	change := e.s.KeyChange.Milliseconds()
	wait := e.KeyWait.Milliseconds()
	if e.s.Emergency {
		wait = 0 // the old key is not in the settings any more
	}
	if c.read >= change && at >= change+wait {
		return 1
	}
	return 0
}

// admit takes a token of the stage's bucket.
func (e *engine) admit(at int64) bool {
	if !e.Throttle {
		return true
	}
	e.tokens = math.Min(e.tokens+float64(at-e.filled)/1000*e.StageRate, e.StageBurst)
	e.filled = at
	if e.tokens < 1 {
		return false
	}
	e.tokens--
	return true
}

// container returns an idle environment, or a new one.
func (e *engine) container(s *Second, at int64) *container {
	for len(e.busy) > 0 && e.busy[0].free <= at {
		e.free = append(e.free, heap.Pop(&e.busy).(*container))
	}
	for len(e.free) > 0 {
		c := e.free[len(e.free)-1]
		e.free = e.free[:len(e.free)-1]
		if at < c.ends {
			return c
		}
	}
	// Environments live for 3/4 to 5/4 of MaxAge.
	age := e.MaxAge*3/4 + time.Duration(e.random.Int64N(int64(e.MaxAge/2)+1))
	return &container{ends: at + age.Milliseconds(), read: -1, cache: cache.New[signature, struct{}](issuance.CachedSets)}
}

// readKeys reads Parameter Store if the keys of a container are due, and returns
// how long the request waits because the call is throttled.
func (e *engine) readKeys(c *container, s *Second, at int64) (wait time.Duration) {
	if c.read >= 0 && at < c.refresh || at < c.pause {
		return 0
	}
	s.SSM++
	failed := false
	if e.Throttle {
		// The signer retries throttled calls, so that they get through in turn,
		// and gives up after a time.
		next := math.Max(float64(at), e.ssm)
		wait = time.Duration(next-float64(at)) * time.Millisecond
		if failed = wait > issuance.FetchTimeout; failed {
			wait = issuance.FetchTimeout
		} else {
			e.ssm = next + 1000/e.SSMRate
		}
		if c.read >= 0 {
			wait = 0 // it reads in the background, and uses what it has
		}
	}
	if down := e.s.OutageEnd > 0 && at >= e.s.Outage.Milliseconds() && at < e.s.OutageEnd.Milliseconds(); down || failed {
		longest := issuance.LongestPause
		if c.read < 0 {
			longest = issuance.LongestPauseWithoutKeys
		}
		bound := min(issuance.FirstPause<<min(c.failures, 10), longest)
		c.failures++
		c.pause = at + (wait + bound/2 + time.Duration(e.random.Int64N(int64(bound/2)+1))).Milliseconds()
		return wait
	}
	c.read, c.failures = at, 0
	c.refresh = at + (e.Refresh - time.Duration(e.random.Int64N(int64(e.Refresh)/issuance.RefreshSpread+1))).Milliseconds()
	return wait
}

func (e *engine) work(c *container, s *Second, at int64, took time.Duration) {
	milliseconds := int64(math.Max(math.Ceil(took.Seconds()*1000), 1))
	e.total.BilledMillis += float64(milliseconds)
	c.used, c.free = at, at+milliseconds
	heap.Push(&e.busy, c)
	s.Busy = max(s.Busy, int32(len(e.busy)))
	e.total.Containers = math.Max(e.total.Containers, float64(len(e.busy)+len(e.free)))
}

// reap ends environments that have been idle for long.
func (e *engine) reap(at int64) {
	keep := 0
	for keep < len(e.free) && at-e.free[keep].used > e.Idle.Milliseconds() {
		keep++
	}
	e.free = e.free[keep:]
}

// bots is how many requests of the bot come in a second.
func (e *engine) bots(second int) int {
	at := time.Duration(second) * time.Second
	if e.s.Bot == 0 || at < e.s.BotStart || at >= e.s.BotEnd {
		return 0
	}
	return int(e.s.Bot)
}

// bot is one request of the bot. Without a token API Gateway's authorizer
// refuses it after the stage's throttle; with one the signer does, unless it is
// among the first of a viewer in a minute.
func (e *engine) bot(second int, at int64) {
	s := &e.seconds[second]
	s.API++
	e.total.Bot++
	if !e.admit(at) || !e.s.BotToken {
		return
	}
	c := e.container(s, at)
	took := e.Warm
	if c.read < 0 {
		took += e.Cold
		s.Cold++
	}
	took += e.readKeys(c, s, at)
	s.Invocations++
	e.work(c, s, at, took)
}

func (e *engine) result() *Result {
	r := &Result{Viewers: len(e.viewers), Scenario: e.s.Name, Totals: e.total, Seconds: e.seconds}
	t, p := &r.Totals, &r.Peaks
	playing, segments := 0, 0.0
	rate := e.segmentRate()
	var cold []float64
	for i := range e.seconds {
		s := &e.seconds[i]
		playing += int(s.Playing)
		segments += float64(playing) * rate
		whole := math.Floor(segments + 1e-6)
		segments -= whole
		premium := float64(s.Premium) + whole
		t.Page += float64(s.Page)
		t.Premium += premium
		t.API += float64(s.API)
		t.Playlists += float64(s.Playlists)
		t.Sales += float64(s.Sales)
		t.Invocations += float64(s.Invocations)
		t.Cold += float64(s.Cold)
		t.SSM += float64(s.SSM)
		t.Sign += float64(s.Sign)
		t.Reads += float64(s.Reads)
		t.SignIns += float64(s.SignIns)
		t.Refused += float64(s.Refused)
		t.Unavailable += float64(s.Unavailable)
		t.PlayedMinutes += float64(playing) / 60
		cold = append(cold, float64(s.Cold))
		if len(cold) > 10 {
			cold = cold[1:]
		}
		sum := 0.0
		for _, n := range cold {
			sum += n
		}
		largest := func(to *float64, v float64) { *to = math.Max(*to, v) }
		largest(&p.Page, float64(s.Page))
		largest(&p.Premium, premium)
		largest(&p.API, float64(s.API))
		largest(&p.Playlists, float64(s.Playlists))
		largest(&p.Sales, float64(s.Sales))
		largest(&p.ViewersAPI, float64(s.API-s.Playlists-s.Sales))
		largest(&p.Edge, float64(s.Page)+premium+float64(s.API))
		largest(&p.Bits, float64(playing)*e.Mbps*1e6)
		largest(&p.Invocations, float64(s.Invocations))
		// Playlists and events come at random moments of a second.
		largest(&p.Concurrency, float64(s.Busy)+float64(s.Playlists)*e.Playlist.Seconds()+float64(s.Sales)*cost.SaleSeconds/cost.SaleRequests)
		largest(&p.Cold, float64(s.Cold))
		largest(&p.Cold10, sum)
		largest(&p.SSM, float64(s.SSM))
		largest(&p.Sign, float64(s.Sign))
		largest(&p.Reads, float64(s.Reads))
		if e.KMS {
			largest(&p.KMS, float64(s.Sign))
		}
		if e.Cognito {
			largest(&p.SignIns, float64(s.SignIns))
		}
	}
	return r
}
