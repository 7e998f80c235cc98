package hls

import (
	"fmt"
	"strconv"
	"strings"
)

// A Multivariant is a multivariant (master) playlist: the renditions that a
// player chooses from.
type Multivariant struct {
	Variants  []Variant
	Audio     []Rendition
	Subtitles []Rendition
	IFrames   []IFrames
	// Chapters is the address of a JSON file of chapters, for Apple's players;
	// empty: none.
	Chapters string
}

// A Variant is one video rendition with what is played beside it.
type Variant struct {
	URI       string
	Rates     Rates    // of the video alone
	Codecs    []string // of the video alone
	Width     int
	Height    int
	FrameRate float64 // frames a second
}

// A Rendition is an alternative: audio or captions.
type Rendition struct {
	URI        string
	Name       string // what a viewer chooses by
	Language   string // BCP 47
	Default    bool
	Accessible bool // captions for the deaf and hard of hearing
	Channels   int  // of audio
	Rates      Rates
	Codecs     []string
}

// IFrames is an I-frame playlist.
type IFrames struct {
	URI    string
	Rates  Rates
	Codecs []string
	Width  int
	Height int
}

// The names of the two groups of renditions.
const (
	audioGroup    = "audio"
	captionsGroup = "captions"
)

// String writes the playlist. Variants are written as they come: a player that
// knows no better starts with the first.
//
// BANDWIDTH is the largest sum of peak rates over what can be played together,
// audio included, and AVERAGE-BANDWIDTH that of the averages (Apple's
// authoring specification, 9.13 and 9.15).
func (m Multivariant) String() string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	if m.Chapters != "" {
		fmt.Fprintf(&b, "#EXT-X-SESSION-DATA:DATA-ID=\"com.apple.hls.chapters\",URI=%s\n", quote(m.Chapters))
	}
	var beside Rates
	var codecs []string
	for _, r := range m.Audio {
		m.rendition(&b, "AUDIO", audioGroup, r)
		beside = Rates{max(beside.Average, r.Rates.Average), max(beside.Peak, r.Rates.Peak)}
		codecs = union(codecs, r.Codecs)
	}
	for _, r := range m.Subtitles {
		m.rendition(&b, "SUBTITLES", captionsGroup, r)
	}
	for _, v := range m.Variants {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d,CODECS=%s,RESOLUTION=%dx%d,FRAME-RATE=%s",
			v.Rates.Peak+beside.Peak, v.Rates.Average+beside.Average, quote(strings.Join(union(v.Codecs, codecs), ",")),
			v.Width, v.Height, strconv.FormatFloat(v.FrameRate, 'f', 3, 64))
		if len(m.Audio) > 0 {
			fmt.Fprintf(&b, ",AUDIO=%s", quote(audioGroup))
		}
		if len(m.Subtitles) > 0 {
			fmt.Fprintf(&b, ",SUBTITLES=%s", quote(captionsGroup))
		}
		// Without CLOSED-CAPTIONS=NONE some players look for captions in the
		// video and show an empty entry.
		fmt.Fprintf(&b, ",CLOSED-CAPTIONS=NONE\n%s\n", v.URI)
	}
	for _, i := range m.IFrames {
		fmt.Fprintf(&b, "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d,CODECS=%s,RESOLUTION=%dx%d,URI=%s\n",
			i.Rates.Peak, i.Rates.Average, quote(strings.Join(i.Codecs, ",")), i.Width, i.Height, quote(i.URI))
	}
	return b.String()
}

func (m Multivariant) rendition(b *strings.Builder, kind, group string, r Rendition) {
	fmt.Fprintf(b, "#EXT-X-MEDIA:TYPE=%s,GROUP-ID=%s,NAME=%s,LANGUAGE=%s,DEFAULT=%s,AUTOSELECT=YES",
		kind, quote(group), quote(r.Name), quote(r.Language), yes(r.Default))
	if kind == "SUBTITLES" {
		b.WriteString(",FORCED=NO")
	}
	if r.Accessible {
		b.WriteString(`,CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"`)
	}
	if r.Channels > 0 {
		fmt.Fprintf(b, ",CHANNELS=\"%d\"", r.Channels)
	}
	fmt.Fprintf(b, ",URI=%s\n", quote(r.URI))
}

func yes(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

// quote writes a quoted string, which cannot hold quotes or line breaks (RFC
// 8216, section 4.2).
func quote(text string) string {
	return `"` + strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r < ' ' || r == 0x7f:
			return ' '
		}
		return r
	}, text) + `"`
}

func union(lists ...[]string) (all []string) {
	seen := map[string]bool{}
	for _, list := range lists {
		for _, item := range list {
			if !seen[item] {
				seen[item] = true
				all = append(all, item)
			}
		}
	}
	return all
}
