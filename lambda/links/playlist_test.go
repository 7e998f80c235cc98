package main

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"premiumhls/internal/link"
)

// testLink opens a lesson.
func testLink(folder string) grant {
	return grant{host: "d111.cloudfront.net", folder: folder, media: "Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=SHA256",
		playlist: "Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=SHA256&l=P.S.K.SHA256"}
}

const lessonFolder = "/premium/course-1/lesson-1/"

// Each URI of a playlist that the link opens is signed, and no other is.
func TestSign(t *testing.T) {
	const media = "Policy=P&Signature=S&Key-Pair-Id=K&Hash-Algorithm=SHA256"
	const list = media + "&l=P.S.K.SHA256"
	for name, test := range map[string]struct {
		line, want string
		folder     string // that the viewer asked; empty: the playlist's own
	}{
		"a segment":            {line: "seg1.ts", want: "seg1.ts?" + media},
		"a playlist":           {line: "360p.m3u8", want: "360p.link.m3u8?" + list},
		"a playlist below":     {line: "a/360p.m3u8", want: "a/360p.link.m3u8?" + list},
		"a map":                {line: `#EXT-X-MAP:URI="init.mp4",BYTERANGE="1@0"`, want: `#EXT-X-MAP:URI="init.mp4?` + media + `",BYTERANGE="1@0"`},
		"a key":                {line: `#EXT-X-KEY:METHOD=AES-128,URI="k.key",IV=0x1`, want: `#EXT-X-KEY:METHOD=AES-128,URI="k.key?` + media + `",IV=0x1`},
		"captions":             {line: `#EXT-X-MEDIA:TYPE=SUBTITLES,NAME="a, b",URI="en.m3u8"`, want: `#EXT-X-MEDIA:TYPE=SUBTITLES,NAME="a, b",URI="en.link.m3u8?` + list + `"`},
		"a query":              {line: "seg1.ts?v=1", want: "seg1.ts?v=1&" + media},
		"a fragment":           {line: "seg1.ts?v=1#f", want: "seg1.ts?v=1&" + media + "#f"},
		"a playlist's query":   {line: "a.m3u8?v=1", want: "a.link.m3u8?v=1&" + list},
		"from the root":        {line: "/premium/course-1/lesson-1/x.ts", want: "/premium/course-1/lesson-1/x.ts?" + media},
		"absolute":             {line: "https://d111.cloudfront.net/premium/course-1/lesson-1/x.ts", want: "https://d111.cloudfront.net/premium/course-1/lesson-1/x.ts?" + media},
		"up and down":          {line: "../lesson-1/x.ts", want: "../lesson-1/x.ts?" + media},
		"letters":              {line: "Урок 1.ts", want: "%D0%A3%D1%80%D0%BE%D0%BA%201.ts?" + media},
		"not a playlist":       {line: "a.M3U8", want: "a.M3U8?" + media},
		"from another folder":  {line: "360p.m3u8", want: "/premium/course-1/lesson-1/360p.link.m3u8?" + list, folder: "/premium/course-1/"},
		"with a host":          {line: "//d111.cloudfront.net/premium/course-1/lesson-1/x.ts", want: "//d111.cloudfront.net/premium/course-1/lesson-1/x.ts?" + media, folder: "/premium/course-1/"},
		"an image":             {line: `#EXT-X-SESSION-DATA:DATA-ID="x",URI="x.jpg"`, want: `#EXT-X-SESSION-DATA:DATA-ID="x",URI="x.jpg?` + media + `"`},
		"foreign":              {line: "https://evil.example/premium/course-1/lesson-1/x.ts"},
		"foreign, no scheme":   {line: "//evil.example/premium/course-1/lesson-1/x.ts"},
		"begins like the host": {line: "https://d111.cloudfront.net.evil.example/premium/course-1/lesson-1/x.ts"},
		"another port":         {line: "https://d111.cloudfront.net:444/premium/course-1/lesson-1/x.ts"},
		"another lesson":       {line: "../lesson-2/x.ts"},
		"begins like it":       {line: "../lesson-10/x.ts"},
		"out":                  {line: "../../course-2/x.ts"},
		"public":               {line: "/trailers/x.ts"},
		"http":                 {line: "http://d111.cloudfront.net/premium/course-1/lesson-1/x.ts"},
		"javascript":           {line: "javascript:alert(1)"},
		"a backslash":          {line: `a\..\x.ts`},
		"escaped dots":         {line: "%2e%2e/lesson-1/x.ts"},
		"signed already":       {line: "seg1.ts?Signature=x"},
		"FairPlay":             {line: `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery"`},
		"a title":              {line: "#EXTINF:6,seg1.ts"},
		"a comment":            {line: `# URI="seg1.ts"`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := parse(lessonFolder, "#EXTM3U\n"+test.line+"\n")
			if err != nil {
				t.Fatal(err)
			}
			folder := test.folder
			if folder == "" {
				folder = lessonFolder
			}
			got, ok := p.sign(testLink(lessonFolder), folder)
			want := test.want
			if want == "" {
				want = test.line
			}
			if got != "#EXTM3U\n"+want+"\n" || !ok {
				t.Errorf("signed\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestParseRejects(t *testing.T) {
	for name, text := range map[string]string{
		"a variable":              "#EXTM3U\n#EXT-X-DEFINE:NAME=\"x\",VALUE=\"../..\"\n{$x}/a.ts\n",
		"a variable in a tag":     "#EXTM3U\n#EXT-X-MAP:URI=\"{$x}\"\n",
		"a newline in a URI":      "#EXTM3U\n#EXT-X-MAP:URI=\"a\nb\"\n",
		"no playlist":             "<html>",
		"more URIs than allowed":  "#EXTM3U\n" + strings.Repeat("a\n", maxURIs+1),
		"a control character":     "#EXTM3U\na\x1bb.ts\n",
		"a lone carriage return":  "#EXTM3U\n#EXTINF:6,\ra.ts\n",
		"a film in place of text": "\x00\x00\x00\x20ftypiso6",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(lessonFolder, text); err == nil {
				t.Error("accepted")
			}
		})
	}
	if p, err := parse(lessonFolder, "#EXTM3U\n"+strings.Repeat("a\n", maxURIs)); err != nil || p.uris != maxURIs {
		t.Errorf("as many as allowed: %v", err)
	} else if _, ok := p.sign(grant{folder: lessonFolder, media: strings.Repeat("x", 700)}, lessonFolder); ok {
		t.Error("a result of 28 MB is not refused")
	}
}

// signature marks the link's signature in a rewritten playlist.
var signature = regexp.MustCompile(`[^\r\n"]*Signature=SIGNED[^\r\n"]*`)

// Whatever is in the bucket, the signature is only in URIs that resolve, by
// another implementation of RFC 3986, to the link's host and folder, also after
// a server has decoded them; the rest of the playlist does not change; and a
// rewritten playlist that is rewritten again does not change either.
func FuzzSign(f *testing.F) {
	for _, uri := range []string{
		"a.ts", "../x", "/premium/course-1/lesson-1/x", "https://d111.cloudfront.net/premium/course-1/lesson-1/x", "//evil.example/x", "javascript:x", "%2e%2e/x", `\\evil\x`,
		"a b", "é.m3u8", "a.m3u8?x#y", "x?Policy=1", "..%2f", "/premium/course-1/lesson-1/..%2f..%2fx", "https:premium", "a//b", "{$x}", "/premium/course-1/lesson-1//../x", "\uff0e\uff0e/x",
	} {
		f.Add("#EXTM3U\n#EXT-X-MAP:URI=\""+uri+"\",BYTERANGE=\"1@0\"\n#EXTINF:6,\n"+uri+"\n", "v1/")
		f.Add("#EXTM3U\n"+uri+"\r\n", "")
	}
	l := grant{host: "d111.cloudfront.net", folder: lessonFolder, media: "Policy=P&Signature=SIGNED", playlist: "Policy=P&Signature=SIGNED&l=P.SIGNED"}
	f.Fuzz(func(t *testing.T, text, below string) {
		folder, ok := escape(lessonFolder + below)
		if clean, dots := removeDots(strings.Trim(folder, "/")); !ok || !dots || clean+"/" != folder || strings.Contains(text, "SIGNED") {
			return
		}
		p, err := parse(folder, text)
		if err != nil {
			return
		}
		got, ok := p.sign(l, folder)
		if !ok {
			return
		}
		base, err := url.Parse("https://d111.cloudfront.net" + folder + "x.link.m3u8")
		if err != nil {
			t.Fatal(err)
		}
		for _, uri := range signature.FindAllString(got, -1) {
			reference, err := url.Parse(uri)
			if err != nil {
				t.Fatalf("signed %q: %v", uri, err)
			}
			for range 3 {
				resolved := base.ResolveReference(reference)
				if resolved.Scheme != "https" || resolved.Host != l.host || resolved.User != nil || !strings.HasPrefix(resolved.EscapedPath(), lessonFolder) {
					t.Fatalf("signed %q of %q: %s", uri, text, resolved)
				}
				decoded, err := url.PathUnescape(reference.EscapedPath())
				if err != nil {
					t.Fatal(err)
				}
				reference = &url.URL{Scheme: reference.Scheme, Host: reference.Host, Path: strings.ReplaceAll(decoded, `\`, "/")}
			}
		}
		again, err := parse(folder, got)
		if err != nil {
			t.Fatalf("the result of %q cannot be parsed: %v", text, err)
		}
		if twice, _ := again.sign(l, folder); twice != got {
			t.Fatalf("%q became %q and then %q", text, got, twice)
		}
		if again.uris != p.uris {
			t.Fatalf("%d URIs became %d", p.uris, again.uris)
		}
		plain := strings.NewReplacer("?Policy=P&Signature=SIGNED&l=P.SIGNED", "", "&Policy=P&Signature=SIGNED&l=P.SIGNED", "", "?Policy=P&Signature=SIGNED", "", "&Policy=P&Signature=SIGNED", "", link.Suffix, link.PlaylistSuffix)
		if a, b := normal(plain.Replace(got)), normal(plain.Replace(text)); a != b {
			t.Fatalf("%q became %q", b, a)
		}
	})
}

// normal is a text with characters escaped as signed URIs have them, and no
// question mark before nothing.
func normal(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == ' ' || r >= 0x80 {
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else if r != '?' {
			b.WriteRune(r)
		}
	}
	return b.String()
}
