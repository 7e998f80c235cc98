// Package hls reads and writes the parts of HTTP Live Streaming that an owner's
// videos need: it reads the media playlists and initialization segments that an
// encoder wrote, measures them, writes the multivariant playlist from what was
// measured, cuts captions into WebVTT segments, and checks the result against
// the rules of RFC 8216 and Apple's HLS Authoring Specification that a program
// can check.
package hls

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// A Media is a media playlist: the segments of one rendition.
type Media struct {
	Version        int
	TargetDuration int // seconds
	VOD            bool
	Ended          bool // has EXT-X-ENDLIST
	IFramesOnly    bool
	Independent    bool // has EXT-X-INDEPENDENT-SEGMENTS
	Map            *Resource
	Segments       []Segment
}

// A Resource is a file, or a range of its bytes.
type Resource struct {
	URI    string
	Length int64 // 0: the whole file
	Offset int64
}

// A Segment is one segment of a media playlist.
type Segment struct {
	Resource
	Duration float64 // seconds
	Bytes    int64   // the segment's size: Length where the playlist has it, or set by [Media.Measure]
}

// Duration is the sum of the segments' durations in seconds.
func (m Media) Duration() (sum float64) {
	for _, s := range m.Segments {
		sum += s.Duration
	}
	return sum
}

// maxLine is the longest line of a playlist that is read, in bytes.
const maxLine = 64 << 10

// ParseMedia reads a media playlist. It refuses what this package would
// misread: a multivariant playlist, encryption, several maps, and ranges that
// do not say where they begin.
func ParseMedia(r io.Reader) (Media, error) {
	var (
		m        Media
		duration float64
		pending  Resource
		open     bool // an EXTINF waits for its URI
	)
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	number := 0
	fail := func(format string, args ...any) (Media, error) {
		return Media{}, fmt.Errorf("line %d: %s", number, fmt.Sprintf(format, args...))
	}
	next := map[string]int64{} // by URI, where the next range without an offset begins
	for lines.Scan() {
		number++
		line := strings.TrimRight(lines.Text(), "\r")
		if number == 1 {
			if strings.TrimPrefix(line, "\ufeff") != "#EXTM3U" {
				return fail("a playlist begins with #EXTM3U, not %q", line)
			}
			continue
		}
		if line == "" {
			continue
		}
		tag, value, _ := strings.Cut(line, ":")
		var err error
		switch tag {
		case "#EXT-X-VERSION":
			m.Version, err = strconv.Atoi(value)
		case "#EXT-X-TARGETDURATION":
			m.TargetDuration, err = strconv.Atoi(value)
		case "#EXT-X-PLAYLIST-TYPE":
			m.VOD = value == "VOD"
		case "#EXT-X-ENDLIST":
			m.Ended = true
		case "#EXT-X-I-FRAMES-ONLY":
			m.IFramesOnly = true
		case "#EXT-X-INDEPENDENT-SEGMENTS":
			m.Independent = true
		case "#EXT-X-STREAM-INF":
			return fail("this is a multivariant playlist")
		case "#EXT-X-KEY":
			if Attributes(value)["METHOD"] != "NONE" {
				return fail("the segments are encrypted")
			}
		case "#EXT-X-MAP":
			if m.Map != nil {
				return fail("a second EXT-X-MAP")
			}
			attributes := Attributes(value)
			m.Map = &Resource{URI: attributes["URI"]}
			if text := attributes["BYTERANGE"]; text != "" {
				if m.Map.Length, m.Map.Offset, err = byteRange(text, 0); err != nil {
					return fail("%v", err)
				}
			}
		case "#EXTINF":
			text, _, _ := strings.Cut(value, ",")
			duration, err = strconv.ParseFloat(text, 64)
			if err == nil && (duration < 0 || math.IsInf(duration, 0) || math.IsNaN(duration)) {
				err = fmt.Errorf("invalid duration %q", text)
			}
			open = true
		case "#EXT-X-BYTERANGE":
			pending.Length, pending.Offset, err = byteRange(value, -1)
		default:
			if strings.HasPrefix(line, "#") {
				continue
			}
			if !open {
				return fail("%q has no EXTINF", line)
			}
			pending.URI = line
			if pending.Length > 0 && pending.Offset < 0 {
				pending.Offset = next[line]
			}
			next[line] = pending.Offset + pending.Length
			m.Segments = append(m.Segments, Segment{Resource: pending, Duration: duration, Bytes: pending.Length})
			pending, open = Resource{}, false
		}
		if err != nil {
			return fail("%s: %v", tag, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Media{}, fmt.Errorf("line %d: %w", number+1, err)
	}
	if number == 0 {
		return Media{}, errors.New("the playlist is empty")
	}
	if open {
		return Media{}, errors.New("the last EXTINF has no URI")
	}
	return m, nil
}

// byteRange reads "LENGTH[@OFFSET]".
func byteRange(text string, otherwise int64) (length, offset int64, err error) {
	l, o, has := strings.Cut(text, "@")
	length, err = strconv.ParseInt(l, 10, 64)
	offset = otherwise
	if err == nil && has {
		offset, err = strconv.ParseInt(o, 10, 64)
	}
	if err != nil || length <= 0 || has && offset < 0 {
		return 0, 0, fmt.Errorf("invalid byte range %q", text)
	}
	return length, offset, nil
}

// Attributes reads an attribute list (RFC 8216, section 4.2). Quoted values
// come without their quotes. What is not an attribute list ends the reading.
func Attributes(list string) map[string]string {
	found := map[string]string{}
	for list != "" {
		name, rest, ok := strings.Cut(list, "=")
		if !ok {
			break
		}
		var value string
		if quoted, isQuoted := strings.CutPrefix(rest, `"`); isQuoted {
			value, rest, ok = strings.Cut(quoted, `"`)
			if !ok {
				break
			}
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		found[strings.TrimSpace(name)] = value
		list = rest
	}
	return found
}

// Measure sets the segments' sizes from a function that knows the size of each
// file in bytes. Segments that are ranges have theirs already.
func (m Media) Measure(size func(uri string) (int64, bool)) error {
	for i := range m.Segments {
		s := &m.Segments[i]
		if s.Length > 0 {
			continue
		}
		bytes, ok := size(s.URI)
		if !ok {
			return fmt.Errorf("the playlist names %s, which does not exist", s.URI)
		}
		s.Bytes = bytes
	}
	return nil
}

// Rates are a rendition's bit rates in bits a second.
type Rates struct{ Average, Peak int }

// Rates returns the measured rates: the average, and the peak, which is the
// highest rate of any run of consecutive segments that lasts 0.5 to 1.5 target
// durations (draft-pantos-hls-rfc8216bis, "peak segment bit rate"). Where no
// run has such a length, as in a film of one second, it is the highest rate of
// a single segment.
func (m Media) Rates() Rates {
	var bits, seconds, peak, single float64
	for i, s := range m.Segments {
		bits += float64(s.Bytes) * 8
		seconds += s.Duration
		var run, lasts float64
		for _, s := range m.Segments[i:] {
			run += float64(s.Bytes) * 8
			lasts += s.Duration
			if lasts > 1.5*float64(m.TargetDuration) {
				break
			}
			if lasts >= 0.5*float64(m.TargetDuration) {
				peak = max(peak, run/lasts)
			}
		}
		if s.Duration > 0 {
			single = max(single, float64(s.Bytes)*8/s.Duration)
		}
	}
	if seconds == 0 {
		return Rates{}
	}
	if peak == 0 {
		peak = single
	}
	return Rates{Average: int(math.Ceil(bits / seconds)), Peak: int(math.Ceil(peak))}
}
