package diagnosis

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// spellings are the JSON texts that libraries write for one document: with
// white space and without, and with the members in every order. The first has
// no white space, and the order that the document has.
func spellings(raw []byte) [][]byte {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return nil
	}
	var document any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&document) != nil {
		return nil
	}
	texts := append([]string{compact.String()}, orders(document)...)
	if len(texts) > 200 {
		texts = texts[:200] // no policy has so many members
	}
	var all [][]byte
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	for _, text := range texts {
		for _, indent := range []string{"  ", "    ", "\t", "   "} {
			var b bytes.Buffer
			if json.Indent(&b, []byte(text), "", indent) == nil {
				all = append(all, b.Bytes())
			}
		}
		all = append(all, spaced(text), []byte(strings.ReplaceAll(text, "/", `\/`)))
		var escaped bytes.Buffer
		json.HTMLEscape(&escaped, []byte(text))
		all = append(all, escaped.Bytes())
	}
	return all
}

// spaced has a blank after each colon and comma, as Python writes it.
func spaced(compact string) []byte {
	var b bytes.Buffer
	inString := false
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		b.WriteByte(c)
		switch {
		case inString && c == '\\' && i+1 < len(compact):
			i++
			b.WriteByte(compact[i])
		case c == '"':
			inString = !inString
		case !inString && (c == ':' || c == ','):
			b.WriteByte(' ')
		}
	}
	return b.Bytes()
}

// orders writes a document without white space, with the members of its
// objects in every order.
func orders(v any) []string {
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 4 {
			return nil
		}
		var all []string
		permute(slices.Sorted(maps.Keys(v)), func(names []string) {
			parts := []string{""}
			for i, name := range names {
				quoted := quote(name)
				if i > 0 {
					quoted = "," + quoted
				}
				parts = product(parts, product([]string{quoted + ":"}, orders(v[name])))
			}
			for _, p := range parts {
				all = append(all, "{"+p+"}")
			}
		})
		return all
	case []any:
		parts := []string{""}
		for i, element := range v {
			comma := ""
			if i > 0 {
				comma = ","
			}
			parts = product(parts, product([]string{comma}, orders(element)))
		}
		for i := range parts {
			parts[i] = "[" + parts[i] + "]"
		}
		return parts
	case string:
		return []string{quote(v)}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return []string{string(text)}
}

// quote writes a JSON string without the escapes that are for HTML.
func quote(s string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func product(a, b []string) []string {
	all := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	return all
}

func permute(list []string, f func([]string)) {
	if len(list) < 2 {
		f(list)
		return
	}
	for i := range list {
		rest := slices.Concat(list[:i], list[i+1:])
		permute(rest, func(tail []string) { f(append([]string{list[i]}, tail...)) })
	}
}
