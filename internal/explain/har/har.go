// Package har reads the requests that a browser recorded: an HTTP Archive, as
// its developer tools export it.
package har

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// An Entry is one recorded request and its response.
type Entry struct {
	Started time.Time // zero where the archive does not say
	Method  string
	URL     string
	Header  http.Header // of the request, without its cookies
	Cookies []string    // the values of its Cookie headers

	Status         int // zero where no response came
	ResponseHeader http.Header
	SetCookies     []string // the values of Set-Cookie
	Body           string   // of the response, as far as it was recorded
}

// An Archive is the requests of a recording, in order.
type Archive struct {
	Entries []Entry
	// Sanitized says that no entry has a cookie of any kind: browsers leave
	// them out of an archive unless they are told to export sensitive data.
	Sanitized bool
}

type pair struct{ Name, Value string }

type document struct {
	Log *struct {
		Entries []struct {
			StartedDateTime string
			Request         struct {
				Method, URL      string
				Headers, Cookies []pair
			}
			Response struct {
				Status  int
				Headers []pair
				Content struct{ Text, Encoding string }
			}
		}
	}
}

// Parse reads an archive.
func Parse(text []byte) (Archive, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return Archive{}, fmt.Errorf("reading the HAR file: %w", err)
	}
	if d.Log == nil || len(d.Log.Entries) == 0 {
		return Archive{}, errors.New("reading the HAR file: it holds no requests")
	}
	archive := Archive{Sanitized: true}
	for _, recorded := range d.Log.Entries {
		e := Entry{
			Method: recorded.Request.Method, URL: recorded.Request.URL,
			Status: recorded.Response.Status, Body: recorded.Response.Content.Text,
		}
		e.Started, _ = time.Parse(time.RFC3339, recorded.StartedDateTime) // zero where it is not a time
		e.Header, e.Cookies = headers(recorded.Request.Headers, "Cookie")
		e.ResponseHeader, e.SetCookies = headers(recorded.Response.Headers, "Set-Cookie")
		if len(e.Cookies) == 0 && len(recorded.Request.Cookies) > 0 {
			// Some browsers list cookies beside the headers only.
			var pairs []string
			for _, c := range recorded.Request.Cookies {
				pairs = append(pairs, c.Name+"="+c.Value)
			}
			e.Cookies = []string{strings.Join(pairs, "; ")}
		}
		if recorded.Response.Content.Encoding == "base64" {
			if body, err := base64.StdEncoding.DecodeString(e.Body); err == nil {
				e.Body = string(body)
			}
		}
		if len(e.Cookies)+len(e.SetCookies) > 0 {
			archive.Sanitized = false
		}
		archive.Entries = append(archive.Entries, e)
	}
	return archive, nil
}

// headers are those of a list without the pseudo headers of HTTP/2, and apart
// from them the values of one. Firefox joins several Set-Cookie by line breaks.
func headers(list []pair, apart string) (http.Header, []string) {
	header := http.Header{}
	var values []string
	for _, h := range list {
		switch {
		case strings.HasPrefix(h.Name, ":"):
		case strings.EqualFold(h.Name, apart):
			values = append(values, strings.Split(h.Value, "\n")...)
		default:
			header.Add(h.Name, h.Value)
		}
	}
	return header, values
}

// Choose finds the entries to be explained: those with a URL, or where it is
// empty every one with a 403 response. The number of an entry is its
// index in the archive.
func (a Archive) Choose(url string) ([]int, error) {
	var chosen []int
	for i, e := range a.Entries {
		if e.Method != http.MethodOptions && (url == "" && e.Status == http.StatusForbidden || url != "" && e.URL == url) {
			chosen = append(chosen, i)
		}
	}
	switch {
	case len(chosen) > 0:
		return chosen, nil
	case url != "":
		return nil, fmt.Errorf("the HAR file has no request for %s", url)
	}
	return nil, errors.New("the HAR file has no request with a 403 response: set the URL of another")
}
