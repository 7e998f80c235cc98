package cloudformation

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"unicode/utf16"
)

// replaceMarkers puts deploy-time values in place of their markers, as the
// CDK's bucket deployment does: everywhere in a file, line by line, so that a
// marker with a line break in it is not found. The CDK goes through the markers
// in the order of the event; it makes them so that none is in another, and here
// the order is that of their names.
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

// escapeJSON is a value as it stands inside the quotes of a JSON string, in
// ASCII, as Python's json.dumps writes it. A value that brings quotes of its own
// has them escaped too.
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
