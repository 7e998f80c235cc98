package curl

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// words parts a command line as a POSIX shell does, with the $'…' of bash that
// browsers write. Nothing is expanded.
func words(line string) ([]string, error) {
	s := &scanner{rest: strings.ReplaceAll(line, "\r\n", "\n")}
	for s.rest != "" {
		if err := s.next(); err != nil {
			return nil, err
		}
	}
	s.end()
	return s.words, nil
}

type scanner struct {
	rest  string
	word  strings.Builder
	open  bool // a word has begun, even if it is empty so far
	words []string
}

func (s *scanner) end() {
	if s.open {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.open = false
}

// take removes n bytes from the rest.
func (s *scanner) take(n int) string {
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

func (s *scanner) write(text string) {
	s.open = true
	s.word.WriteString(text)
}

func (s *scanner) next() error {
	switch c := s.rest[0]; c {
	case ' ', '\t', '\n':
		s.take(1)
		s.end()
	case '\\':
		s.take(1)
		if s.rest == "" {
			return nil // the line goes on, and nothing follows
		}
		if escaped := s.take(1); escaped != "\n" {
			s.write(escaped)
		}
	case '\'':
		return s.quoted()
	case '"':
		return s.doubleQuoted()
	case '$':
		if strings.HasPrefix(s.rest, "$'") {
			s.take(1)
			return s.ansiQuoted()
		}
		s.write(s.take(1))
	case ';', '|', '&', '<', '>':
		// Copied along with the line; what comes after is not curl's.
		s.rest = ""
	default:
		s.write(s.take(1))
	}
	return nil
}

var errOpenQuote = errors.New("a quote is not closed")

func (s *scanner) quoted() error {
	end := strings.IndexByte(s.rest[1:], '\'')
	if end < 0 {
		return errOpenQuote
	}
	s.write(s.rest[1 : 1+end])
	s.take(end + 2)
	return nil
}

func (s *scanner) doubleQuoted() error {
	s.take(1)
	s.open = true
	for s.rest != "" {
		switch c := s.take(1); c {
		case `"`:
			return nil
		case `\`:
			if s.rest == "" {
				return errOpenQuote
			}
			escaped := s.take(1)
			if escaped == "\n" {
				continue
			}
			if !strings.Contains("$`\"\\", escaped) {
				s.write(`\`)
			}
			s.write(escaped)
		default:
			s.write(c)
		}
	}
	return errOpenQuote
}

// ansiQuoted reads $'…', whose escapes are those of C (bash manual, "ANSI-C
// Quoting").
func (s *scanner) ansiQuoted() error {
	s.take(1)
	s.open = true
	for s.rest != "" {
		switch c := s.take(1); c {
		case "'":
			return nil
		case `\`:
			if s.rest == "" {
				return errOpenQuote
			}
			s.escape()
		default:
			s.write(c)
		}
	}
	return errOpenQuote
}

var escapes = map[byte]string{
	'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'b': "\b", 'e': "\x1b", 'E': "\x1b",
	'f': "\f", 'v': "\v", '\\': `\`, '\'': "'", '"': `"`, '?': "?",
}

func (s *scanner) escape() {
	c := s.take(1)[0]
	switch {
	case escapes[c] != "":
		s.write(escapes[c])
	case c == 'x':
		s.number(2, 16, `\x`, func(n rune) string { return string([]byte{byte(n)}) })
	case c == 'u':
		s.number(4, 16, `\u`, character)
	case c == 'U':
		s.number(8, 16, `\U`, character)
	case '0' <= c && c <= '7':
		s.rest = string(c) + s.rest
		s.number(3, 8, "", func(n rune) string { return string([]byte{byte(n)}) })
	default:
		s.write(`\` + string([]byte{c}))
	}
}

func character(n rune) string {
	if !utf8.ValidRune(n) {
		n = utf8.RuneError
	}
	return string(n)
}

// number reads at most so many digits of a base, and writes what they stand
// for; without any, the escape itself.
func (s *scanner) number(most, base int, escape string, text func(rune) string) {
	digits := 0
	for digits < most && digits < len(s.rest) {
		if _, err := strconv.ParseUint(s.rest[digits:digits+1], base, 8); err != nil {
			break
		}
		digits++
	}
	if digits == 0 {
		s.write(escape)
		return
	}
	n, _ := strconv.ParseUint(s.take(digits), base, 32) // only digits, and few
	s.write(text(rune(n)))
}
