package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

// segments is a media playlist as MediaConvert writes it, of a film of n
// segments of six seconds.
func segments(n int) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"main_1080init.cmfv\"\n")
	for i := range n {
		fmt.Fprintf(&b, "#EXTINF:6.000,\nmain_1080_%09d.cmfv\n", i+1)
	}
	b.WriteString("#EXT-X-ENDLIST\n")
	return b.String()
}

// signed is the query of a link with a real signature.
func signed(t testing.TB, keyType signedcookie.KeyType) string {
	t.Helper()
	key, err := signedcookie.GenerateKey(keyType)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signedcookie.Policy{Resource: "https://video.example.com/premium/course-1/lesson-1/*", Expires: now.Add(4 * time.Hour)}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signedcookie.Sign(key, signedcookie.SHA256, raw)
	if err != nil {
		t.Fatal(err)
	}
	return "l=" + signedcookie.Encode(raw) + "." + signedcookie.Encode(signature) + ".K2JCJMDEHXQW5F.SHA256"
}

// A thousand segments: an hour and forty minutes. The metrics are the sizes on
// the wire; docs/links.md has them.
func BenchmarkThousandSegments(b *testing.B) {
	for _, keyType := range []signedcookie.KeyType{signedcookie.ECDSAP256, signedcookie.RSA2048} {
		for _, accept := range []string{"", "gzip"} {
			name := fmt.Sprintf("%s/%s", keyType, map[string]string{"": "identity", "gzip": "gzip"}[accept])
			b.Run(name, func(b *testing.B) {
				const path = "premium/course-1/lesson-1/v/main_1080.m3u8"
				h, log := newTestHandler(b, &memory{objects: map[string]string{path: segments(1000)}})
				e := event("/premium/course-1/lesson-1/v/main_1080.link.m3u8", signed(b, keyType))
				e.Headers["accept-encoding"] = accept
				size := 0
				b.ReportAllocs()
				for b.Loop() {
					log.Reset()
					got, err := h.handle(b.Context(), e)
					if err != nil || got.StatusCode != 200 {
						b.Fatalf("%+v, %v", got, err)
					}
					size = len(got.Body)
					if got.IsBase64Encoded {
						size = size / 4 * 3
					}
				}
				b.ReportMetric(float64(size), "B/response")
			})
		}
	}
}

// BenchmarkParse is what a playlist costs when it is new or has changed.
func BenchmarkParse(b *testing.B) {
	text := segments(1000)
	for b.Loop() {
		if _, err := parse("/premium/course-1/lesson-1/v/", text); err != nil {
			b.Fatal(err)
		}
	}
}

// The levels of compression that there are to choose from.
func BenchmarkCompression(b *testing.B) {
	p, err := parse("/premium/course-1/lesson-1/v/", segments(1000))
	if err != nil {
		b.Fatal(err)
	}
	l, err := readLink(signed(b, signedcookie.RSA2048), "/premium/course-1/lesson-1/v/x", premium(b), now)
	if err != nil {
		b.Fatal(err)
	}
	text, _ := p.sign(l, p.folder)
	for _, level := range []int{1, 2, 4, 6, 9} {
		b.Run(fmt.Sprint("level ", level), func(b *testing.B) {
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				w, err := gzip.NewWriterLevel(&out, level)
				if err != nil {
					b.Fatal(err)
				}
				w.Write([]byte(text))
				w.Close()
			}
			b.ReportMetric(float64(out.Len()), "B/response")
		})
	}
}

// A film of a day, signed with RSA, fits into a response where gzip is
// accepted; a film of ten hours fits without.
func TestLongFilms(t *testing.T) {
	for _, test := range []struct {
		name    string
		hours   int
		accept  string
		keyType signedcookie.KeyType
		status  int
	}{
		{"four hours, no gzip, RSA", 4, "", signedcookie.RSA2048, 200},
		{"ten hours, no gzip, ECDSA", 10, "", signedcookie.ECDSAP256, 200},
		{"a day, gzip, RSA", 24, "gzip", signedcookie.RSA2048, 200},
		{"a day, no gzip, RSA", 24, "", signedcookie.RSA2048, 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			const key = "premium/course-1/lesson-1/v/main.m3u8"
			h, _ := newTestHandler(t, &memory{objects: map[string]string{key: segments(test.hours * 600)}})
			e := event("/premium/course-1/lesson-1/v/main.link.m3u8", signed(t, test.keyType))
			e.Headers["accept-encoding"] = test.accept
			got, _ := h.handle(t.Context(), e)
			if got.StatusCode != test.status {
				t.Fatalf("%d with %d bytes, want %d", got.StatusCode, len(got.Body), test.status)
			}
			if test.status == 200 {
				body := plain(t, got)
				if n := strings.Count(body, "Signature="); n != test.hours*600+1 {
					t.Errorf("%d URIs are signed", n)
				}
			}
		})
	}
}
