package hls

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Cue is one caption.
type Cue struct {
	Start, End time.Duration
	Settings   string // WebVTT cue settings, such as "line:0 align:start"
	Text       string // WebVTT cue text; lines are separated by \n
}

// CutCaptions cuts cues into WebVTT segments of the given length that run to
// the end of the video, and returns their content in order. A cue that crosses
// a boundary stands whole in each segment that it touches, and a segment
// without cues has its header alone (Apple's authoring specification, 5.5).
//
// start is the video's first presentation time: captions count from the
// video's beginning, and X-TIMESTAMP-MAP says which time of the media that is.
func CutCaptions(cues []Cue, segment, duration time.Duration, start time.Duration) []string {
	count := max(int(math.Ceil(float64(duration)/float64(segment))), 1)
	made := make([]string, count)
	for i := range made {
		from, to := time.Duration(i)*segment, time.Duration(i+1)*segment
		var b strings.Builder
		// MPEGTS counts in 90 kHz.
		fmt.Fprintf(&b, "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:%d\n", start.Microseconds()*9/100)
		for _, cue := range cues {
			if cue.Start >= to || cue.End <= from || cue.End <= cue.Start {
				continue
			}
			fmt.Fprintf(&b, "\n%s --> %s", timestamp(cue.Start), timestamp(cue.End))
			if cue.Settings != "" {
				b.WriteString(" " + cue.Settings)
			}
			b.WriteString("\n" + cueText(cue.Text) + "\n")
		}
		made[i] = b.String()
	}
	return made
}

// cueText keeps a cue's text from ending the cue, or from being taken for the
// times of another (WebVTT, section 4.1).
func cueText(text string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r", ""), "\n") {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, strings.ReplaceAll(line, "-->", "--&gt;"))
		}
	}
	return strings.Join(lines, "\n")
}

func timestamp(t time.Duration) string {
	ms := t.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}

// MediaPlaylist writes a VOD playlist of whole files. initialization is the
// address of the initialization segment, empty for WebVTT.
func MediaPlaylist(initialization string, segments []Segment) string {
	var b strings.Builder
	target := 1
	for _, s := range segments {
		target = max(target, int(math.Round(s.Duration)))
	}
	version := 3
	if initialization != "" {
		version = 6 // EXT-X-MAP outside of an I-frame playlist
	}
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n", version, target)
	if initialization != "" {
		fmt.Fprintf(&b, "#EXT-X-MAP:URI=%s\n", quote(initialization))
	}
	for _, s := range segments {
		fmt.Fprintf(&b, "#EXTINF:%s,\n%s\n", seconds(s.Duration), s.URI)
	}
	b.WriteString("#EXT-X-ENDLIST\n")
	return b.String()
}

func seconds(d float64) string { return strconv.FormatFloat(d, 'f', 5, 64) }

// A Storyboard is a set of sheets of small pictures, one picture for each
// interval, read from left to right and from top to bottom.
type Storyboard struct {
	Sheets        []string // their addresses
	Columns, Rows int      // of each sheet
	Width, Height int      // of each picture in pixels
	Interval      time.Duration
	Pictures      int
	Duration      time.Duration // of the video
}

// WebVTT writes the index that players read to show previews on the seek bar:
// a cue for each picture, with the sheet's address and the picture's place in
// it (W3C Media Fragments, section 4.2.2).
func (s Storyboard) WebVTT() string {
	var b strings.Builder
	b.WriteString("WEBVTT\n")
	perSheet := s.Columns * s.Rows
	for i := range s.Pictures {
		from := time.Duration(i) * s.Interval
		to := from + s.Interval
		if i == s.Pictures-1 || to > s.Duration {
			to = s.Duration
		}
		if to <= from || i/perSheet >= len(s.Sheets) {
			break
		}
		at := i % perSheet
		fmt.Fprintf(&b, "\n%s --> %s\n%s#xywh=%d,%d,%d,%d\n", timestamp(from), timestamp(to), s.Sheets[i/perSheet],
			at%s.Columns*s.Width, at/s.Columns*s.Height, s.Width, s.Height)
	}
	return b.String()
}
