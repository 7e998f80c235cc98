package test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"premiumhls/internal/catalog"
	"premiumhls/internal/hls"
	links "premiumhls/internal/link"
	"premiumhls/internal/videos"
	"premiumhls/local/cloud"
	"premiumhls/signedcookie"
	"premiumhls/test/sitetest"
)

// uris returns the URIs of a playlist at a path, as a player requests them.
func uris(t *testing.T, path string, body []byte) (found []string) {
	t.Helper()
	parts, err := hls.SplitURIs(string(body))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	folder, _ := filepath.Split(strings.SplitN(path, "?", 2)[0])
	for _, p := range parts {
		switch {
		case !p.URI:
		case strings.HasPrefix(p.Text, "/"):
			found = append(found, p.Text)
		default:
			found = append(found, folder+p.Text)
		}
	}
	return found
}

// follow requests a link's playlist and everything that the playlists name, with
// no cookies, and returns the paths that were served.
func follow(t *testing.T, s *site, address string) (served []string) {
	t.Helper()
	seen := map[string]bool{}
	var fetch func(address string)
	fetch = func(address string) {
		if seen[address] {
			return
		}
		seen[address] = true
		path, _, _ := strings.Cut(address, "?")
		r := s.Get(address)
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Bytes)
			return
		}
		served = append(served, path)
		if !strings.HasSuffix(path, links.PlaylistSuffix) {
			return
		}
		for _, uri := range uris(t, address, r.Bytes) {
			fetch(uri)
		}
	}
	fetch(address)
	return served
}

// whole is a lesson as ingest lays it out, with everything that a playlist can
// name: renditions, an audio group, captions, keys, I-frames and chapters. It
// does not play.
func whole() map[string]string {
	const folder = "premium/course-1/whole/"
	return map[string]string{
		folder + "lesson.json": `{"path":"course-1/whole","version":"v1","playlist":"v1/main.m3u8","duration":6}`,
		folder + "v1/main.m3u8": `#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-SESSION-DATA:DATA-ID="com.apple.hls.chapters",URI="chapters.json"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="../key.bin"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, original",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="en",URI="audio.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",URI="captions/en.m3u8"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,CODECS="avc1.42c01e",URI="iframes.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.42c01e,mp4a.40.2",AUDIO="a",SUBTITLES="s"
video.m3u8
`,
		folder + "v1/video.m3u8":       "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-KEY:METHOD=AES-128,URI=\"/premium/course-1/whole/key.bin\"\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:6,\nvideo1.m4s\n#EXT-X-ENDLIST\n",
		folder + "v1/audio.m3u8":       "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:6,\naudio1.m4s\n#EXT-X-ENDLIST\n",
		folder + "v1/iframes.m3u8":     "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:6,\n#EXT-X-BYTERANGE:1@0\nvideo1.m4s\n#EXT-X-ENDLIST\n",
		folder + "v1/captions/en.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nen1.vtt\n#EXT-X-ENDLIST\n",
		folder + "v1/captions/en1.vtt": "WEBVTT\n",
		folder + "v1/chapters.json":    "[]",
		folder + "v1/init.mp4":         "init", folder + "v1/video1.m4s": "video", folder + "v1/audio1.m4s": "audio", folder + "key.bin": "0123456789abcdef",
	}
}

