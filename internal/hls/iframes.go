package hls

import (
	"fmt"
	"math"
	"strings"

	"premiumhls/internal/mp4"
)

// IFrameSegment is a segment with its fragments.
type IFrameSegment struct {
	URI       string
	Fragments []mp4.Fragment
}

// IFramePlaylist writes the playlist of key frames of segments whose fragments
// each begin with one, as ranges of the segments' bytes that include the moof
// (Apple's authoring specification, 6.10). It returns the rates of what it
// names, too.
func IFramePlaylist(initialization string, segments []IFrameSegment) (string, Rates) {
	m := Media{TargetDuration: 1}
	for _, s := range segments {
		for _, f := range s.Fragments {
			m.Segments = append(m.Segments, Segment{Resource: Resource{URI: s.URI, Length: f.Length, Offset: f.Offset}, Duration: f.Duration, Bytes: f.Length})
			m.TargetDuration = max(m.TargetDuration, int(math.Round(f.Duration)))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=%s\n",
		m.TargetDuration, quote(initialization))
	for _, s := range m.Segments {
		fmt.Fprintf(&b, "#EXTINF:%s,\n#EXT-X-BYTERANGE:%d@%d\n%s\n", seconds(s.Duration), s.Length, s.Offset, s.URI)
	}
	b.WriteString("#EXT-X-ENDLIST\n")
	return b.String(), m.Rates()
}
