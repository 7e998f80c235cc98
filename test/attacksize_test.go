package test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"premiumhls/local/cloud"
	"premiumhls/signedcookie"
	"premiumhls/test/sitetest"
)

// serve has the edge answer without a network between, so that an answer that
// comes before all of a body was sent is seen like any other.
func (s *site) serve(method, target string, header http.Header, body io.Reader) sitetest.Reply {
	r := httptest.NewRequest(method, target, body)
	r.Host, r.RemoteAddr = s.Host, "127.0.0.1:5000"
	for name, values := range header {
		r.Header[name] = values
	}
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, r)
	return sitetest.Reply{Response: recorder.Result(), Bytes: recorder.Body.Bytes()}
}

// endless is a body that never ends, and counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

// What is large is refused by the first that may: the edge takes 20,480 bytes
// of headers and a URL of 8,192, API Gateway 10,240 bytes of headers and a body
// of ten megabytes, Lambda an event of six, the signer a body of four kilobytes.
func TestAttacksBySize(t *testing.T) {
	s := newSite(t, sitetest.ClaimSettings)
	signedIn := http.Header{"Authorization": {"Bearer " + s.Token("ada")}, "Content-Type": {"application/json"}}
	with := func(changes ...string) http.Header {
		header := signedIn.Clone()
		for i := 0; i < len(changes); i += 2 {
			header.Set(changes[i], changes[i+1])
		}
		return header
	}
	const kilobyte, megabyte = 1 << 10, 1 << 20
	binary := with("Content-Type", "application/octet-stream")
	for _, test := range []struct {
		name   string
		header http.Header
		body   string
		status int
		code   string
	}{
		{"as much as the signer reads", signedIn, `{"path":"` + strings.Repeat("a", 4*kilobyte-11) + `"}`, 400, "invalid_path"},
		{"more than the signer reads", signedIn, `{"path":"` + strings.Repeat("a", 4*kilobyte-10) + `"}`, 400, "body_too_large"},
		{"nearly all that Lambda takes", signedIn, strings.Repeat("a", 6*megabyte-16*kilobyte), 400, "body_too_large"},
		{"six megabytes", signedIn, strings.Repeat("a", 6*megabyte), 413, ""},
		{"three megabytes that become eighteen as JSON", signedIn, strings.Repeat("\x01", 3*megabyte), 413, ""},
		{"four megabytes that become nearly six as base64", binary, strings.Repeat("a", 4*megabyte), 400, "body_too_large"},
		{"five megabytes that become seven as base64", binary, strings.Repeat("a", 5*megabyte), 413, ""},
		{"all that API Gateway takes", signedIn, strings.Repeat("a", 10*megabyte), 413, ""},
		{"more than API Gateway takes", signedIn, strings.Repeat("a", 10*megabyte+1), 413, ""},
		{"ten thousand brackets", signedIn, strings.Repeat("[", 4*kilobyte), 400, "invalid_json"},
		{"ten thousand members", signedIn, "{" + strings.Repeat(`"path":"a",`, 10_000) + `"path":"a"}`, 400, "body_too_large"},
		{"ten thousand paths", signedIn, `{"path":[` + strings.Repeat(`"a",`, 10_000) + `"a"]}`, 400, "body_too_large"},
		{"a thousand paths", signedIn, `{"path":[` + strings.Repeat(`"a",`, 1000) + `"a"]}`, 400, "invalid_path"},
		{"ten thousand segments", signedIn, `{"path":"` + strings.Repeat("a/", 10_000) + `a"}`, 400, "body_too_large"},
		{"a thousand segments", signedIn, `{"path":"` + strings.Repeat("a/", 1000) + `a"}`, 400, "invalid_path"},
		{"cookies that the edge takes and API Gateway does not", with("Cookie", "a="+strings.Repeat("a", 12*kilobyte)), `{}`, 431, ""},
		{"a header that the edge does not take", with("X-Large", strings.Repeat("a", 20*kilobyte)), `{}`, 413, ""},
		{"a token of twenty kilobytes", with("Authorization", "Bearer "+strings.Repeat("a", 20*kilobyte)), `{}`, 413, ""},
		{"a token of ten kilobytes", with("Authorization", "Bearer "+strings.Repeat("a", 10*kilobyte)), `{}`, 431, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			refused(t, s.serve("POST", "/api/cookies", test.header, strings.NewReader(test.body)), test.status, test.code)
		})
	}
	t.Run("a body without an end", func(t *testing.T) {
		body := &endless{}
		refused(t, s.serve("POST", "/api/cookies", signedIn, body), 413, "")
		if body.read > 21*megabyte { // a buffer that grows reads ahead
			t.Errorf("%d bytes of it were read", body.read)
		}
	})

	one := sitetest.CookieHeader(s.Cookies("ada", "course-1"))
	for _, test := range []struct {
		name, target string
		cookies      string
		status       int
	}{
		{"a URL of ten thousand segments", "/premium/course-1/" + strings.Repeat("a/", 10_000), one.Get("Cookie"), 413},
		{"a URL of four thousand segments", "/premium/course-1/" + strings.Repeat("a/", 4000), one.Get("Cookie"), 400},
		{"a URL that goes up four thousand times", "/premium/course-1/" + strings.Repeat("../", 2600) + "premium/course-2/sample/master.m3u8", one.Get("Cookie"), 403},
		{"a URL that goes up, encoded", "/premium/course-1/" + strings.Repeat("%2e%2e%2f", 850) + "premium/course-2/sample/master.m3u8", one.Get("Cookie"), 403},
		{"a URL of slashes", strings.Repeat("/", 8000) + "premium/course-2/sample/master.m3u8", one.Get("Cookie"), 403},
		{"a query of three thousand parameters", "/premium/course-1/sample/master.m3u8?" + strings.Repeat("a&", 3000) + "Policy=", one.Get("Cookie"), 403},
		{"nine hundred policies", "/premium/course-1/sample/master.m3u8", one.Get("Cookie") + strings.Repeat("; CloudFront-Policy=", 900), 403},
		{"nine hundred keys", "/premium/course-1/sample/master.m3u8", strings.Repeat("CloudFront-Key-Pair-Id=K; ", 600) + one.Get("Cookie"), 403},
		{"six thousand cookies", "/premium/course-2/sample/master.m3u8", strings.Repeat("a=;", 6000), 403},
		{"a policy of eighteen kilobytes", "/premium/course-1/sample/master.m3u8", one.Get("Cookie") + "; CloudFront-Policy=" + strings.Repeat("AAAA", 4500), 403},
		{"cookies of twenty kilobytes", "/premium/course-1/sample/master.m3u8", one.Get("Cookie") + "; a=" + strings.Repeat("a", 20*kilobyte), 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := s.serve("GET", test.target, http.Header{"Cookie": {test.cookies}}, nil)
			if r.StatusCode != test.status || bytes.Contains(r.Bytes, []byte("#EXTM3U")) {
				t.Errorf("%d, want %d: %.200s", r.StatusCode, test.status, r.Bytes)
			}
		})
	}

	// And the most that gets through is answered as it should be.
	t.Run("a claim of five hundred paths", func(t *testing.T) {
		var courses []string
		for i := range 500 {
			courses = append(courses, fmt.Sprintf("c-%d", i))
		}
		token, err := s.Issuer().Mint("ben", func(claims map[string]any) { claims["custom:courses"] = courses })
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]int{"c-0": 200, "c-499": 200, "c-499/a": 200, "c-500": 403, "c-": 403, "c": 403} {
			if r := s.Call("POST", "/api/cookies", token, `{"path":"`+path+`"}`); r.StatusCode != want {
				t.Errorf("%s: %d %s, want %d", path, r.StatusCode, r.Bytes, want)
			}
		}
		var list struct{ Paths []struct{ Path string } }
		s.Call("GET", "/api/entitlements", token, "").JSON(t, &list)
		if len(list.Paths) != 500 {
			t.Errorf("%d paths are listed", len(list.Paths))
		}
	})
	t.Run("a claim of ten thousand paths", func(t *testing.T) {
		token, err := s.Issuer().Mint("ben", func(claims map[string]any) {
			claims["custom:courses"] = strings.Repeat("course-2 ", 10_000)
		})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s.serve("POST", "/api/cookies", http.Header{"Authorization": {"Bearer " + token}}, strings.NewReader(`{"path":"course-2"}`)), 413, "")
	})
}

