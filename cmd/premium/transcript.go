package main

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// An answer is one of those that curl -i prints.
type answer struct {
	status int
	header http.Header
	body   string
}

var statusLine = regexp.MustCompile(`^(?:< )?HTTP/[0-9.]+ ([0-9]{3})\b`)

// transcript parts the output of curl -i into answers: the one that was asked
// for is the last, after redirects. The headers of curl -v, which begin with
// "< ", are read too.
func transcript(text []byte) []answer {
	var answers []answer
	inHeader := false
	for line := range strings.Lines(string(text)) {
		trimmed := strings.TrimRight(line, "\r\n")
		if match := statusLine.FindStringSubmatch(trimmed); match != nil && (len(answers) == 0 || inHeader || answers[len(answers)-1].body == "") {
			status, _ := strconv.Atoi(match[1]) // three digits
			answers = append(answers, answer{status: status, header: http.Header{}})
			inHeader = true
			continue
		}
		if len(answers) == 0 {
			continue
		}
		last := &answers[len(answers)-1]
		header := strings.TrimPrefix(trimmed, "< ")
		switch name, value, ok := strings.Cut(header, ":"); {
		case inHeader && (trimmed == "" || trimmed == "<" || header == ""):
			inHeader = false
		case inHeader && ok:
			last.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		case !inHeader:
			last.body += line
		}
	}
	return answers
}
