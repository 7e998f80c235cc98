package cost

import (
	"fmt"
	"math"
	"time"

	"premiumhls/internal/ingestsettings"
	"premiumhls/internal/issuance"
)

// A Month describes a site and its viewers in the terms that an owner knows.
// [NewMonth] has the defaults.
type Month struct {
	Viewers float64 // who watch in the month
	Minutes float64 // that each of them watches
	Videos  float64

	VideoMinutes   float64 // length of a video
	VisitMinutes   float64 // watched in one visit, each of which plays one video
	Mbps           float64 // average delivered, video and audio
	StoredMbps     float64 // of all renditions together
	SegmentSeconds float64
	SeparateAudio  bool // audio is in segments of its own, as CMAF has it

	CookieMinutes float64       // the settings cookieMinutes
	StepMinutes   float64       // and cookieStepMinutes
	KMS           bool          // keyCustody is kms
	Table         bool          // entitlements is table
	EmailGrants   bool          // the signer reads the grants of addresses too
	Cognito       bool          // the stack's own user pool
	Sales         float64       // purchases with Stripe; needs Table
	Links         float64       // plays with a link, besides the visits
	IngestHours   float64       // of film that is encoded
	TopRendition  int           // the setting topRendition
	Fast          bool          // films have more than 30 frames a second
	WebACL        bool          // on pay-as-you-go; flat-rate plans include one
	Billed        time.Duration // Lambda time of one request, at SignerMB
}

// What one visit, request and month of the stack use. The counts of requests are
// those of the page and of the local run; a test of the simulator compares them.
const (
	PageRequests    = 46  // document, styles, modules, configuration, catalog, posters
	PageBytes       = 4e5 // compressed, half of it hls.js
	SignerMB        = 256
	LogBytesRequest = 2000 // signer's line, Lambda's lines and the API's access log
	tableReadsPath  = 3    // a grant for everything, for the course and for the lesson
	webACLRules     = 4

	// A purchase is a reference and two events, such as a checkout and an
	// invoice or a refund, each with reads and writes of its sale and the grant.
	SaleRequests = 3
	saleReads    = 12
	saleWrites   = 8
	SaleSeconds  = 0.1 // of the function, for all requests together
	saleAlarms   = 4
	saleMetrics  = 5

	// A play with a link is a request for it and five for playlists, which a
	// function rewrites: the multivariant one and those of a rendition, an audio
	// track and captions, and one more after a change of rendition. Each is a
	// request to S3, and for the first one more: lesson.json.
	LinkPlaylists  = 5
	linkSeconds    = 0.02 // of the function, for a playlist
	LinksMB        = 512
	linkLogBytes   = 1000
	linkOriginGets = LinkPlaylists + 1
	linkAlarms     = 1
	linkMetrics    = 1

	// Each segment is written by MediaConvert, and copied with its caching rule.
	ingestPuts = 2
	// The function lays out an hour of film in a minute or two; progress, every
	// ten seconds, is a read and a write of the record each.
	ingestSeconds = 120
	IngestMB      = 1024
	ingestAlarms  = 2
	ingestMetrics = 1
	Alarms        = 7
	Metrics       = 10
)

// NewMonth returns a month with default settings.
func NewMonth(viewers, minutes, videos float64) Month {
	return Month{
		Viewers: viewers, Minutes: minutes, Videos: videos,
		VideoMinutes: 15, VisitMinutes: 30, Mbps: 3, StoredMbps: 10, SegmentSeconds: 6, SeparateAudio: false,
		TopRendition: 1080, CookieMinutes: 60, StepMinutes: 5, Table: true, Cognito: true, Billed: 4 * time.Millisecond,
	}
}

// Check returns an error if a value is out of range.
func (m Month) Check() error {
	for _, v := range []struct {
		name   string
		value  float64
		lowest float64
	}{
		{"viewers", m.Viewers, 1}, {"minutes", m.Minutes, 1}, {"videos", m.Videos, 1},
		{"length", m.VideoMinutes, 0.1}, {"visit", m.VisitMinutes, 0.1}, {"mbps", m.Mbps, 0.01}, {"stored-mbps", m.StoredMbps, 0.01},
		{"segment", m.SegmentSeconds, 1}, {"sales", m.Sales, 0}, {"links", m.Links, 0}, {"ingest", m.IngestHours, 0},
	} {
		if !(v.value >= v.lowest && v.value <= 1e12) {
			return fmt.Errorf("%s: invalid value %v: must be between %v and 1e12", v.name, v.value, v.lowest)
		}
	}
	if len(ingestsettings.Ladder(m.TopRendition)) == 0 {
		return fmt.Errorf("top-rendition: invalid value %d: must be a size of the setting topRendition", m.TopRendition)
	}
	return nil
}

// WatchedMinutes returns the viewer minutes of the month.
func (m Month) WatchedMinutes() float64 { return m.Viewers * m.Minutes }

// visits is how often all viewers come.
func (m Month) visits() float64 { return m.Viewers * math.Ceil(m.Minutes/m.VisitMinutes) }

// RequestsMinute returns the requests for segments in a minute of playback.
func (m Month) RequestsMinute() float64 {
	tracks := 1.0
	if m.SeparateAudio {
		tracks = 2
	}
	return 60 / m.SegmentSeconds * tracks
}

