package har

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const archive = `{"log":{"version":"1.2","entries":[
 {"startedDateTime":"2026-11-23T10:00:00.500Z","request":{"method":"POST","url":"https://h/api/cookies","headers":[{"name":":authority","value":"h"},{"name":"Referer","value":"https://p/"}],"cookies":[]},
  "response":{"status":200,"headers":[{"name":"set-cookie","value":"a=1; Path=/\nb=2; Path=/"},{"name":"Set-Cookie","value":"c=3"}],"content":{"text":"e30=","encoding":"base64"}}},
 {"startedDateTime":"2026-11-23T11:00:01+01:00","request":{"method":"GET","url":"https://h/premium/a.ts","headers":[{"name":"cookie","value":"a=1; b=2"}]},
  "response":{"status":403,"headers":[{"name":"server","value":"CloudFront"}],"content":{"text":"<Error/>"}}},
 {"request":{"method":"GET","url":"https://h/premium/b.ts","headers":[],"cookies":[{"name":"a","value":"1"},{"name":"b","value":"2"}]},"response":{"status":403}},
 {"request":{"method":"OPTIONS","url":"https://h/premium/b.ts"},"response":{"status":403}},
 {"request":{"method":"GET","url":"https://h/"},"response":{"status":200}}
]}}`

func TestParse(t *testing.T) {
	a, err := Parse([]byte(archive))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Entries) != 5 || a.Sanitized {
		t.Fatalf("%d entries, sanitized %v", len(a.Entries), a.Sanitized)
	}
	api := a.Entries[0]
	if !slices.Equal(api.SetCookies, []string{"a=1; Path=/", "b=2; Path=/", "c=3"}) || api.Body != "{}" || api.Header.Get("Referer") != "https://p/" || len(api.Header) != 1 {
		t.Errorf("%+v", api)
	}
	if want := time.Date(2026, 11, 23, 10, 0, 0, 5e8, time.UTC); !api.Started.Equal(want) {
		t.Errorf("started %v", api.Started)
	}
	refused := a.Entries[1]
	if !slices.Equal(refused.Cookies, []string{"a=1; b=2"}) || refused.Status != 403 || refused.Body != "<Error/>" || refused.ResponseHeader.Get("Server") != "CloudFront" {
		t.Errorf("%+v", refused)
	}
	if listed := a.Entries[2]; !slices.Equal(listed.Cookies, []string{"a=1; b=2"}) || !listed.Started.IsZero() {
		t.Errorf("%+v", listed)
	}
}

func TestChoose(t *testing.T) {
	a, err := Parse([]byte(archive))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, url string
		want      []int
		fails     string
	}{
		{"every 403 but preflights", "", []int{1, 2}, ""},
		{"one by its URL", "https://h/", []int{4}, ""},
		{"a URL that is not there", "https://h/x", nil, "no request for https://h/x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := a.Choose(test.url)
			if !slices.Equal(got, test.want) || (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%v %v", got, err)
			}
		})
	}
	a.Entries = a.Entries[4:]
	if _, err := a.Choose(""); err == nil {
		t.Error("chose an entry that was served")
	}
}

func TestParseSanitized(t *testing.T) {
	a, err := Parse([]byte(`{"log":{"entries":[{"request":{"method":"GET","url":"https://h/","cookies":[]},"response":{"status":403}}]}}`))
	if err != nil || !a.Sanitized {
		t.Errorf("sanitized %v, %v", a.Sanitized, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "<html>", "no log": "{}", "no entries": `{"log":{"entries":[]}}`, "another type": `{"log":{"entries":"none"}}`} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "reading the HAR file: ") {
				t.Errorf("error %v", err)
			}
		})
	}
}
