// Package curl reads a command line of curl, such as a browser's "Copy as
// cURL", for the request that it would send.
package curl

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A Command is the request of a command line.
type Command struct {
	Method string
	URL    string
	Header http.Header // without its cookies
	// Cookies are the values of its Cookie headers and of --cookie, in order.
	Cookies []string
	Jar     string // a file with cookies, named by --cookie
}

// Parse reads a command line. What changes neither the request line nor the
// headers is passed over.
func Parse(line string) (Command, error) {
	if strings.Contains(line, "^\"") || strings.Contains(line, "^\r\n") || strings.Contains(line, "^\n") {
		return Command{}, errors.New("reading the curl command: it is quoted for the Windows command prompt: use \"Copy as cURL (bash)\"")
	}
	list, err := words(line)
	if err != nil {
		return Command{}, fmt.Errorf("reading the curl command: %w", err)
	}
	if len(list) > 0 && list[0] == "$" {
		list = list[1:] // the prompt, copied along
	}
	if len(list) == 0 || !isCurl(list[0]) {
		return Command{}, errors.New("reading the curl command: it does not begin with curl")
	}
	p := &parser{Command: Command{Header: http.Header{}}, rest: list[1:]}
	if err := p.parse(); err != nil {
		return Command{}, fmt.Errorf("reading the curl command: %w", err)
	}
	return p.Command, nil
}

func isCurl(word string) bool {
	return slices.Contains([]string{"curl", "curl.exe"}, word[strings.LastIndexByte(word, '/')+1:])
}

type parser struct {
	Command
	rest       []string
	body, head bool
	asQuery    bool
	data       []string
}

// shortValues are the one-letter options that a value follows.
const shortValues = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"

// longValues are the long options that a value follows, besides those that
// set is interested in. The list has what is written by hand and by tools; an
// unknown option is taken to have none.
var longValues = []string{
	"cacert", "capath", "cert", "cert-type", "ciphers", "config", "connect-timeout", "connect-to", "continue-at",
	"cookie-jar", "dump-header", "interface", "key", "key-type", "limit-rate", "max-filesize", "max-redirs", "max-time",
	"noproxy", "output", "pass", "proxy", "proxy-header", "proxy-user", "range", "resolve", "retry", "retry-delay",
	"retry-max-time", "socks5", "socks5-hostname", "stderr", "tls-max", "trace", "trace-ascii", "unix-socket", "user",
	"write-out", "oauth2-bearer", "dns-servers", "doh-url", "keepalive-time", "local-port", "max-time", "pinnedpubkey",
	"post301", "speed-limit", "speed-time", "time-cond", "upload-file", "aws-sigv4", "form-string", "quote",
}

func (p *parser) parse() error {
	options := true
	for len(p.rest) > 0 {
		word := p.rest[0]
		p.rest = p.rest[1:]
		var err error
		switch {
		case options && word == "--":
			options = false
		case options && strings.HasPrefix(word, "--"):
			err = p.long(word[2:])
		case options && len(word) > 1 && word[0] == '-':
			err = p.short(word[1:])
		default:
			err = p.address(word)
		}
		if err != nil {
			return err
		}
	}
	return p.finish()
}

func (p *parser) long(name string) error {
	if _, known := setters[name]; !known && !slices.Contains(longValues, name) {
		p.flag(name)
		return nil
	}
	value, err := p.value("--" + name)
	if err != nil {
		return err
	}
	return p.set(name, value)
}

// short reads a word of one-letter options; the value of the last may be in
// the same word.
func (p *parser) short(letters string) error {
	for i, letter := range letters {
		if !strings.ContainsRune(shortValues, letter) {
			p.flag(shortNames[letter])
			continue
		}
		value := letters[i+1:]
		if value == "" {
			var err error
			if value, err = p.value("-" + string(letter)); err != nil {
				return err
			}
		}
		return p.set(shortNames[letter], value)
	}
	return nil
}

func (p *parser) value(option string) (string, error) {
	if len(p.rest) == 0 {
		return "", fmt.Errorf("%s has no value", option)
	}
	value := p.rest[0]
	p.rest = p.rest[1:]
	return value, nil
}

var shortNames = map[rune]string{
	'H': "header", 'b': "cookie", 'X': "request", 'A': "user-agent", 'e': "referer",
	'd': "data", 'F': "form", 'T': "upload-file", 'I': "head", 'G': "get", 'r': "range",
}

func (p *parser) flag(name string) {
	switch name {
	case "head":
		p.head = true
	case "get":
		p.asQuery = true
	}
}

// setters are the options that change the request.
var setters = map[string]func(*parser, string) error{
	"url":            (*parser).address,
	"header":         (*parser).header,
	"cookie":         (*parser).cookie,
	"request":        func(p *parser, v string) error { p.Method = strings.ToUpper(v); return nil },
	"user-agent":     func(p *parser, v string) error { return p.header("User-Agent: " + v) },
	"referer":        func(p *parser, v string) error { return p.header("Referer: " + v) },
	"range":          func(p *parser, v string) error { return p.header("Range: bytes=" + v) },
	"data":           (*parser).content,
	"data-raw":       (*parser).content,
	"data-ascii":     (*parser).content,
	"data-binary":    (*parser).content,
	"data-urlencode": (*parser).content,
	"json":           (*parser).content,
	"form":           (*parser).content,
}

func (p *parser) set(name, value string) error {
	if set := setters[name]; set != nil {
		return set(p, value)
	}
	return nil
}

func (p *parser) address(url string) error {
	if p.URL != "" {
		return fmt.Errorf("it has two URLs, %s and %s: give one", p.URL, url)
	}
	if !strings.Contains(url, "://") {
		url = "http://" + url // as curl does
	}
	p.URL = url
	return nil
}

func (p *parser) header(line string) error {
	name, value, ok := strings.Cut(line, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case strings.HasPrefix(line, "@"):
		return fmt.Errorf("the headers in the file %s are not read: give them with -H", line[1:])
	case !ok || name == "":
		return nil // curl takes a header away, or sends none
	case strings.EqualFold(name, "Cookie"):
		p.Cookies = append(p.Cookies, value)
		return nil
	}
	p.Header.Add(name, value)
	return nil
}

// cookie is a header's value where it has an equals sign, and else a file's
// name (curl manual, --cookie).
func (p *parser) cookie(value string) error {
	if strings.Contains(value, "=") {
		p.Cookies = append(p.Cookies, value)
	} else if value != "" {
		p.Jar = value
	}
	return nil
}

func (p *parser) content(value string) error {
	p.body = true
	p.data = append(p.data, value)
	return nil
}

func (p *parser) finish() error {
	if p.URL == "" {
		return errors.New("it has no URL")
	}
	if p.asQuery && len(p.data) > 0 {
		separator := "?"
		if strings.Contains(p.URL, "?") {
			separator = "&"
		}
		p.URL += separator + strings.Join(p.data, "&")
		p.body = false
	}
	switch {
	case p.Method != "":
	case p.head:
		p.Method = http.MethodHead
	case p.body:
		p.Method = http.MethodPost
	default:
		p.Method = http.MethodGet
	}
	return nil
}