// A link opens a lesson, in whichever layout, and everything that its playlists
// name; only playlists are asked of the function. It does not matter whether
// CloudFront sends the parameters of a signed URL to the origin.
func TestLinks(t *testing.T) {
	for name, send := range map[string]bool{"parameters removed": false, "parameters sent": true} {
		t.Run(name, func(t *testing.T) {
			log := &lockedBuffer{}
			s := newSite(t, sitetest.LinkSettings(nil), func(o *cloud.Options) { o.SendParameters, o.Functions = send, log })
			s.Put(whole())

			for _, test := range []struct {
				name, body string
				files      int
				playlists  int
				contains   []string
			}{
				{"made by hand", `{"path":"course-1/sample"}`, 13, 3, []string{"/premium/course-1/sample/lesson.link.m3u8", "/premium/course-1/sample/360p/segment-04.ts"}},
				{"with its playlist", `{"path":"course-1/sample","playlist":"360p/index.m3u8"}`, 6, 1, []string{"/premium/course-1/sample/360p/index.link.m3u8"}},
				{"of a course", `{"path":"course-1","playlist":"sample/master.m3u8"}`, 13, 3, []string{"/premium/course-1/sample/240p/index.link.m3u8"}},
				{"ingested", `{"path":"course-1/whole"}`, 11, 5, []string{
					"/premium/course-1/whole/key.bin", "/premium/course-1/whole/v1/init.mp4", "/premium/course-1/whole/v1/captions/en1.vtt",
					"/premium/course-1/whole/v1/chapters.json", "/premium/course-1/whole/v1/iframes.link.m3u8", "/premium/course-1/whole/v1/audio1.m4s",
				}},
			} {
				t.Run(test.name, func(t *testing.T) {
					before := strings.Count(log.String(), `"msg":"playlist"`)
					served := follow(t, s, s.Link("ben", test.body))
					if len(served) != test.files {
						t.Errorf("%d files: %q, want %d", len(served), served, test.files)
					}
					for _, path := range test.contains {
						if !slices.Contains(served, path) {
							t.Errorf("%s is not among %q", path, served)
						}
					}
					calls := awaitLines(log, `"msg":"playlist"`, before+test.playlists) - before
					if calls != test.playlists {
						t.Errorf("%d calls of the function, want %d", calls, test.playlists)
					}
				})
			}
			t.Run("what is refused", func(t *testing.T) { linkRefusals(t, s) })

			// By time, last of all: the edge's clock goes forward.
			address := s.Link("ben", `{"path":"course-1/sample"}`)
			s.Clock.Forward(25 * time.Hour)
			refused(t, s.Get(address), 403, "AccessDenied")
			refused(t, s.Get(strings.Replace(address, "lesson.link.m3u8", "360p/segment-00.ts", 1)), 403, "AccessDenied")

			// The log has no link, and no cookie that came with one.
			for _, secret := range []string{"Policy=", "Signature=", "eyJTdGF0", "CloudFront-"} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("the log has %s", secret)
				}
			}
		})
	}
}

