package hls

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitURIs(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		uris []string
		err  string
	}{
		"variants": {text: "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1,mp4a\"\n360p.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\n720p.m3u8\n",
			uris: []string{"360p.m3u8", "720p.m3u8"}},
		"segments":             {text: "#EXTM3U\n#EXTINF:6,\na.ts\n#EXTINF:6,a title, with URI=\"x\"\nb.ts", uris: []string{"a.ts", "b.ts"}},
		"CRLF":                 {text: "#EXTM3U\r\n#EXTINF:6,\r\na.ts\r\n", uris: []string{"a.ts"}},
		"a byte order mark":    {text: "\ufeff#EXTM3U\na.ts\n", uris: []string{"a.ts"}},
		"empty lines":          {text: "#EXTM3U\n\n\na.ts\n\n", uris: []string{"a.ts"}},
		"a comment":            {text: "#EXTM3U\n# URI=\"x\"\n#URI=\"y\"\na.ts\n", uris: []string{"a.ts"}},
		"an unknown tag":       {text: "#EXTM3U\n#EXT-X-OTHER:URI=\"x\"\na.ts\n", uris: []string{"a.ts"}},
		"a tag that begins so": {text: "#EXTM3U\n#EXT-X-MAPS:URI=\"x\"\n", uris: nil},
		"media":                {text: "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a,b\",NAME=\"x=\",URI=\"a.m3u8\",DEFAULT=YES\n", uris: []string{"a.m3u8"}},
		"media without a URI":  {text: "#EXTM3U\n#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"a\",INSTREAM-ID=\"CC1\"\n", uris: nil},
		"I-frames and images": {text: "#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"\n#EXT-X-IMAGE-STREAM-INF:URI=\"j.m3u8\",RESOLUTION=1x1\n",
			uris: []string{"i.m3u8", "j.m3u8"}},
		"map and keys": {text: "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"9@0\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k,1.key\",IV=0x1\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-KEY:METHOD=NONE\n",
			uris: []string{"init.mp4", "k,1.key", "k"}},
		"session data": {text: "#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID=\"d\",URI=\"c.json\"\n#EXT-X-SESSION-DATA:DATA-ID=\"e\",VALUE=\"URI=x\"\n", uris: []string{"c.json"}},
		"low latency": {text: "#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"p.mp4\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"q.mp4\"\n#EXT-X-RENDITION-REPORT:URI=\"r.m3u8\",LAST-MSN=1\n",
			uris: []string{"p.mp4", "q.mp4", "r.m3u8"}},
		"steering and interstitials": {text: "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"s.json\",PATHWAY-ID=\"a\"\n#EXT-X-DATERANGE:ID=\"1\",X-ASSET-URI=\"ad.m3u8\",X-ASSET-LIST=\"list.json\",X-OTHER=\"o\"\n",
			uris: []string{"s.json", "ad.m3u8", "list.json"}},
		"spaces between attributes": {text: "#EXTM3U\n#EXT-X-MAP: URI=\"i\" , BYTERANGE=\"1@0\", \n", uris: []string{"i"}},
		"an unquoted URI":           {text: "#EXTM3U\n#EXT-X-MAP:URI=i\n", uris: nil},
		"an empty URI":              {text: "#EXTM3U\n#EXT-X-MAP:URI=\"\"\n", uris: []string{""}},
		"an indented tag is a URI":  {text: "#EXTM3U\n #EXT-X-MAP:URI=\"x\"\n", uris: []string{` #EXT-X-MAP:URI="x"`}},
		"other letters":             {text: "#EXTM3U\nУрок 1.ts\n", uris: []string{"Урок 1.ts"}},

		"empty":                  {text: "", err: "empty"},
		"no header":              {text: "a.ts\n", err: "line 1: a playlist begins"},
		"something before":       {text: "\n#EXTM3U\n", err: "line 1: a playlist begins"},
		"another header":         {text: "#EXTM3U8\n", err: "line 1: a playlist begins"},
		"not UTF-8":              {text: "#EXTM3U\n\xff.ts\n", err: "UTF-8"},
		"a null byte":            {text: "#EXTM3U\na\x00.ts\n", err: "line 2: the control character U+0000"},
		"a lone carriage return": {text: "#EXTM3U\na.ts\rb.ts\n", err: "line 2: the control character U+000D"},
		"a vertical tab":         {text: "#EXTM3U\na.ts\vb.ts\n", err: "line 2: the control character U+000B"},
		"a next line":            {text: "#EXTM3U\na.ts\u0085b.ts\n", err: "line 2: the control character U+0085"},
		"a line separator":       {text: "#EXTM3U\na.ts\u2028b.ts\n", err: "line 2: the control character U+2028"},
		"a URI with a newline":   {text: "#EXTM3U\n#EXT-X-MAP:URI=\"a\nb\"\n", err: "line 2: the value of URI has no closing"},
		"no attributes":          {text: "#EXTM3U\n#EXT-X-MAP:x\n", err: `line 2: "x" is not an attribute`},
		"a name in lower case":   {text: "#EXTM3U\n#EXT-X-MAP:uri=\"x\"\n", err: `line 2: "uri" is not the name`},
		"text after a value":     {text: "#EXTM3U\n#EXT-X-MAP:URI=\"x\"y\"\n", err: `line 2: "y\"" follows`},
		"a quotation mark":       {text: "#EXTM3U\n#EXT-X-MAP:URI=x\"y\"\n", err: "line 2: the value of URI has a quotation mark"},
		"two URIs":               {text: "#EXTM3U\n#EXT-X-MAP:URI=\"x\",URI=\"y\"\n", err: "line 2: two values of URI"},
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := SplitURIs(test.text)
			if test.err != "" || err != nil {
				if err == nil || test.err == "" || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			var uris []string
			for _, p := range parts {
				if p.URI {
					uris = append(uris, p.Text)
				}
			}
			if !slices.Equal(uris, test.uris) {
				t.Errorf("URIs %q, want %q", uris, test.uris)
			}
			if got := join(parts); got != test.text {
				t.Errorf("joined %q", got)
			}
		})
	}
}

func join(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Whatever a playlist is, its parts are the playlist, and no URI has a character
// that ends a line or a quoted value of its tag.
func FuzzSplitURIs(f *testing.F) {
	for _, text := range []string{
		"#EXTM3U\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"1@0\"\n#EXTINF:6,\na.ts\r\n", "#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n", "#EXTM3U", "\ufeff#EXTM3U\r\n\r\n",
		"#EXTM3U\n#EXT-X-MEDIA:A=\"x,y\", URI=\"\"\n", "#EXTM3U\n#EXT-X-MAP:URI=\"x\"y\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := SplitURIs(text)
		if err != nil {
			return
		}
		if join(parts) != text {
			t.Fatalf("%q became %q", text, join(parts))
		}
		before := ""
		for _, p := range parts {
			if p.URI && (strings.ContainsAny(p.Text, "\n\r\v\f\x00\u0085\u2028\u2029") || strings.HasSuffix(before, `"`) && strings.Contains(p.Text, `"`)) {
				t.Fatalf("URI %q of %q", p.Text, text)
			}
			if p.URI && before != "" && !strings.HasSuffix(before, `="`) && !strings.HasSuffix(before, "\n") {
				t.Fatalf("URI %q follows %q", p.Text, before)
			}
			before = p.Text
		}
	})
}
