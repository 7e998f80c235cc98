package cloudfront

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A ResponseHeadersPolicy says which headers are removed from an origin's response and
// added on its way to the viewer (CloudFront developer guide, "Understand
// response headers policies").
type ResponseHeadersPolicy struct {
	CORS    *CORS            // nil for none
	Headers []ResponseHeader // security and custom headers
	Remove  []string
}

// A ResponseHeader is added to a response. If the origin sent it too, Override
// says which one the viewer gets.
type ResponseHeader struct {
	Name, Value string
	Override    bool
}

// CORS is the cross-origin part of a response headers policy.
type CORS struct {
	Origins     []string // origins, such with a leading wildcard label, or *
	Methods     []string
	Headers     []string
	Expose      []string
	MaxAge      string // seconds; empty for none
	Credentials bool
	Override    bool
}

// Apply changes the headers of an origin's response. Headers are removed first,
// so one that is removed and added stays.
func (p *ResponseHeadersPolicy) Apply(r *http.Request, header http.Header) {
	for _, name := range p.Remove {
		header.Del(name)
	}
	if p.CORS != nil {
		p.CORS.apply(r, header)
	}
	for _, h := range p.Headers {
		set(header, h.Name, h.Value, h.Override)
	}
}

func set(header http.Header, name, value string, override bool) {
	if override || len(header.Values(name)) == 0 {
		header.Set(name, value)
	}
}

// apply sets the headers for a cross-origin request: one with an Origin. An origin
// that is not listed gets no CORS header, and not the bucket's or API's either if
// the policy overrides them.
func (c *CORS) apply(r *http.Request, header http.Header) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	if !slices.Contains(c.Origins, "*") {
		header.Add("Vary", "Origin")
	}
	allowed := c.allow(origin)
	if allowed == "" {
		if c.Override {
			for _, name := range corsHeaders {
				header.Del(name)
			}
		}
		return
	}
	add := func(name, value string) {
		if value != "" {
			set(header, name, value, c.Override)
		}
	}
	add("Access-Control-Allow-Origin", allowed)
	if c.Credentials {
		add("Access-Control-Allow-Credentials", "true")
	}
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		add("Access-Control-Allow-Methods", strings.Join(c.Methods, ", "))
		add("Access-Control-Allow-Headers", strings.Join(c.Headers, ", "))
		add("Access-Control-Max-Age", c.MaxAge)
		return
	}
	add("Access-Control-Expose-Headers", strings.Join(c.Expose, ", "))
}

var corsHeaders = []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
	"Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age", "Access-Control-Expose-Headers"}

// allow is the value of Access-Control-Allow-Origin for a request from origin,
// empty for none. An entry is an origin, or one whose host begins with *. ;
// without a scheme it is good for both. A port must be the same.
func (c *CORS) allow(origin string) string {
	if slices.Contains(c.Origins, "*") {
		return "*"
	}
	from, err := url.Parse(origin)
	if err != nil || from.Host == "" {
		return ""
	}
	for _, entry := range c.Origins {
		scheme, host, ok := strings.Cut(entry, "://")
		if !ok {
			scheme, host = "", entry
		}
		if scheme != "" && !strings.EqualFold(scheme, from.Scheme) {
			continue
		}
		if domain, ok := strings.CutPrefix(strings.ToLower(host), "*"); ok && strings.HasPrefix(domain, ".") {
			if strings.HasSuffix(strings.ToLower(from.Host), domain) && len(from.Host) > len(domain) {
				return origin
			}
			continue
		}
		if strings.EqualFold(host, from.Host) {
			return origin
		}
	}
	return ""
}
