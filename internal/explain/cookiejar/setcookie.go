package cookiejar

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Response is where a Set-Cookie header came from.
type Response struct {
	URL  *url.URL
	Page *url.URL // that asked for it; nil is not known
	Time time.Time
}

// Store reads the value of a Set-Cookie header. The second result is why a
// browser does not store the cookie, nil where it does. A cookie that is
// cleared is stored with an end in the past.
func Store(header string, from Response) (Cookie, *Withheld) {
	name, _, _ := strings.Cut(header, "=")
	c := Cookie{Name: strings.TrimSpace(name), SameSite: Lax}
	parsed, err := http.ParseSetCookie(header)
	if err != nil {
		return c, &Withheld{c.Name, "the Set-Cookie header cannot be read", "write it as name=value; Path=/…; Secure; HttpOnly"}
	}
	host := strings.ToLower(from.URL.Hostname())
	c = Cookie{
		Name: parsed.Name, Value: parsed.Value, Domain: host, HostOnly: true,
		Path: parsed.Path, Secure: parsed.Secure, SameSite: Lax,
	}
	if parsed.Quoted {
		c.Value = `"` + parsed.Value + `"`
	}
	if domain := strings.ToLower(strings.TrimPrefix(parsed.Domain, ".")); domain != "" {
		switch {
		case IsPublicSuffix(domain) && domain != host:
			return c, &Withheld{c.Name, fmt.Sprintf("Domain=%s is on the public suffix list: browsers reject its cookies", domain),
				"leave out Domain, or give the distribution a domain name of your own"}
		case !within(host, domain):
			return c, &Withheld{c.Name, fmt.Sprintf("%s cannot set cookies with Domain=%s", host, domain),
				"set the cookies from the host of the videos, or from one below the same domain"}
		}
		c.Domain, c.HostOnly = domain, domain == host && IsPublicSuffix(domain)
	}
	if !strings.HasPrefix(c.Path, "/") {
		c.Path = defaultPath(from.URL.EscapedPath())
	}
	c.SameSite = sameSite(parsed.SameSite)
	if parsed.Partitioned {
		c.Partition = partition(from.Page, from.URL)
	}
	switch {
	case parsed.MaxAge < 0:
		c.Expires = from.Time
	case parsed.MaxAge > 0:
		c.Expires = from.Time.Add(time.Duration(parsed.MaxAge) * time.Second)
	default:
		c.Expires = parsed.Expires
	}
	return c, c.refused(from, host)
}

// refused is why a browser does not store a cookie by its flags.
func (c Cookie) refused(from Response, host string) *Withheld {
	switch {
	case c.SameSite == None && !c.Secure:
		return &Withheld{c.Name, "browsers do not store SameSite=None without Secure", "add Secure"}
	case c.Partition != "" && !c.Secure:
		return &Withheld{c.Name, "browsers do not store Partitioned without Secure", "add Secure"}
	case c.Secure && from.URL.Scheme != "https" && !isLocal(host):
		return &Withheld{c.Name, "Secure cookies are not stored when they come without HTTPS", "ask for cookies over HTTPS"}
	case from.Page != nil && c.SameSite != None && !SameSitePage(from.Page, from.URL):
		return &Withheld{c.Name, fmt.Sprintf("SameSite=%s cookies of %s are not stored for a page of another site, %s", c.SameSite, origin(from.URL), origin(from.Page)), oneSite}
	}
	return nil
}

func sameSite(parsed http.SameSite) SameSite {
	switch parsed {
	case http.SameSiteStrictMode:
		return Strict
	case http.SameSiteNoneMode:
		return None
	}
	return Lax // a browser's default, and for a value that it does not know
}

// defaultPath is a cookie's path where it names none (RFC 6265, section
// 5.1.4).
func defaultPath(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return "/"
	}
	return path[:i]
}
