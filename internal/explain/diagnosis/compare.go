package diagnosis

import (
	"strings"

	"premiumhls/signedcookie"
)

// compare shows a pattern and a text one above the other, with a caret where
// the two part.
func (e *explanation) compare(patternName, pattern, textName, text string) {
	p, t := part(pattern, text)
	width := max(len(patternName), len(textName))
	line := func(name, s string) string { return name + strings.Repeat(" ", width-len(name)+2) + s }
	caret := func(i int) string { return strings.Repeat(" ", width+2+i) + "^" }
	lines := []string{line(patternName, pattern)}
	if p != t {
		lines = append(lines, caret(p))
	}
	e.report.Comparison = append(lines, line(textName, text), caret(t))
}

// part finds where a pattern and a text that it does not match part: what
// comes before p and t matches, as far as can be.
func part(pattern, text string) (p, t int) {
	for p < len(pattern) && signedcookie.Match(pattern[:p+1]+"*", text) {
		p++
	}
	// Up to the last wildcard anything may have been matched. The longest
	// piece of text that what is left of the pattern can stand for:
	for t = len(text); t > 0 && !signedcookie.Match(pattern[:p], text[:t]); t-- {
	}
	return p, t
}
