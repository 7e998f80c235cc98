package hls

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"premiumhls/internal/mp4"
)

// A Finding is a rule that a video breaks.
type Finding struct {
	File string
	Rule string // where the rule stands: a section of RFC 8216 (its bis draft) or of Apple's HLS Authoring Specification
	Text string
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s (%s)", f.File, f.Text, f.Rule) }

// Check reads the multivariant playlist top and everything that it names, and
// returns the rules that are broken. It measures segments by their files'
// sizes. An error means that a file could not be read.
func Check(files fs.FS, top string) ([]Finding, error) {
	c := checker{files: files, top: top}
	text, err := fs.ReadFile(files, top)
	if err != nil {
		return nil, err
	}
	c.multivariant(string(text))
	return c.found, errors.Join(c.failed...)
}

type checker struct {
	files  fs.FS
	top    string
	found  []Finding
	failed []error
}

func (c *checker) add(file, rule, format string, args ...any) {
	c.found = append(c.found, Finding{file, rule, fmt.Sprintf(format, args...)})
}

// codecForm holds the codecs that are written here.
var codecForm = regexp.MustCompile(`^(avc1\.[0-9a-f]{6}|hvc1\.[0-9A-Fa-f.LHABC]+|mp4a\.40\.[0-9]+)$`)

// variant is a line of the multivariant playlist with what was measured of it.
type variant struct {
	uri        string
	attributes map[string]string
	media      Media
	init       mp4.Init // the zero value without one that can be read
}

func (c *checker) multivariant(text string) {
	if !strings.HasPrefix(text, "#EXTM3U\n") {
		c.add(c.top, "RFC 8216 4.3.1.1", "the playlist does not begin with #EXTM3U")
	}
	if !strings.Contains(text, "\n#EXT-X-INDEPENDENT-SEGMENTS\n") {
		c.add(c.top, "Apple 9.11", "EXT-X-INDEPENDENT-SEGMENTS is missing")
	}
	var variants, iframes []variant
	audio, subtitles := map[string][]variant{}, map[string][]variant{}
	var stream map[string]string
	for line := range strings.SplitSeq(text, "\n") {
		tag, value, _ := strings.Cut(line, ":")
		switch {
		case tag == "#EXT-X-STREAM-INF":
			stream = Attributes(value)
		case tag == "#EXT-X-I-FRAME-STREAM-INF":
			a := Attributes(value)
			iframes = append(iframes, c.line(a["URI"], a))
		case tag == "#EXT-X-MEDIA":
			a := Attributes(value)
			r := c.line(a["URI"], a)
			if a["LANGUAGE"] == "" {
				c.add(c.top, "Apple 8.10", "the rendition %s has no LANGUAGE", a["NAME"])
			}
			if a["DEFAULT"] == "YES" && a["AUTOSELECT"] != "YES" {
				c.add(c.top, "RFC 8216 4.3.4.1", "the rendition %s has DEFAULT=YES without AUTOSELECT=YES", a["NAME"])
			}
			groups := audio
			if a["TYPE"] == "SUBTITLES" {
				groups = subtitles
			}
			groups[a["GROUP-ID"]] = append(groups[a["GROUP-ID"]], r)
		case line != "" && !strings.HasPrefix(line, "#"):
			if stream == nil {
				c.add(c.top, "RFC 8216 4.3.4.2", "%s has no EXT-X-STREAM-INF", line)
				continue
			}
			variants = append(variants, c.line(line, stream))
			stream = nil
		}
	}
	if len(variants) == 0 {
		c.add(c.top, "RFC 8216 4.3.4.2", "there is no variant")
		return
	}
	if len(iframes) == 0 {
		c.add(c.top, "Apple 6.1", "there is no I-frame playlist")
	}
	for _, groups := range []map[string][]variant{audio, subtitles} {
		for name, group := range groups {
			defaults := 0
			for _, r := range group {
				if r.attributes["DEFAULT"] == "YES" {
					defaults++
				}
			}
			if defaults > 1 {
				c.add(c.top, "RFC 8216 4.3.4.1.1", "the group %s has %d defaults", name, defaults)
			}
		}
	}
	for _, v := range variants {
		c.variant(v, audio[v.attributes["AUDIO"]])
		for kind, groups := range map[string]map[string][]variant{"AUDIO": audio, "SUBTITLES": subtitles} {
			name := v.attributes[kind]
			if len(groups) > 0 && groups[name] == nil || len(groups) == 0 && name != "" {
				c.add(c.top, "RFC 8216 4.3.4.2", "%s names the %s group %q, which does not exist", v.uri, kind, name)
			}
		}
		c.keyFrames(v)
	}
	for _, v := range iframes {
		c.iframes(v)
	}
	c.together(variants, audio, subtitles)
}

// variant holds a variant's attributes to what was measured.
func (c *checker) variant(v variant, audio []variant) {
	for _, name := range []string{"CODECS", "RESOLUTION", "FRAME-RATE", "AVERAGE-BANDWIDTH", "BANDWIDTH"} {
		if v.attributes[name] == "" {
			c.add(c.top, "Apple 9.1, 9.2, 9.14, 9.15", "%s has no %s", v.uri, name)
		}
	}
	hasAudio := false
	for codec := range strings.SplitSeq(v.attributes["CODECS"], ",") {
		if !codecForm.MatchString(codec) {
			c.add(c.top, "RFC 6381", "%s names the codec %q", v.uri, codec)
		}
		hasAudio = hasAudio || strings.HasPrefix(codec, "mp4a")
	}
	if len(audio) > 0 && !hasAudio {
		c.add(c.top, "Apple 9.1", "%s does not name the codec of its audio", v.uri)
	}
	c.described(v)
	rates := v.media.Rates()
	var beside Rates
	for _, a := range audio {
		r := a.media.Rates()
		beside = Rates{max(beside.Average, r.Average), max(beside.Peak, r.Peak)}
	}
	c.within(v.uri, "Apple 1.26, 9.15", "AVERAGE-BANDWIDTH", v.attributes, rates.Average+beside.Average)
	c.within(v.uri, "Apple 1.27, 9.13", "BANDWIDTH", v.attributes, rates.Peak+beside.Peak)
}

// within checks that an attribute is within 10 % of what was measured.
func (c *checker) within(uri, rule, name string, attributes map[string]string, measured int) {
	said, err := strconv.Atoi(attributes[name])
	if err != nil || measured == 0 {
		return // said elsewhere
	}
	if off := math.Abs(float64(said-measured)) / float64(measured); off > 0.1 {
		c.add(c.top, rule, "%s has %s %d, and measures %d", uri, name, said, measured)
	}
}

func (c *checker) iframes(v variant) {
	for _, name := range []string{"CODECS", "RESOLUTION", "BANDWIDTH"} {
		if v.attributes[name] == "" {
			c.add(c.top, "Apple 9.3, 9.4", "the I-frame playlist %s has no %s", v.uri, name)
		}
	}
	c.described(v)
	if !v.media.IFramesOnly {
		c.add(v.uri, "Apple 6.8", "EXT-X-I-FRAMES-ONLY is missing")
	}
}

// line is what a line of the multivariant playlist names.
func (c *checker) line(uri string, attributes map[string]string) variant {
	v := variant{uri: uri, attributes: attributes, media: c.media(uri)}
	if v.media.Map == nil {
		return v
	}
	name := path.Join(path.Dir(c.top), path.Dir(uri), v.media.Map.URI)
	text, err := fs.ReadFile(c.files, name)
	if err == nil {
		v.init, err = mp4.ParseInit(text)
	}
	if err != nil {
		c.add(uri, "RFC 8216 4.3.2.5", "EXT-X-MAP %s: %v", v.media.Map.URI, err)
	}
	return v
}

// described holds CODECS and RESOLUTION to the initialization segment.
func (c *checker) described(v variant) {
	if v.init.Codec == "" {
		return // reported already
	}
	if codecs := strings.Split(v.attributes["CODECS"], ","); !slices.Contains(codecs, v.init.Codec) {
		c.add(c.top, "Apple 9.1, 9.3", "%s has the codec %s, and CODECS names %s", v.uri, v.init.Codec, codecs)
	}
	if size := fmt.Sprintf("%dx%d", v.init.Width, v.init.Height); v.attributes["RESOLUTION"] != size {
		c.add(c.top, "Apple 9.2, 9.4", "%s is %s, and RESOLUTION %s", v.uri, size, v.attributes["RESOLUTION"])
	}
}

// keyFrames checks that every segment of a video begins with a key frame.
func (c *checker) keyFrames(v variant) {
	for _, s := range v.media.Segments {
		segment, err := fs.ReadFile(c.files, path.Join(path.Dir(c.top), path.Dir(v.uri), s.URI))
		if err != nil || v.init.Timescale <= 0 {
			return // reported already
		}
		fragments, err := mp4.Fragments(segment, v.init.Timescale)
		switch {
		case err != nil || len(fragments) == 0:
			c.add(v.uri, "RFC 8216 3.3", "%s: %v", s.URI, err)
		case fragments[0].NoKeyFrame:
			c.add(v.uri, "Apple 7.4", "%s does not begin with a key frame", s.URI)
		default:
			continue
		}
		return
	}
}

// together holds playlists against each other.
func (c *checker) together(variants []variant, audio, subtitles map[string][]variant) {
	first := variants[0]
	for _, v := range variants[1:] {
		if len(v.media.Segments) != len(first.media.Segments) {
			c.add(v.uri, "RFC 8216 6.2.4", "%d segments, and %s has %d", len(v.media.Segments), first.uri, len(first.media.Segments))
			continue
		}
		for i, s := range v.media.Segments {
			if math.Abs(s.Duration-first.media.Segments[i].Duration) > 0.002 {
				c.add(v.uri, "RFC 8216 6.2.4", "segment %d lasts %.3f s, and that of %s %.3f s", i, s.Duration, first.uri, first.media.Segments[i].Duration)
				break
			}
		}
	}
	check := func(groups map[string][]variant, rule string, sameTarget bool) {
		for _, group := range groups {
			for _, r := range group {
				if sameTarget && r.media.TargetDuration != first.media.TargetDuration {
					c.add(r.uri, "Apple 8.2", "target duration %d, and %s has %d", r.media.TargetDuration, first.uri, first.media.TargetDuration)
				}
				// A frame at 23.976 frames a second and a frame of AAC.
				if d := math.Abs(r.media.Duration() - first.media.Duration()); d > 0.1 && len(r.media.Segments) > 0 {
					c.add(r.uri, rule, "covers %.3f s, and %s %.3f s", r.media.Duration(), first.uri, first.media.Duration())
				}
			}
		}
	}
	check(audio, "Apple 8.7", true)
	check(subtitles, "Apple 5.5", false)
}

// media reads and checks a media playlist.
func (c *checker) media(uri string) Media {
	name := path.Join(path.Dir(c.top), uri)
	text, err := fs.ReadFile(c.files, name)
	if err != nil {
		c.failed = append(c.failed, err)
		return Media{}
	}
	m, err := ParseMedia(strings.NewReader(string(text)))
	if err != nil {
		c.add(uri, "RFC 8216 4", "%v", err)
		return Media{}
	}
	err = m.Measure(func(segment string) (int64, bool) {
		info, err := fs.Stat(c.files, path.Join(path.Dir(name), segment))
		if err != nil {
			return 0, false
		}
		return info.Size(), true
	})
	if err != nil {
		c.add(uri, "RFC 8216 6.2.1", "%v", err)
		return m
	}
	if !m.VOD || !m.Ended {
		c.add(uri, "Apple 8.6", "EXT-X-PLAYLIST-TYPE:VOD or EXT-X-ENDLIST is missing")
	}
	captions := len(m.Segments) > 0 && path.Ext(m.Segments[0].URI) == ".vtt"
	if !captions && m.Map == nil {
		c.add(uri, "Apple 8.20", "EXT-X-MAP is missing")
	}
	needs := 3
	switch {
	case m.IFramesOnly && m.Map != nil:
		needs = 5
	case m.Map != nil:
		needs = 6
	}
	if m.Version < needs {
		c.add(uri, "RFC 8216 7", "version %d, and its tags need %d", m.Version, needs)
	}
	longest := 0.0
	for _, s := range m.Segments {
		longest = max(longest, s.Duration)
		if math.Round(s.Duration) > float64(m.TargetDuration) {
			c.add(uri, "RFC 8216 4.3.3.1", "%s lasts %.3f s, and the target duration is %d", s.URI, s.Duration, m.TargetDuration)
		}
	}
	if longest > float64(m.TargetDuration)+0.5 {
		c.add(uri, "Apple 7.7", "a segment lasts %.3f s, more than half a second above the target duration %d", longest, m.TargetDuration)
	}
	return m
}
