package cookiejar

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseNetscape reads a cookie jar in the format of Netscape, as curl, wget
// and browser extensions write it: seven fields a line with tabs between. It
// does not hold SameSite, which stays [Unknown].
func ParseNetscape(text string) ([]Cookie, error) {
	var cookies []Cookie
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		line = strings.TrimPrefix(line, "#HttpOnly_") // no comment, but a flag
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) == 6 {
			fields = append(fields, "") // an empty value, whose tab an editor has cut off
		}
		if len(fields) != 7 {
			return nil, fmt.Errorf("line %d of the cookie jar has %d fields with tabs between, not 7", number, len(fields))
		}
		end, err := strconv.ParseInt(fields[4], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d of the cookie jar: the fifth field is not seconds since 1970", number)
		}
		c := Cookie{
			Name: fields[5], Value: fields[6],
			Domain:   strings.ToLower(strings.TrimPrefix(fields[0], ".")),
			HostOnly: !strings.EqualFold(fields[1], "TRUE"),
			Path:     fields[2],
			Secure:   strings.EqualFold(fields[3], "TRUE"),
		}
		if c.Domain == "" || c.Name == "" || !strings.HasPrefix(c.Path, "/") {
			return nil, fmt.Errorf("line %d of the cookie jar has no domain, no path or no name", number)
		}
		if end > 0 {
			c.Expires = time.Unix(end, 0)
		}
		cookies = append(cookies, c)
	}
	return cookies, nil
}
