package curl

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	const url = "https://d1.cloudfront.net/premium/a.ts"
	tests := []struct {
		name, line  string
		method, url string
		cookies     []string
		header      http.Header
	}{
		{"a URL", "curl " + url, "GET", url, nil, nil},
		{"as Chrome copies it", "curl '" + url + "' \\\n  -H 'accept: */*' \\\n  -b 'a=1; CloudFront-Policy=x_~-' \\\n  -H 'referer: https://www.example.com/' \\\n  --compressed",
			"GET", url, []string{"a=1; CloudFront-Policy=x_~-"}, http.Header{"Accept": {"*/*"}, "Referer": {"https://www.example.com/"}}},
		{"as Firefox copies it", "curl '" + url + "' --compressed -X GET -H 'Cookie: a=1; b=2'", "GET", url, []string{"a=1; b=2"}, nil},
		{"as Safari copies it", "curl '" + url + "' \\\n-X 'GET' \\\n-H 'Cookie: a=1'", "GET", url, []string{"a=1"}, nil},
		{"with Windows line ends", "curl '" + url + "' \\\r\n -H 'Cookie: a=1'\r\n", "GET", url, []string{"a=1"}, nil},
		{"quotes of bash", `curl $'https://d1.cloudfront.net/it\'s' -H $'Cookie: a=\u00e9\x21\041\n'`, "GET", "https://d1.cloudfront.net/it's", []string{"a=é!!"}, nil},
		{"double quotes", `curl "https://d1.cloudfront.net/a" -H "Cookie: a=\"1\"; b=\$x\y"`, "GET", "https://d1.cloudfront.net/a", []string{`a="1"; b=$x\y`}, nil},
		{"joined quotes", `curl 'https://d1.cloud'"front.net"/a\ b -b 'it='\''s'`, "GET", "https://d1.cloudfront.net/a b", []string{"it='s"}, nil},
		{"two cookie headers", "curl " + url + " -H 'Cookie: a=1' --header 'cookie:b=2'", "GET", url, []string{"a=1", "b=2"}, nil},
		{"a value in the same word", "curl " + url + " -HCookie:a=1 -XHEAD -b'b=2'", "HEAD", url, []string{"a=1", "b=2"}, nil},
		{"letters in one word", "curl -sSvL -o /dev/null -w '%{http_code}' -kH 'Cookie: a=1' " + url, "GET", url, []string{"a=1"}, nil},
		{"the URL by its option", "curl --url " + url + " --max-time 5 --connect-timeout 3", "GET", url, nil, nil},
		{"without a scheme", "curl d1.cloudfront.net/a", "GET", "http://d1.cloudfront.net/a", nil, nil},
		{"head", "curl -I " + url, "HEAD", url, nil, nil},
		{"data", "curl " + url + " --data-raw '{}'", "POST", url, nil, nil},
		{"data as a query", "curl -G -d a=1 -d b=2 " + url, "GET", url + "?a=1&b=2", nil, nil},
		{"a range, an agent and a page", "curl -r 0-9 -A me -e https://p/ " + url, "GET", url, nil, http.Header{"Range": {"bytes=0-9"}, "User-Agent": {"me"}, "Referer": {"https://p/"}}},
		{"after the prompt and before a pipe", "$ curl " + url + " | head", "GET", url, nil, nil},
		{"a header taken away", "curl " + url + " -H 'Accept:' -H 'Nothing'", "GET", url, nil, http.Header{"Accept": {""}}},
		{"no options any more", "curl -- " + url, "GET", url, nil, nil},
		{"a path to curl", "/usr/bin/curl " + url, "GET", url, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := Parse(test.line)
			if err != nil {
				t.Fatal(err)
			}
			if c.Method != test.method || c.URL != test.url {
				t.Errorf("%s %q, want %s %q", c.Method, c.URL, test.method, test.url)
			}
			if !slices.Equal(c.Cookies, test.cookies) {
				t.Errorf("cookies %q, want %q", c.Cookies, test.cookies)
			}
			if !maps.EqualFunc(c.Header, test.header, slices.Equal) {
				t.Errorf("header %v, want %v", c.Header, test.header)
			}
		})
	}
}

func TestParseJar(t *testing.T) {
	c, err := Parse("curl -b cookies.txt -c cookies.txt https://h/a")
	if err != nil || c.Jar != "cookies.txt" || c.Cookies != nil {
		t.Errorf("%+v %v", c, err)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"nothing", "", "does not begin with curl"},
		{"another program", "wget https://h/", "does not begin with curl"},
		{"no URL", "curl -H 'Cookie: a=1'", "it has no URL"},
		{"two URLs", "curl https://h/a https://h/b", "two URLs"},
		{"an open quote", "curl 'https://h/a", "without closing quote"},
		{"an open quote of bash", `curl $'https://h/a\'`, "without closing quote"},
		{"an open double quote", `curl "https://h/a`, "without closing quote"},
		{"an option without its value", "curl https://h/a -H", "-H has no value"},
		{"a long option without its value", "curl https://h/a --cookie", "--cookie has no value"},
		{"headers in a file", "curl https://h/a -H @file", "the headers in the file file are not read"},
		{"a variable", `curl https://h/a -H "Cookie: $COOKIE"`, "COOKIE"},
		{"another command's output", "curl https://h/a -b \"$(cat cookies)\"", "reading the curl command"},
		{"for the Windows command prompt", `curl ^"https://h/a^"`, "Copy as cURL (bash)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.line)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`curl 'https://h/a' \` + "\n" + ` -H 'Cookie: a=1' -b "b=\"2\"" $'\x41\u00e9\101'`,
		"curl -G -d a=1 https://h/a | head", "curl -sSLo x -HCookie:a=1 h", `curl $'`, "curl \\",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := Parse(line)
		if err != nil {
			return
		}
		if c.URL == "" || c.Method == "" {
			t.Errorf("%+v", c)
		}
	})
}

// Whatever a shell would be given in single quotes comes out as it went in.
func FuzzWords(f *testing.F) {
	f.Add("a b", `c'd\e"$`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.Contains(a+b, "\r") || strings.Contains(a+b, "\x00") || !utf8.ValidString(a) || !utf8.ValidString(b) {
			return // a Windows line ending becomes a Unix one; no shell has the others
		}
		quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
		got, err := words(quote(a) + " " + quote(b))
		if err != nil || !slices.Equal(got, []string{a, b}) {
			t.Errorf("%q (%v), want %q", got, err, []string{a, b})
		}
	})
}
