package hls

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Part is a piece of a playlist: a URI, or the text between two of them.
type Part struct {
	Text string
	URI  bool
}

// uriAttributes are the attributes with a URI that a player requests, by the
// tag that has them (draft-pantos-hls-rfc8216bis, section 4.4; for
// EXT-X-IMAGE-STREAM-INF, Roku's image media playlist specification).
var uriAttributes = map[string][]string{
	"#EXT-X-CONTENT-STEERING":   {"SERVER-URI"},
	"#EXT-X-DATERANGE":          {"X-ASSET-URI", "X-ASSET-LIST"},
	"#EXT-X-I-FRAME-STREAM-INF": {"URI"},
	"#EXT-X-IMAGE-STREAM-INF":   {"URI"},
	"#EXT-X-KEY":                {"URI"},
	"#EXT-X-MAP":                {"URI"},
	"#EXT-X-MEDIA":              {"URI"},
	"#EXT-X-PART":               {"URI"},
	"#EXT-X-PRELOAD-HINT":       {"URI"},
	"#EXT-X-RENDITION-REPORT":   {"URI"},
	"#EXT-X-SESSION-DATA":       {"URI"},
	"#EXT-X-SESSION-KEY":        {"URI"},
}

// SplitURIs splits a playlist of either kind, multivariant or media, into its
// URIs and the text between them. The parts joined are the playlist. An unknown
// tag is text.
//
// It is strict, so that no player finds another URI than it does: it rejects
// what is not UTF-8, control characters (which some players take for line
// breaks), and attribute lists with URIs that are not well formed.
func SplitURIs(playlist string) ([]Part, error) {
	if !utf8.ValidString(playlist) {
		return nil, errors.New("the playlist is not UTF-8")
	}
	s := splitter{text: playlist}
	number := 0
	for at := 0; at < len(playlist); {
		number++
		end, next := len(playlist), len(playlist)
		if i := strings.IndexByte(playlist[at:], '\n'); i >= 0 {
			end, next = at+i, at+i+1
		}
		line := strings.TrimSuffix(playlist[at:end], "\r")
		if err := s.line(at, line, number == 1); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		at = next
	}
	if number == 0 {
		return nil, errors.New("the playlist is empty")
	}
	s.cut(len(playlist), false)
	return s.parts, nil
}

// A splitter collects parts: those up to done, in order.
type splitter struct {
	text  string
	done  int
	parts []Part
}

// cut ends a part.
func (s *splitter) cut(end int, uri bool) {
	if uri || end > s.done {
		s.parts = append(s.parts, Part{s.text[s.done:end], uri})
	}
	s.done = end
}

// line splits the line that begins at an offset.
func (s *splitter) line(at int, line string, first bool) error {
	if i := strings.IndexFunc(line, isControl); i >= 0 {
		return fmt.Errorf("the control character %U", []rune(line[i:])[0])
	}
	if first {
		if strings.TrimRight(strings.TrimPrefix(line, "\ufeff"), " ") != "#EXTM3U" {
			return errors.New("a playlist begins with #EXTM3U")
		}
		return nil
	}
	if line == "" {
		return nil
	}
	if line[0] != '#' {
		s.cut(at, false)
		s.cut(at+len(line), true)
		return nil
	}
	tag, list, _ := strings.Cut(line, ":")
	names := uriAttributes[tag]
	if names == nil {
		return nil
	}
	return s.attributes(at+len(tag)+1, list, names)
}

// isControl reports whether a playlist must not contain a character (the draft,
// section 4.1, less the tab, which is in titles) or one that some programs take
// for a line break.
func isControl(r rune) bool {
	return r < ' ' && r != '\t' || r >= 0x7f && r <= 0x9f || r == '\u2028' || r == '\u2029'
}

// attributes splits an attribute list that begins at an offset.
func (s *splitter) attributes(at int, list string, names []string) error {
	found := map[string]bool{}
	for rest := list; strings.Trim(rest, " \t") != ""; {
		name, value, ok := strings.Cut(rest, "=")
		if !ok {
			return fmt.Errorf("%q is not an attribute", rest)
		}
		if name = strings.Trim(name, " \t"); name == "" || strings.Trim(name, attributeName) != "" {
			return fmt.Errorf("%q is not the name of an attribute", name)
		}
		begin := at + len(list) - len(value)
		quoted, isQuoted := strings.CutPrefix(value, `"`)
		if !isQuoted {
			value, rest, _ = strings.Cut(value, ",")
			if strings.Contains(value, `"`) {
				return fmt.Errorf("the value of %s has a quotation mark", name)
			}
			continue
		}
		text, after, ok := strings.Cut(quoted, `"`)
		if !ok {
			return fmt.Errorf("the value of %s has no closing quotation mark", name)
		}
		after = strings.TrimLeft(after, " \t")
		if rest, ok = strings.CutPrefix(after, ","); !ok && after != "" {
			return fmt.Errorf("%q follows the value of %s", after, name)
		}
		if !slices.Contains(names, name) {
			continue
		}
		if found[name] {
			return fmt.Errorf("two values of %s", name)
		}
		found[name] = true
		s.cut(begin+1, false)
		s.cut(begin+1+len(text), true)
	}
	return nil
}

const attributeName = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
