package premiumpath

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"premiumhls/signedcookie"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name string
		text string
		ok   bool
	}{
		{"everything", "", true},
		{"one segment", "course-1", true},
		{"several segments", "course-1/lesson.2/part_3/v~4", true},
		{"three dots are a name", "...", true},
		{"a name that begins with dots", "..a", true},
		{"upper case", "Course", true},
		{"longest", strings.Repeat("a", MaxLength), true},
		{"too long", strings.Repeat("a", MaxLength+1), false},
		{"eight segments", "a/b/c/d/e/f/g/h", true},
		{"nine segments", "a/b/c/d/e/f/g/h/i", false},
		{"leading slash", "/course-1", false},
		{"trailing slash", "course-1/", false},
		{"slash alone", "/", false},
		{"empty segment", "course-1//x", false},
		{"dot", ".", false},
		{"dots", "..", false},
		{"dot segment", "course-1/./x", false},
		{"dots segment", "course-1/../course-2", false},
		{"dots at the end", "course-1/..", false},
		{"star", "*", false},
		{"star in a segment", "course-*", false},
		{"question mark", "course-?", false},
		{"encoded dots", "%2e%2e", false},
		{"encoded slash", "course-1%2fx", false},
		{"encoded letter", "course%2D1", false},
		{"backslash", `course-1\..\x`, false},
		{"query", "course-1?x=y", false},
		{"fragment", "course-1#x", false},
		{"semicolon", "course-1;x", false},
		{"quote", `course-1","x":"`, false},
		{"space", "course 1", false},
		{"line break", "course-1\nx", false},
		{"carriage return", "course-1\r\nSet-Cookie: x", false},
		{"zero byte", "course-1\x00", false},
		{"delete", "course-1\x7f", false},
		{"plus", "a+b", false},
		{"at", "user@host", false},
		{"colon", "https://elsewhere.example", false},
		{"umlaut", "prüfung", false},
		{"full-width dots", "\uff0e\uff0e", false},
		{"division slash", "a\u2215b", false},
		{"broken UTF-8", "a\xff", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.text)
			if (err == nil) != tt.ok {
				t.Fatalf("Parse(%q) error = %v, want ok = %v", tt.text, err, tt.ok)
			}
			want := ""
			if tt.ok {
				want = tt.text
			}
			if p.String() != want {
				t.Errorf("Parse(%q) = %q, want %q", tt.text, p, want)
			}
		})
	}
}

func TestBelow(t *testing.T) {
	for _, tt := range []struct {
		base, path, below, resource string
	}{
		{"premium", "", "/premium/", "https://d111.cloudfront.net/premium/*"},
		{"premium", "course-1", "/premium/course-1/", "https://d111.cloudfront.net/premium/course-1/*"},
		{"paid/video", "a/b", "/paid/video/a/b/", "https://d111.cloudfront.net/paid/video/a/b/*"},
	} {
		base, p := parse(t, tt.base), parse(t, tt.path)
		if got := p.Below(base); got != tt.below {
			t.Errorf("%q below %q = %q, want %q", p, base, got, tt.below)
		}
		if got := p.Resource("d111.cloudfront.net", base); got != tt.resource {
			t.Errorf("resource of %q below %q = %q, want %q", p, base, got, tt.resource)
		}
	}
}

func parse(t *testing.T, text string) Path {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// FuzzResource: an accepted path is left as it is by every normalisation, its
// resource has one wildcard, the last character, and covers no URL that was
// sent with another beginning. Everything else is refused.
func FuzzResource(f *testing.F) {
	for _, text := range []string{"", "course-1", "a/b", "..", "*", "?", "%2e%2e", "a//b", "/", "course-1/..", "a\\b", "a\x00", "é", "...", "~"} {
		for _, rest := range []string{"x.ts", "../y.ts", "%2e%2e/y", "//", "..\\y", "?x=../", ""} {
			f.Add(text, rest)
		}
	}
	base := Path{text: "premium"}
	const host = "d111.cloudfront.net"
	f.Fuzz(func(t *testing.T, text, rest string) {
		p, err := Parse(text)
		if err != nil {
			if p != (Path{}) {
				t.Fatalf("a refused path has the value %q", p)
			}
			return
		}
		want := "/premium/"
		if text != "" {
			want += text + "/"
		}
		resource := p.Resource(host, base)
		if resource != "https://"+host+want+"*" {
			t.Fatalf("path %q became resource %q", text, resource)
		}
		if strings.Count(resource, "*") != 1 || strings.Contains(resource, "?") {
			t.Fatalf("resource %q has a wildcard beside its last", resource)
		}
		for name, normalise := range map[string]func(string) string{
			"clean": path.Clean,
			"unescape": func(s string) string {
				if u, err := url.PathUnescape(s); err == nil {
					return u
				}
				return s
			},
			"backslashes": func(s string) string { return strings.ReplaceAll(s, `\`, "/") },
			"escape":      func(s string) string { return (&url.URL{Path: s}).EscapedPath() },
		} {
			prefix := strings.TrimSuffix(want, "/")
			if got := normalise(prefix); got != prefix {
				t.Fatalf("%s turns %q into %q", name, prefix, got)
			}
		}
		// A URL is reached only where the path as sent begins with what was
		// granted: the wildcard is at the end and nowhere else.
		policy := signedcookie.Policy{Resource: resource}
		for _, candidate := range []string{rest, "/" + rest, want + rest, "/premium/" + rest, "/premium/course-2/" + rest, text + rest, want[:len(want)-1] + rest} {
			sent, _, _ := strings.Cut(candidate, "?")
			if policy.MatchesURL("https://"+host+candidate) && !strings.HasPrefix(sent, want) {
				t.Fatalf("%q covers %q", resource, candidate)
			}
		}
	})
}
