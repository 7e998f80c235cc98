package cloudformation

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"unicode/utf16"
)

// replaceMarkers replaces markers by deploy-time values as the CDK's bucket
// deployment does: everywhere in a file, line by line, so it does not find a
// marker with a line break. It replaces the markers sorted by name, the CDK in
// the order of the event; no marker contains another, so the result is the same.
func replaceMarkers(content []byte, markers map[string]string, escape bool) []byte {
	if len(markers) == 0 {
		return content
	}
	names := slices.Sorted(maps.Keys(markers))
	var result bytes.Buffer
	for line := range bytes.SplitAfterSeq(content, []byte("\n")) {
		for _, name := range names {
			value := markers[name]
			if escape {
				value = escapeJSON(value)
			}
			line = bytes.ReplaceAll(line, []byte(name), []byte(value))
		}
		result.Write(line)
	}
	return result.Bytes()
}

// escapeJSON escapes a value for a JSON string, without the quotes around it, in
// ASCII, as Python's json.dumps does.
func escapeJSON(value string) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`}
	var result bytes.Buffer
	for _, r := range value {
		escaped, ok := short[r]
		switch {
		case ok:
			result.WriteString(escaped)
		case r >= ' ' && r <= '~':
			result.WriteRune(r)
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&result, `\u%04x`, unit)
			}
		}
	}
	return result.String()
}
