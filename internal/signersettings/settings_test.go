package signersettings

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/setting"
)

// with returns a document with some members changed.
func with(t testing.TB, changes map[string]any) string {
	t.Helper()
	members := map[string]any{"parameterPrefix": "/PremiumHls", "signingKeys": keys("2026-11")}
	maps.Copy(members, changes)
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// keys are signing keys by their names, or names and parameters: a=/my/key.
func keys(items ...string) []SigningKey {
	list := []SigningKey{}
	for _, item := range items {
		name, parameter, _ := strings.Cut(item, "=")
		list = append(list, SigningKey{name, parameter})
	}
	return list
}

func TestParse(t *testing.T) {
	defaults := Document{
		Choices: Choices{
			PremiumPath: "premium", KeyWaitMinutes: 10, CookieMinutes: 60, CookieStepMinutes: 5,
			CookieSameSite: "Lax", CookieValuesInBody: true, ViewerRequestsPerMinute: 30, LogViewers: "hashed",
		},
		ParameterPrefix: "/PremiumHls", SigningKeys: keys("2026-11"), RefreshSeconds: 300, MinuteMillis: 60000,
	}
	type m = map[string]any
	for _, tt := range []struct {
		name    string
		changes m
		want    func(*Document)
	}{
		{"defaults", nil, func(*Document) {}},
		{"everything", m{
			"parameterPrefix": "/a/b", "signingKeys": keys("x", "y"), "premiumPath": "p/q", "cookieMinutes": 30, "cookieStepMinutes": 10,
			"cookieSameSite": "Strict", "cookieDomain": "video.example.com", "cookieValuesInBody": false, "bindViewerAddress": true,
			"keyWaitMinutes": 1, "refreshSeconds": 1, "viewerRequestsPerMinute": 600, "logViewers": "plain", "metricsStack": "PremiumHls", "minuteMillis": 1000,
			"entitlements": m{"table": "Grants"},
		}, func(d *Document) {
			*d = Document{
				Choices:         Choices{"p/q", 30, 10, "Strict", "video.example.com", false, true, 1, 600, "plain"},
				ParameterPrefix: "/a/b", SigningKeys: keys("x", "y"), Entitlements: json.RawMessage(`{"table":"Grants"}`),
				MetricsStack: "PremiumHls", RefreshSeconds: 1, MinuteMillis: 1000,
			}
		}},
		{"all keys in KMS", m{"signingKeys": keys()}, func(d *Document) { d.SigningKeys = keys() }},
		{"an external key", m{"signingKeys": keys("a", "b=/my/key")}, func(d *Document) { d.SigningKeys = keys("a", "b=/my/key") }},
		{"five keys", m{"signingKeys": keys("a", "b", "c", "d", "e")}, func(d *Document) { d.SigningKeys = keys("a", "b", "c", "d", "e") }},
		{"links", m{"linkMinutes": 240}, func(d *Document) { d.LinkMinutes = 240 }},
		{"the most", m{"linkMinutes": 1440, "cookieMinutes": 1440, "cookieStepMinutes": 60, "keyWaitMinutes": 1440, "refreshSeconds": 3600}, func(d *Document) {
			d.LinkMinutes = 1440
			d.CookieMinutes, d.CookieStepMinutes, d.KeyWaitMinutes, d.RefreshSeconds = 1440, 60, 1440, 3600
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(with(t, tt.changes))
			if err != nil {
				t.Fatal(err)
			}
			want := defaults
			tt.want(&want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

// Each invalid document is refused with the settings that are wrong.
func TestParseRefuses(t *testing.T) {
	type m = map[string]any
	for _, tt := range []struct {
		name    string
		changes m
		wrong   []string
	}{
		{"no prefix", m{"parameterPrefix": ""}, []string{"parameterPrefix"}},
		{"prefix without a slash", m{"parameterPrefix": "PremiumHls"}, []string{"parameterPrefix"}},
		{"prefix with a slash at its end", m{"parameterPrefix": "/PremiumHls/"}, []string{"parameterPrefix"}},
		{"key without a name", m{"signingKeys": keys("")}, []string{"signingKeys"}},
		{"parameter without a slash", m{"signingKeys": keys("a=key")}, []string{"signingKeys"}},
		{"parameter twice", m{"signingKeys": keys("a=/k", "b=/k")}, []string{"signingKeys"}},
		{"parameter of another key", m{"signingKeys": keys("a", "b=/PremiumHls/signing-keys/a")}, []string{"signingKeys"}},
		{"parameter of the origin secret", m{"signingKeys": keys("a=/PremiumHls/origin-secret")}, []string{"signingKeys"}},
		{"name twice, once external", m{"signingKeys": keys("a", "a=/k")}, []string{"signingKeys"}},
		{"name twice", m{"signingKeys": keys("a", "b", "a")}, []string{"signingKeys"}},
		{"key in a folder", m{"signingKeys": keys("a/b")}, []string{"signingKeys"}},
		{"key that begins with a dot", m{"signingKeys": keys(".a")}, []string{"signingKeys"}},
		{"six keys", m{"signingKeys": keys("a", "b", "c", "d", "e", "f")}, []string{"signingKeys"}},
		{"premium path with a wildcard", m{"premiumPath": "premium/*"}, []string{"premiumPath"}},
		{"premium path with a slash", m{"premiumPath": "/premium"}, []string{"premiumPath"}},
		{"no premium path", m{"premiumPath": ""}, []string{"premiumPath"}},
		{"no lifetime", m{"cookieMinutes": 0, "cookieStepMinutes": 1}, []string{"cookieMinutes", "cookieStepMinutes"}},
		{"lifetime too long", m{"cookieMinutes": 1441}, []string{"cookieMinutes"}},
		{"no step", m{"cookieStepMinutes": 0}, []string{"cookieStepMinutes"}},
		{"step too long", m{"cookieMinutes": 120, "cookieStepMinutes": 61}, []string{"cookieStepMinutes"}},
		{"step above the lifetime", m{"cookieMinutes": 5, "cookieStepMinutes": 6}, []string{"cookieStepMinutes"}},
		{"link lifetime too long", m{"linkMinutes": 1441}, []string{"linkMinutes"}},
		{"negative link lifetime", m{"linkMinutes": -1}, []string{"linkMinutes"}},
		{"step above the link lifetime", m{"linkMinutes": 4}, []string{"linkMinutes"}},
		{"no wait", m{"keyWaitMinutes": 0}, []string{"keyWaitMinutes"}},
		{"wait too long", m{"keyWaitMinutes": 1441}, []string{"keyWaitMinutes"}},
		{"no refresh", m{"refreshSeconds": 0}, []string{"refreshSeconds"}},
		{"refresh too rare", m{"refreshSeconds": 3601}, []string{"refreshSeconds"}},
		{"no minute", m{"minuteMillis": 0}, []string{"minuteMillis"}},
		{"long minute", m{"minuteMillis": 60001}, []string{"minuteMillis"}},
		{"same site in lower case", m{"cookieSameSite": "lax"}, []string{"cookieSameSite"}},
		{"domain with an attribute", m{"cookieDomain": "example.com; Path=/"}, []string{"cookieDomain"}},
		{"domain with a dot before it", m{"cookieDomain": ".example.com"}, []string{"cookieDomain"}},
		{"wildcard domain", m{"cookieDomain": "*.example.com"}, []string{"cookieDomain"}},
		{"domain in upper case", m{"cookieDomain": "Example.com"}, []string{"cookieDomain"}},
		{"label that ends in a hyphen", m{"cookieDomain": "video-.example.com"}, []string{"cookieDomain"}},
		{"top-level domain", m{"cookieDomain": "com"}, []string{"cookieDomain"}},
		{"address for a domain", m{"cookieDomain": "192.0.2.1"}, []string{"cookieDomain"}},
		{"negative limit", m{"viewerRequestsPerMinute": -1}, []string{"viewerRequestsPerMinute"}},
		{"limit too high", m{"viewerRequestsPerMinute": 6001}, []string{"viewerRequestsPerMinute"}},
		{"viewers in clear", m{"logViewers": "clear"}, []string{"logViewers"}},
		{"several at once", m{"cookieMinutes": -1, "signingKeys": keys("a/b"), "logViewers": ""}, []string{"cookieMinutes", "cookieStepMinutes", "logViewers", "signingKeys"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(with(t, tt.changes))
			var wrong []string
			for err := range each(err) {
				var invalid *setting.Error
				if errors.As(err, &invalid) && !slices.Contains(wrong, invalid.Name) {
					wrong = append(wrong, invalid.Name)
				}
			}
			slices.Sort(wrong)
			if !slices.Equal(wrong, tt.wrong) {
				t.Errorf("%v is about %v, want %v", err, wrong, tt.wrong)
			}
		})
	}
}

// each yields the errors that were joined.
func each(err error) func(func(error) bool) {
	return func(yield func(error) bool) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range joined.Unwrap() {
				if !yield(err) {
					return
				}
			}
		}
	}
}

// What is not read to the letter is refused: a wrong setting must not become
// its default.
func TestParseIsStrict(t *testing.T) {
	const rest = `"parameterPrefix":"/PremiumHls"}`
	if _, err := Parse(`{"cookieMinutes":15,` + rest); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":                  "",
		"list":                   "[]",
		"null":                   "null",
		"trailing data":          `{"cookieMinutes":15,` + rest + "{}",
		"unknown member":         `{"cookieHours":1,` + rest,
		"name in another case":   `{"CookieMinutes":15,` + rest,
		"member twice":           `{"cookieMinutes":15,"cookieMinutes":60,` + rest,
		"member of a key twice":  `{"signingKeys":[{"name":"a","name":"b"}],` + rest,
		"unknown member of key":  `{"signingKeys":[{"name":"a","type":"b"}],` + rest,
		"null for a number":      `{"cookieMinutes":null,` + rest,
		"null for a list":        `{"signingKeys":null,` + rest,
		"string for a number":    `{"cookieMinutes":"15",` + rest,
		"fraction":               `{"cookieMinutes":1.5,` + rest,
		"number for a boolean":   `{"cookieValuesInBody":1,` + rest,
		"string for a boolean":   `{"bindViewerAddress":"yes",` + rest,
		"string for a key":       `{"signingKeys":["a"],` + rest,
		"string for a list":      `{"signingKeys":"a",` + rest,
		"number for a parameter": `{"parameterPrefix":1}`,
	} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}

func TestTimes(t *testing.T) {
	d, err := Parse(with(t, map[string]any{"cookieMinutes": 30, "keyWaitMinutes": 2, "refreshSeconds": 90}))
	if err != nil {
		t.Fatal(err)
	}
	got := [...]time.Duration{d.Lifetime(), d.Step(), d.KeyWait(), d.Refresh()}
	if want := [...]time.Duration{30 * time.Minute, 5 * time.Minute, 2 * time.Minute, 90 * time.Second}; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	for minutes, want := range map[int]time.Duration{0: 35 * time.Minute, 20: 35 * time.Minute, 240: 245 * time.Minute} {
		if d.LinkMinutes = minutes; d.LongestLifetime() != want {
			t.Errorf("with links of %d minutes something is valid for %v, want %v", minutes, d.LongestLifetime(), want)
		}
	}
	d.MinuteMillis = 1000
	got = [...]time.Duration{d.Lifetime(), d.Step(), d.KeyWait(), d.Refresh()}
	if want := [...]time.Duration{30 * time.Second, 5 * time.Second, 2 * time.Second, 1500 * time.Millisecond}; got != want {
		t.Errorf("with minutes of a second %v, want %v", got, want)
	}
}

// BenchmarkParse is part of each cold start.
func BenchmarkParse(b *testing.B) {
	text := with(b, map[string]any{"cookieMinutes": 15, "cookieSameSite": "Lax", "cookieDomain": "video.example.com", "metricsStack": "PremiumHls"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
