package cost

import "math"

// A Service is a hosted video service and its public price.
type Service struct {
	Name   string
	Price  string // in words
	Read   string // when, and from where if not from the service itself
	Source string
	month  func(stored, watched, storedGB, watchedGB float64) float64 // minutes and GB
}

// Services are hosted video services. They include encoding in the basic
// quality and no rules about who may watch beyond signed tokens.
var Services = []Service{
	{
		"Mux", "0.0024 a stored minute (720p), 0.0008 a watched minute after 100,000", "2026-05, second hand", "https://www.mux.com/pricing/video",
		func(stored, watched, _, _ float64) float64 { return stored*0.0024 + math.Max(watched-100000, 0)*0.0008 },
	},
	{
		"Cloudflare Stream", "5 for 1,000 stored minutes (prepaid), 1 for 1,000 watched", "2026-07", "https://developers.cloudflare.com/stream/pricing/",
		func(stored, watched, _, _ float64) float64 { return math.Ceil(stored/1000)*5 + watched/1000 },
	},
	{
		"Bunny Stream, volume network", "0.01 a stored GB, 0.005 a delivered GB to 500 TB", "2026-09", "https://bunny.net/pricing/stream/",
		func(_, _, storedGB, watchedGB float64) float64 { return storedGB*0.01 + watchedGB*0.005 },
	},
	{
		"Bunny Stream, standard network", "0.01 a stored GB, 0.01 a delivered GB in Europe and North America", "2026-09", "https://bunny.net/pricing/stream/",
		func(_, _, storedGB, watchedGB float64) float64 { return storedGB*0.01 + watchedGB*0.01 },
	},
	{
		"api.video", "0.00285 a stored minute, 0.0017 a watched minute", "2026-02, second hand", "https://api.video/pricing/",
		func(stored, watched, _, _ float64) float64 { return stored*0.00285 + watched*0.0017 },
	},
}

// USD returns what the month costs at the service.
func (s Service) USD(m Month) float64 {
	u := m.Usage()
	return s.month(m.Videos*m.VideoMinutes, m.WatchedMinutes(), u.StoredBytes/gb, m.WatchedMinutes()*60*m.Mbps*1e6/8/gb)
}
