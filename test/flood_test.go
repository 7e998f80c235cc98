package test

import (
	"sync"
	"testing"
	"time"

	"premiumhls/local/cloud"
)

// A flood of 190 requests a second, without a token or from one account, takes
// nothing from another viewer.
func TestFloodRefusesNoOtherViewer(t *testing.T) {
	const perSecond, seconds = 190, 4
	for name, viewer := range map[string]string{"without a token": "", "from one account": "ada"} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, map[string]any{"requestsPerSecond": 2000.0, "requestBurst": 4000.0}, func(o *cloud.Options) { o.Requests = nil })
			token := ""
			if viewer != "" {
				token = s.Token(viewer)
			}
			ben := s.Token("ben")
			var mu sync.Mutex
			statuses := make(map[int]int)
			var flood sync.WaitGroup
			tick := time.NewTicker(time.Second / perSecond)
			defer tick.Stop()
			for i := range perSecond * seconds {
				<-tick.C
				flood.Go(func() {
					r := s.Call("POST", "/api/cookies", token, `{"path":"course-1"}`)
					if r.StatusCode == 429 && r.Header.Get("Retry-After") == "" {
						t.Error("429 without Retry-After")
					}
					mu.Lock()
					defer mu.Unlock()
					statuses[r.StatusCode]++
				})
				if i%(perSecond/4) != 0 {
					continue
				}
				flood.Go(func() { // 17 times, less than his limit
					if r := s.Call("POST", "/api/cookies", ben, `{"path":"course-1"}`); r.StatusCode != 200 {
						t.Errorf("ben: %d %s", r.StatusCode, r.Bytes)
					}
				})
			}
			flood.Wait()
			refused := statuses[401]
			if viewer != "" {
				refused = statuses[429]
			}
			if refused < perSecond*seconds/2 {
				t.Errorf("the flood got %v", statuses)
			}
			t.Log(statuses)
		})
	}
}
