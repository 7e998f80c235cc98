package main

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"premiumhls/internal/link"
)

// A target is a URI of a playlist that can be signed, and what it refers to.
type target struct {
	uri      string // as it is written, escaped, without query and fragment
	host     string // empty: the playlist's own
	path     string // resolved, escaped
	query    string // without its question mark
	fragment string // with its #
}

// isPlaylist reports whether the target is a playlist, which this function
// rewrites.
func (t target) isPlaylist() bool { return strings.HasSuffix(t.path, link.PlaylistSuffix) }

// resolve resolves a URI of a playlist in a folder, which begins and ends with a
// slash, by RFC 3986, section 5.2. It returns false for a URI that never gets a
// signature.
//
// Some players and servers resolve URIs in ways of their own: they take
// backslashes for slashes, decode escapes before or after they remove dot
// segments, ignore line breaks, or collapse slashes. So resolve accepts only
// what leaves no choice: characters that RFC 3986 allows or that everyone
// escapes alike, and none of the escapes that could change how a path is read.
// It does not accept http, over which everyone could read the signature, and
// names that are reserved.
func resolve(folder, uri string) (t target, ok bool) {
	uri, fragment, hasFragment := strings.Cut(uri, "#")
	if hasFragment {
		t.fragment = "#" + fragment
	}
	uri, t.query, _ = strings.Cut(uri, "?")
	if !isQuery(fragment) || !isQuery(t.query) || link.IsReserved(t.query) {
		return target{}, false
	}
	if t.uri, ok = escape(uri); !ok {
		return target{}, false
	}
	path := t.uri
	switch first, _, _ := strings.Cut(path, "/"); {
	case first == "https:" && strings.HasPrefix(path, "https://"):
		t.host, path, _ = strings.Cut(strings.TrimPrefix(path, "https://"), "/")
		ok = t.host != ""
	case strings.HasPrefix(path, "//"):
		t.host, path, _ = strings.Cut(strings.TrimPrefix(path, "//"), "/")
		ok = t.host != ""
	case strings.HasPrefix(path, "/"):
		path = path[1:]
	default: // a colon before a slash ends a scheme
		ok = !strings.Contains(first, ":")
		path = folder[1:] + path
	}
	if t.path, _ = removeDots(path); !ok || t.path == "" || strings.HasSuffix(t.path, link.Suffix) {
		return target{}, false
	}
	return t, true
}

// removeDots returns a path, given without its first slash, without its dot
// segments (RFC 3986, section 5.2.4). A path with an empty segment, which some
// servers collapse, and the path of a folder are not accepted.
func removeDots(path string) (string, bool) {
	var kept []string
	segment, more := "", true
	for more {
		segment, path, more = strings.Cut(path, "/")
		switch segment {
		case "":
			return "", false
		case ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	if segment == "." || segment == ".." {
		return "", false
	}
	return "/" + strings.Join(kept, "/"), true
}

const (
	unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	// RFC 3986, section 3.3: pchar without escapes.
	pathCharacters = unreserved + "!$&'()*+,;=:@"
	hexadecimal    = "0123456789ABCDEF"
)

// escape escapes spaces and characters that are not ASCII, as browsers do, and
// returns false for a text with a character that a path must not have or an
// escape that is not needed.
func escape(text string) (string, bool) {
	if strings.TrimSpace(text) != text {
		return "", false
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '%':
			c, ok := unescape(text[i+1:])
			if !ok || c < ' ' || c == 0x7f || strings.IndexByte(unreserved+`/\%?#`, c) >= 0 {
				return "", false
			}
			b.WriteByte('%')
		case r == '/' || r < utf8.RuneSelf && strings.IndexByte(pathCharacters, byte(r)) >= 0:
			b.WriteRune(r)
		case r == ' ' || r >= utf8.RuneSelf && r != utf8.RuneError && unicode.IsPrint(r):
			for _, c := range []byte(string(r)) {
				b.Write([]byte{'%', hexadecimal[c>>4], hexadecimal[c&15]})
			}
		default:
			return "", false
		}
	}
	return b.String(), true
}

// unescape returns the byte of two hexadecimal digits.
func unescape(digits string) (byte, bool) {
	if len(digits) < 2 {
		return 0, false
	}
	text, err := url.PathUnescape("%" + digits[:2])
	if err != nil {
		return 0, false
	}
	return text[0], true
}

// isQuery reports whether a text can be a query or a fragment (RFC 3986,
// sections 3.4 and 3.5).
func isQuery(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '%':
			if _, ok := unescape(text[i+1:]); !ok {
				return false
			}
		case strings.IndexByte(pathCharacters+"/?", c) < 0:
			return false
		}
	}
	return true
}
