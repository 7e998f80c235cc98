package cloudfront

import "strings"

// A path can be read in more than one way. The developer guide says that
// CloudFront normalises a path by RFC 3986 to choose the behavior and sends it
// to the origin as it came; it does not say how far that goes, nor which form
// the resource of a policy is compared with. The edge therefore checks every
// reading below, the stricter choice: a signature is required if any reading
// chooses a behavior that needs one, and a policy must cover every reading.

// normalPath is the path by which CloudFront chooses the behavior: unreserved
// characters decoded, repeated slashes made one, dot segments removed.
func normalPath(raw string) string {
	if isPlain(raw) {
		return raw
	}
	return removeDotSegments(mergeSlashes(decode(raw, isUnreserved)))
}

// readings returns raw and the other paths that software may read it as.
func readings(raw string) []string {
	if isPlain(raw) {
		return []string{raw}
	}
	all := resourceReadings(raw)
	// A bucket decodes all of a path before it looks for a key.
	decoded := decode(raw, isAny)
	all = add(all, decoded, removeDotSegments(decoded), removeDotSegments(mergeSlashes(decoded)))
	if turned := turnSlashes(decoded); turned != decoded {
		all = add(all, removeDotSegments(turned), removeDotSegments(mergeSlashes(turned)))
	}
	return all
}

// resourceReadings is the readings that a policy's resource must cover. They
// leave reserved characters encoded, as a resource has them, save a slash or
// backslash, which would change what the segments are.
func resourceReadings(raw string) []string {
	if isPlain(raw) {
		return []string{raw}
	}
	decoded := decode(raw, isUnreserved)
	all := add([]string{raw}, removeDotSegments(decoded), removeDotSegments(mergeSlashes(decoded)))
	if slashed := turnSlashes(decode(decoded, isSlash)); slashed != decoded {
		all = add(all, removeDotSegments(slashed), removeDotSegments(mergeSlashes(slashed)))
	}
	return all
}

// isPlain reports whether a path has one reading only.
func isPlain(path string) bool {
	return !strings.Contains(path, "%") && !strings.Contains(path, "//") && !strings.Contains(path, "/.") && !strings.Contains(path, `\`)
}

func add(list []string, items ...string) []string {
next:
	for _, item := range items {
		for _, have := range list {
			if have == item {
				continue next
			}
		}
		list = append(list, item)
	}
	return list
}

// decode replaces the percent-encoded bytes that keep allows, once: what it
// yields is not decoded again. A % that begins no encoding stays.
func decode(path string, keep func(byte) bool) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			high, low := unhex(path[i+1]), unhex(path[i+2])
			if c := high<<4 | low; high >= 0 && low >= 0 && keep(byte(c)) {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func isAny(byte) bool { return true }

// turnSlashes reads a backslash as a slash, as some software does.
func turnSlashes(path string) string { return strings.ReplaceAll(path, `\`, "/") }

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// isUnreserved is RFC 3986, section 2.3.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

func mergeSlashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// removeDotSegments is RFC 3986, section 5.2.4, for a path that begins with a
// slash.
func removeDotSegments(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	segments := strings.Split(path, "/")
	kept := make([]string, 0, len(segments))
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".":
		case "..":
			if len(kept) > 1 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, s)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return strings.Join(kept, "/")
}