// One viewer asks for ten thousand paths: each answer is for the path that was
// asked for and opens that alone, and no signer grows by what it has answered.
func TestTenThousandPaths(t *testing.T) {
	s := newSite(t, map[string]any{"signingKeyType": "ECDSA_P256", "signatureHash": "SHA1", "allowEcdsaSha1": true, "requestsPerSecond": 10000.0, "requestBurst": 5000.0, "viewerRequestsPerMinute": 0.0},
		func(o *cloud.Options) { o.Requests, o.Functions = nil, io.Discard })
	header := http.Header{"Authorization": {"Bearer " + s.Token("ada")}, "Content-Type": {"application/json"}}
	var next atomic.Int64
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for i := next.Add(1); i <= 10_000; i = next.Add(1) {
				path := fmt.Sprintf("course-%d/lesson-%d", i%7, i)
				r := s.serve("POST", "/api/cookies", header.Clone(), strings.NewReader(`{"path":"`+path+`"}`))
				if r.StatusCode == 429 {
					next.Add(-1)
					continue
				}
				resource := `"resource":"https://` + s.Host + `/premium/` + path + `/*"`
				if r.StatusCode != 200 || !bytes.Contains(r.Bytes, []byte(resource)) {
					return fmt.Errorf("%s: %d %s", path, r.StatusCode, r.Bytes)
				}
				for _, c := range r.Cookies() {
					raw, err := signedcookie.Decode(c.Value)
					if c.Path != "/premium/"+path+"/" || c.Name == signedcookie.PolicyCookie && (err != nil || !bytes.Contains(raw, []byte(`"Resource":"https://`+s.Host+`/premium/`+path+`/*"`))) {
						return fmt.Errorf("%s: cookie %s", path, c.Raw)
					}
				}
				if i%50 == 0 {
					cookies := sitetest.CookieHeader(r.Cookies()[:3]) // without the one that is cleared
					for target, want := range map[string]int{path: 404, fmt.Sprintf("course-%d/lesson-%d", i%7, i+1): 403, fmt.Sprintf("course-%d", i%7): 403} {
						if r := s.serve("GET", "/premium/"+target+"/index.m3u8", cookies.Clone(), nil); r.StatusCode != want {
							return fmt.Errorf("%s with cookies of %s: %d, want %d", target, path, r.StatusCode, want)
						}
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	for _, id := range s.Processes() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", id))
		if err != nil {
			continue // this system does not tell
		}
		pages, err := strconv.Atoi(strings.Fields(string(text))[1])
		if size := pages * os.Getpagesize(); err != nil || size > 64<<20 {
			t.Errorf("a function has %d bytes in memory", size)
		}
	}
}

// A viewer with ten thousand grants in the table is answered about each, and
// told of as many as are listed.
func TestTenThousandGrants(t *testing.T) {
	s := newSite(t, map[string]any{"entitlements": "table"}, func(o *cloud.Options) { o.Requests = nil })
	endpoint, table := s.Table()
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("x", "x", "")})
	const perCall = 25 // what BatchWriteItem takes
	for first := 0; first < 10_000; first += perCall {
		var items []types.WriteRequest
		for i := range perCall {
			items = append(items, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
				"viewer": &types.AttributeValueMemberS{Value: "subject-ben"},
				"path":   &types.AttributeValueMemberS{Value: fmt.Sprintf("course-%04d", first+i)},
			}}})
		}
		if _, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: items}}); err != nil {
			t.Fatal(err)
		}
	}
	ben := s.Token("ben")
	for path, want := range map[string]int{
		"course-0000": 200, "course-9999": 200, "course-9999/lesson-1": 200, "course-5000": 200, "course-10000": 403, "course-": 403, "course-999": 403,
	} {
		if r := s.Call("POST", "/api/cookies", ben, `{"path":"`+path+`"}`); r.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", path, r.StatusCode, r.Bytes, want)
		}
	}
	var list struct {
		All   bool
		Paths []struct{ Path string }
	}
	if r := s.Call("GET", "/api/entitlements", ben, ""); r.StatusCode != 200 {
		t.Errorf("%d %s", r.StatusCode, r.Bytes)
	} else if r.JSON(t, &list); list.All || len(list.Paths) < 1000 || len(list.Paths) > 10_000 {
		t.Errorf("%d paths are listed", len(list.Paths))
	}
}
