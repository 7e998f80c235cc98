package catalog

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// languageTag returns a BCP 47 tag in its canonical form.
func languageTag(text string) (string, bool) {
	tag, err := language.Parse(text)
	if err != nil || tag == language.Und {
		return "", false
	}
	return tag.String(), true
}

// LanguageName is what a language calls itself, such as Deutsch for de.
func LanguageName(tag string) string {
	parsed, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	if name := display.Self.Name(parsed); name != "" {
		return name
	}
	return tag
}
