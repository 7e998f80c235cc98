package main

import (
	"errors"
	"fmt"
	"strings"

	"premiumhls/internal/hls"
	"premiumhls/internal/link"
)

// The limits of a playlist. A film of four hours has 2,400 segments of six
// seconds, and an I-frame playlist of it 7,200 entries and 700 kB.
const (
	maxPlaylist  = 2 << 20 // bytes, as it is in the bucket
	maxURIs      = 40_000
	maxRewritten = 16 << 20 // bytes, before compression
)

// A playlist is a parsed playlist: what can be known of it without a link. It is
// immutable.
type playlist struct {
	folder string // it is in, with slashes at both ends
	parts  []part
	uris   int
	bytes  int // that it takes, about
}

// A part is a URI that can be signed, or text.
type part struct {
	text string
	target
}

var errTooManyURIs = fmt.Errorf("the playlist has more than %d URIs", maxURIs)

// parse parses the playlist in a folder of the distribution, which begins and
// ends with a slash.
func parse(folder, text string) (*playlist, error) {
	split, err := hls.SplitURIs(text)
	if err != nil {
		return nil, err
	}
	p := &playlist{folder: folder, parts: make([]part, len(split)), bytes: len(text)}
	for i, s := range split {
		p.parts[i].text = s.Text
		if !s.URI {
			continue
		}
		if p.uris++; p.uris > maxURIs {
			return nil, errTooManyURIs
		}
		// Only a player knows a variable's value. With it the URI might lead
		// elsewhere, so it cannot be signed, and without a signature it does not
		// play.
		if strings.Contains(s.Text, "{$") {
			return nil, errors.New("a URI has a variable (EXT-X-DEFINE), which a link does not support")
		}
		if t, ok := resolve(folder, s.Text); ok {
			p.parts[i].target = t
			p.bytes += len(t.uri) + len(t.path)
		}
	}
	const ofPart = 120 // bytes of a part and its headers
	p.bytes += ofPart * len(p.parts)
	return p, nil
}

// sign writes the playlist for a viewer who holds a link and asked for it in a
// folder. Each URI under the link's folder gets the link's signature, and no
// other does: it stays as it is. It returns false if the result is larger than
// [maxRewritten].
func (p *playlist) sign(g grant, folder string) (string, bool) {
	size := 0
	for i := range p.parts {
		size += len(p.parts[i].text)
		if g.covers(p.parts[i].target) {
			size += len(p.parts[i].path) + len(link.Suffix) + len(g.query(p.parts[i].target)) + len("?&")
		}
	}
	if size > maxRewritten {
		return "", false
	}
	var b strings.Builder
	b.Grow(size)
	for i := range p.parts {
		part := &p.parts[i]
		if !g.covers(part.target) {
			b.WriteString(part.text)
			continue
		}
		// A URI that is relative to the playlist's own folder is not to the one
		// that the viewer asked.
		uri := part.uri
		if folder != p.folder && part.host == "" {
			uri = part.path
		}
		if part.isPlaylist() {
			uri = strings.TrimSuffix(uri, link.PlaylistSuffix) + link.Suffix
		}
		b.WriteString(uri)
		b.WriteByte('?')
		if part.query != "" {
			b.WriteString(part.query)
			b.WriteByte('&')
		}
		b.WriteString(g.query(part.target))
		b.WriteString(part.fragment)
	}
	return b.String(), true
}

// covers reports whether the link opens a target.
func (g grant) covers(t target) bool {
	return strings.HasPrefix(t.path, g.folder) && (t.host == "" || strings.EqualFold(t.host, g.host))
}

// query returns the query that a target gets.
func (g grant) query(t target) string {
	if t.isPlaylist() {
		return g.playlist
	}
	return g.media
}