// Usage returns what the month uses.
func (m Month) Usage() Usage {
	visits := m.visits()
	// One request for cookies at the start of a visit, then one for each
	// renewal, as the signer spreads them.
	between := float64(issuance.RenewAfter(int64((m.CookieMinutes+m.StepMinutes/2)*60), 0.5)) / 60
	renewals := visits * math.Floor(m.VisitMinutes/between)
	api := visits + renewals // viewers sign in at the issuer, not here
	playlists := 2.0
	if m.SeparateAudio {
		playlists = 3
	}
	u := Usage{
		EdgeRequests: visits*(PageRequests+playlists) + api + m.WatchedMinutes()*m.RequestsMinute(),
		EdgeBytes:    m.WatchedMinutes()*60*m.Mbps*1e6/8 + visits*PageBytes,
		// The small function that adds headers runs for the page only.
		FunctionRuns: visits * PageRequests,
		StoredBytes:  m.Videos * m.VideoMinutes * 60 * m.StoredMbps * 1e6 / 8,
		APIRequests:  api,
		SignerGBs:    api * math.Max(math.Ceil(m.Billed.Seconds()*1000), 1) / 1000 * SignerMB / 1024,
		LogBytes:     api * LogBytesRequest,
		Alarms:       Alarms,
		Metrics:      Metrics,
	}
	// Each object is read from S3 once a month by each regional cache.
	const regionalCaches = 13
	u.OriginGets = m.Videos * m.VideoMinutes * m.RequestsMinute() * 3 * regionalCaches
	u.OriginGets = math.Min(u.OriginGets, u.EdgeRequests)
	if m.Cognito {
		u.ActiveViewers = m.Viewers
	}
	if m.Table {
		u.TableReads = api * tableReadsPath
		u.TableWrites = m.Viewers
		if m.EmailGrants {
			u.TableReads *= 2
			// Every viewer claims a grant once: an item is put, another deleted, and
			// transactions cost twice (DynamoDB developer guide, "Managing complex
			// workflows with DynamoDB transactions").
			u.TableWrites += 4 * m.Viewers
		}
	}
	if m.Sales > 0 {
		u = u.Add(Usage{
			EdgeRequests: m.Sales * SaleRequests, APIRequests: m.Sales * SaleRequests, SignerGBs: m.Sales * SaleSeconds * SignerMB / 1024,
			TableReads: m.Sales * saleReads, TableWrites: m.Sales * saleWrites, LogBytes: m.Sales * SaleRequests * LogBytesRequest,
			Alarms: saleAlarms, Metrics: saleMetrics,
		})
	}
	if m.Links > 0 {
		u = u.Add(m.linkUsage())
	}
	if m.IngestHours > 0 {
		u = u.Add(m.ingestUsage())
	}
	if m.KMS {
		u.KMSKeys = 1
		// Viewers of a video share a signature for each step, in each of a few
		// warm containers; never more than one for each request.
		const containers = 10
		steps := monthSeconds / 60 / m.StepMinutes
		u.Signatures = math.Min(api, m.Videos*steps*containers) + math.Min(m.Links, m.Videos*steps*containers)
	}
	if m.WebACL {
		u.WebACLRules = webACLRules
	}
	return u
}

// linkUsage is what plays with links use.
func (m Month) linkUsage() Usage {
	segments := m.Links * m.VideoMinutes * m.RequestsMinute()
	u := Usage{
		EdgeRequests: m.Links*(1+LinkPlaylists) + segments,
		EdgeBytes:    m.Links * m.VideoMinutes * 60 * m.Mbps * 1e6 / 8,
		OriginGets:   m.Links * linkOriginGets,
		APIRequests:  m.Links * (1 + LinkPlaylists),
		SignerGBs:    m.Links * (m.Billed.Seconds()*SignerMB + LinkPlaylists*linkSeconds*LinksMB) / 1024,
		LogBytes:     m.Links * (LogBytesRequest + LinkPlaylists*linkLogBytes),
		Alarms:       linkAlarms, Metrics: linkMetrics,
	}
	if m.Table {
		u.TableReads = m.Links * tableReadsPath
	}
	return u
}

// ingestUsage is what films use that are encoded in the month.
func (m Month) ingestUsage() Usage {
	ladder := ingestsettings.Ladder(m.TopRendition)
	u := Usage{
		OriginPuts: m.IngestHours * 3600 / m.SegmentSeconds * float64(len(ladder)+1) * ingestPuts, // with the audio
		SignerGBs:  m.IngestHours * ingestSeconds * IngestMB / 1024,
		Alarms:     ingestAlarms, Metrics: ingestMetrics,
	}
	for _, r := range ladder {
		u.EncodedMinutes += m.IngestHours * 60 * normalized(r.Side, m.Fast)
	}
	return u
}

// EncodedUSD returns what MediaConvert bills for an hour of film.
func EncodedUSD(top int, fast bool) float64 {
	return Month{IngestHours: 1, SegmentSeconds: 6, TopRendition: top, Fast: fast}.ingestUsage().EncodedMinutes * encodedMinute
}