// awaitLines waits until a log has some lines with a text, and returns how many
// it has.
func awaitLines(log *lockedBuffer, text string, want int) (n int) {
	for range 200 { // the log comes through a pipe
		if n = strings.Count(log.String(), text); n >= want {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return n
}

// linkRefusals are attacks with a link. None opens anything.
func linkRefusals(t *testing.T, s *site) {
	address := s.Link("ben", `{"path":"course-1/sample"}`)
	path, query, _ := strings.Cut(address, "?")
	const segment = "/premium/course-1/sample/360p/segment-00.ts"
	if r := s.Get(segment + "?" + query); r.StatusCode != 200 {
		t.Fatalf("a segment with the link: %d", r.StatusCode)
	}
	parameters := func(query string) map[string]string {
		values := map[string]string{}
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			values[name] = value
		}
		return values
	}
	own := parameters(query)

	// With one byte changed.
	for _, name := range []string{"Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"} {
		t.Run("one byte of "+name, func(t *testing.T) {
			value := own[name]
			for _, at := range []int{0, len(value) / 2, len(value) - 3} {
				changed := []byte(value)
				if changed[at]++; strings.IndexByte(cookieCharacters, changed[at]) < 0 {
					changed[at] = 'A'
				}
				bad := strings.Replace(query, name+"="+value, name+"="+string(changed), 1)
				for _, path := range []string{path, segment} {
					if r := s.Get(path + "?" + bad); r.StatusCode != 403 || r.Header.Get("Content-Type") != "text/xml" {
						t.Errorf("%s with byte %d changed: %d %s", path, at, r.StatusCode, r.Bytes)
					}
				}
			}
		})
	}
	// Moved to another path, also of a course that the viewer's cookies open.
	cookies := s.Cookies("ada", "course-2")
	for _, other := range []string{
		"/premium/course-2/sample/master.link.m3u8", "/premium/course-2/sample/360p/segment-00.ts", "/premium/course-1/whole/lesson.link.m3u8",
		"/premium/course-1/lesson.link.m3u8", "/premium/lesson.link.m3u8", "/premium/course-1/sample/../../course-2/sample/master.link.m3u8",
		"/premium/course-1/sample/%2e%2e/%2e%2e/course-2/sample/master.link.m3u8", "/premium/course-1/sample-2/master.link.m3u8",
		`/premium/course-1/sample/..%5c..%5ccourse-2/sample/master.link.m3u8`, "/premium/course-1/sample/..%2f..%2fcourse-2/sample/master.link.m3u8",
	} {
		t.Run("moved to "+other, func(t *testing.T) {
			// Either the edge refuses it, or the function finds nothing there.
			for _, r := range []sitetest.Reply{s.Get(other + "?" + query), s.Get(other+"?"+query, cookies...)} {
				if r.StatusCode != 403 && r.StatusCode != 404 || strings.Contains(string(r.Bytes), "#EXT") {
					t.Errorf("%d %.200s", r.StatusCode, r.Bytes)
				}
			}
		})
	}
	// Widened: another policy under the same signature.
	wide, err := signedcookie.Policy{Resource: "https://" + s.Host + "/premium/*", Expires: time.Now().Add(time.Hour)}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	widened := strings.ReplaceAll(query, own["Policy"], signedcookie.Encode(wide))
	for _, path := range []string{path, segment, "/premium/course-2/sample/master.link.m3u8"} {
		refused(t, s.Get(path+"?"+widened), 403, "AccessDenied")
		refused(t, s.Get(path+"?"+widened, cookies...), 403, "AccessDenied")
	}

	// Only the parameter of the function: without CloudFront's own the request is
	// not a signed URL, and with cookies it is judged by these. The function then
	// signs with whatever it got, which opens nothing else.
	refused(t, s.Get(path+"?l="+own["l"]), 403, "MissingKey")
	mine := s.Cookies("ben", "course-1")
	forged := strings.Replace(own["l"], own["Policy"], signedcookie.Encode([]byte(strings.Replace(string(decoded(t, own["Policy"])), "/course-1/sample/*", "/course-1/*", 1))), 1)
	for name, l := range map[string]string{"own": own["l"], "forged": forged} {
		r := s.Get("/premium/course-1/sample/master.link.m3u8?l="+l, mine...)
		if r.StatusCode != 200 {
			t.Fatalf("with cookies and the %s parameter: %d %s", name, r.StatusCode, r.Bytes)
		}
		for _, uri := range uris(t, "/premium/course-1/sample/master.link.m3u8", r.Bytes) {
			want := 200
			if name == "forged" {
				want = 403
			}
			if r := s.Get(uri); r.StatusCode != want {
				t.Errorf("%s with the %s parameter: %d, want %d", uri, name, r.StatusCode, want)
			}
		}
	}
	for name, l := range map[string]string{
		"none": "", "for everything": signedcookie.Encode(wide) + ".A.B.SHA256", "with a line break": own["l"] + "%0a", "with a quotation mark": own["l"] + "%22",
		"twice": own["l"] + "&l=" + own["l"], "of another course": strings.Replace(own["l"], own["Policy"], signedcookie.Encode([]byte(strings.Replace(string(decoded(t, own["Policy"])), "course-1", "course-2", 1))), 1),
	} {
		t.Run("the function's parameter "+name, func(t *testing.T) {
			refused(t, s.Get(path+"?"+strings.Replace(query, "l="+own["l"], "l="+l, 1)), 403, "invalid_link")
			refused(t, s.Get("/premium/course-1/sample/master.link.m3u8?l="+l, mine...), 403, "invalid_link")
		})
	}
	if r := s.Get("/premium/course-1/sample/none.link.m3u8?" + query); r.StatusCode != 404 || r.Code() != "not_found" {
		t.Errorf("a playlist that does not exist: %d %s", r.StatusCode, r.Bytes)
	}
	if r := s.Do("POST", address, nil, ""); r.StatusCode != 403 {
		t.Errorf("POST: %d", r.StatusCode)
	}
	if r := s.Do("HEAD", address, nil, ""); r.StatusCode != 200 || len(r.Bytes) > 0 || r.Header.Get("Content-Type") != "application/vnd.apple.mpegurl" {
		t.Errorf("HEAD: %d %v", r.StatusCode, r.Header)
	}

	// Around the distribution.
	for _, header := range []http.Header{{}, {"X-Origin-Secret": {"guess"}}} {
		request := httptest.NewRequest("GET", "https://api.example.com"+address, nil)
		request.Header = header
		refused(t, s.askAPI(request), 403, "not_through_distribution")
	}
	t.Run("what a playlist names", func(t *testing.T) { linkPlaylists(t, s) })
}

func decoded(t *testing.T, value string) []byte {
	t.Helper()
	raw, err := signedcookie.Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// linkPlaylists are playlists in the bucket that name what a link does not open.
// Nothing but what it opens gets its signature.
func linkPlaylists(t *testing.T, s *site) {
	const folder = "/premium/course-1/evil/"
	address := s.Link("ben", `{"path":"course-1/evil"}`)
	_, query, _ := strings.Cut(address, "?")
	signed := regexp.MustCompile(`[?&](Signature|l)=`)
	for name, test := range map[string]struct {
		line   string
		signed bool
		status int // 0: 200
	}{
		"its own":                  {line: "x.ts", signed: true},
		"its own, absolute":        {line: "https://" + s.Host + folder + "x.ts", signed: true},
		"its own key":              {line: `#EXT-X-KEY:METHOD=AES-128,URI="k"`, signed: true},
		"a foreign host":           {line: "https://evil.example" + folder + "x.ts"},
		"a foreign host's key":     {line: `#EXT-X-KEY:METHOD=AES-128,URI="https://evil.example` + folder + `k"`},
		"a host that begins so":    {line: "https://" + s.Host + ".evil.example" + folder + "x.ts"},
		"the host as a user":       {line: "https://" + s.Host + "@evil.example" + folder + "x.ts"},
		"no scheme":                {line: "//evil.example" + folder + "x.ts"},
		"backslashes":              {line: `\\evil.example` + folder + "x.ts"},
		"http":                     {line: "http://" + s.Host + folder + "x.ts"},
		"another course":           {line: "/premium/course-2/sample/master.m3u8"},
		"up":                       {line: "../sample/master.m3u8"},
		"up, encoded":              {line: "%2e%2e/sample/master.m3u8"},
		"up, an encoded slash":     {line: "..%2fsample/master.m3u8"},
		"up, encoded twice":        {line: "%252e%252e/sample/master.m3u8"},
		"javascript":               {line: "javascript:fetch('x')"},
		"javascript in an address": {line: `#EXT-X-MEDIA:TYPE=AUDIO,URI="javascript:x"`},
		"data":                     {line: "data:text/plain,x"},
		"a newline":                {line: "#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a\nhttps://evil.example/b\"", status: 422},
		"a carriage return":        {line: "x.ts\rhttps://evil.example/y.ts", status: 422},
		"a null byte":              {line: "x\x00.ts", status: 422},
		"a line separator":         {line: "x.ts\u2028https://evil.example/y.ts", status: 422},
		"a variable":               {line: "#EXT-X-DEFINE:NAME=\"h\",VALUE=\"//evil.example\"\n{$h}/x.ts", status: 422},
		"no playlist":              {line: "\xff", status: 422},
	} {
		t.Run(name, func(t *testing.T) {
			s.Put(map[string]string{"premium/course-1/evil/list.m3u8": "#EXTM3U\n" + test.line + "\n"})
			r := s.Get(folder + "list.link.m3u8?" + query)
			if test.status != 0 {
				refused(t, r, test.status, "invalid_playlist")
				return
			}
			if r.StatusCode != 200 {
				t.Fatalf("%d %s", r.StatusCode, r.Bytes)
			}
			if got := signed.Match(r.Bytes); got != test.signed {
				t.Errorf("signed %t: %s", got, r.Bytes)
			}
			if !test.signed && string(r.Bytes) != "#EXTM3U\n"+test.line+"\n" {
				t.Errorf("changed to %q", r.Bytes)
			}
		})
	}
}

// Playlists have a limit of their own: who floods them takes the API from
// nobody who asks for cookies.
func TestLinksThrottle(t *testing.T) {
	s := newSite(t, sitetest.LinkSettings(map[string]any{"requestsPerSecond": 5.0, "requestBurst": 10.0}))
	address := s.Link("ben", `{"path":"course-1/sample"}`)
	throttled := 0
	for range 40 {
		if r := s.Get(address); r.StatusCode == http.StatusTooManyRequests {
			throttled++
		}
	}
	if throttled == 0 {
		t.Error("40 requests for a playlist were all let through")
	}
	s.Cookies("ada", "course-1")
}

// A film that ingest has made of what an owner uploaded plays by a link, with
// its audio group, captions and I-frames.
func TestLinkToIngestedLesson(t *testing.T) {
	content := film(t)
	s := newSite(t, sitetest.LinkSettings(map[string]any{"ingest": true}))
	upload(t, s, map[string]string{"uploads/course-1/film.en.vtt": "WEBVTT\n\n00:00.500 --> 00:02.000\nHello\n", "uploads/course-1/film.mp4": string(content)})
	address := s.Link("ben", `{"path":"course-1/film"}`)
	served := strings.Join(follow(t, s, address), "\n")
	for _, want := range []string{`/v[^/]+/.*\.cmfv\b`, `\.cmfa\b`, `\.vtt\b`, `I-Frame|iframe`} {
		if !regexp.MustCompile(want).MatchString(served) {
			t.Errorf("nothing like %s is among\n%s", want, served)
		}
	}
	out, err := exec.Command("ffmpeg", "-nostdin", "-loglevel", "error", "-i", s.Origin+address, "-map", "0:v:0", "-map", "0:a:0", "-f", "framecrc", "-").CombinedOutput()
	if err != nil || strings.Count(string(out), "\n0,") != 2*25 || !strings.Contains(string(out), "\n1,") {
		t.Errorf("ffmpeg: %v, %d frames\n%.1000s", err, strings.Count(string(out), "\n0,"), out)
	}
}

// upload uploads films and what belongs to them, and waits until the lesson
// plays.
func upload(t *testing.T, s *site, files map[string]string) {
	t.Helper()
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	site, err := videos.NewLocal("us-east-1", s.Endpoints(), outputs, owner)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(files)) {
		if _, err := site.S3.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &site.Bucket, Key: &key, Body: strings.NewReader(files[key])}); err != nil {
			t.Fatal(err)
		}
	}
	for !t.Failed() {
		list, err := site.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Courses) > 0 && len(list.Courses[0].Lessons) > 0 {
			switch r := list.Courses[0].Lessons[0]; r.State {
			case catalog.Playing:
				return
			case catalog.Failed:
				t.Fatalf("ingest failed: %s", r.Reason)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// askAPI sends a request to the API's own host, past the distribution.
func (s *site) askAPI(request *http.Request) sitetest.Reply {
	recorder := httptest.NewRecorder()
	s.API().ServeHTTP(recorder, request)
	return sitetest.Reply{Response: recorder.Result(), Bytes: recorder.Body.Bytes()}
}
