package signedcookie

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var end = time.Unix(1_800_000_000, 0)

func TestMarshal(t *testing.T) {
	tests := []struct {
		name   string
		policy Policy
		want   string // empty: refused
	}{
		{"resource and end", Policy{Resource: "https://d1.cloudfront.net/premium/*", Expires: end},
			`{"Statement":[{"Resource":"https://d1.cloudfront.net/premium/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000}}}]}`},
		{"all conditions", Policy{Resource: "https://d1.cloudfront.net/a?b=c&d", Expires: end, NotBefore: time.Unix(1_700_000_000, 0), SourceIP: "192.0.2.0/24"},
			`{"Statement":[{"Resource":"https://d1.cloudfront.net/a?b=c&d","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000},"DateGreaterThan":{"AWS:EpochTime":1700000000},"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}}}]}`},
		{"no resource", Policy{Expires: end}, ""},
		{"resource of everything", Policy{Resource: "*", Expires: end}, ""},
		{"no scheme", Policy{Resource: "d1.cloudfront.net/premium/*", Expires: end}, ""},
		{"wildcard host", Policy{Resource: "https://*/premium/*", Expires: end}, ""},
		{"wildcard in host", Policy{Resource: "https://d?.cloudfront.net/premium/*", Expires: end}, ""},
		{"no host", Policy{Resource: "https:///premium/*", Expires: end}, ""},
		{"quote in resource", Policy{Resource: `https://h/a","Resource":"https://h/*`, Expires: end}, ""},
		{"backslash in resource", Policy{Resource: `https://h/\u002a`, Expires: end}, ""},
		{"line break in resource", Policy{Resource: "https://h/a\n", Expires: end}, ""},
		{"non-ASCII in resource", Policy{Resource: "https://h/é", Expires: end}, ""},
		{"no end", Policy{Resource: "https://h/*"}, ""},
		{"end after 2038", Policy{Resource: "https://h/*", Expires: time.UnixMilli(1_800_000_000_000 * 2)}, ""},
		{"IPv6 address", Policy{Resource: "https://h/*", Expires: end, SourceIP: "2001:db8::/32"}, ""},
		{"address that is none", Policy{Resource: "https://h/*", Expires: end, SourceIP: `1.2.3.4"`}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.policy.Marshal()
			if test.want == "" {
				if !errors.Is(err, ErrMalformedPolicy) {
					t.Fatalf("got %s, %v, want a malformed policy", got, err)
				}
				return
			}
			if err != nil || string(got) != test.want {
				t.Fatalf("got  %s, %v\nwant %s", got, err, test.want)
			}
			back, err := ParsePolicy(got)
			if err != nil || back != test.policy {
				t.Fatalf("parsed back to %+v, %v", back, err)
			}
		})
	}
}

func TestParsePolicyRefuses(t *testing.T) {
	const resource = `"Resource":"https://h/*"`
	statement := func(s string) string { return `{"Statement":[{` + s + `}]}` }
	dated := func(epoch string) string {
		return statement(resource + `,"Condition":{"DateLessThan":{"AWS:EpochTime":` + epoch + `}}`)
	}
	if _, err := ParsePolicy([]byte(dated("1800000000"))); err != nil {
		t.Fatalf("the policy that the cases vary is refused: %v", err)
	}
	tests := []struct{ name, policy, says string }{
		{"nothing", "", "not a JSON object"},
		{"not JSON", "policy", "not a JSON object"},
		{"cut short", `{"Statement":[{"Resource":`, "not JSON"},
		{"trailing bytes", dated("1800000000") + "{}", "followed by"},
		{"no statement", `{"Statement":[]}`, "0 statements"},
		{"two statements", `{"Statement":[{},{}]}`, "2 statements"},
		{"statement that is no list", `{"Statement":{}}`, "not a list"},
		{"lower-case member", `{"statement":[{}]}`, `"statement"`},
		{"member twice", `{"Statement":[{}],"Statement":[{}]}`, "twice"},
		{"unknown member", statement(resource + `,"Effect":"Allow","Condition":{}`), `"Effect"`},
		{"resource missing", statement(`"Condition":{"DateLessThan":{"AWS:EpochTime":1800000000}}`), "Resource"},
		{"resource list", statement(`"Resource":["https://h/*"],"Condition":{}`), "Resource"},
		{"no condition", statement(resource), "Condition"},
		{"no DateLessThan", statement(resource + `,"Condition":{"DateGreaterThan":{"AWS:EpochTime":1}}`), "DateLessThan"},
		{"quoted seconds", dated(`"1800000000"`), "unquoted"},
		{"milliseconds", dated("1800000000000"), "seconds"},
		{"fraction", dated("1800000000.5"), "unquoted"},
		{"exponent", dated("18e8"), "unquoted"},
		{"negative", dated("-1"), "seconds"},
		{"null", dated("null"), "unquoted"},
		{"empty address", statement(resource + `,"Condition":{"DateLessThan":{"AWS:EpochTime":1},"IpAddress":{"AWS:SourceIp":""}}`), "address"},
		{"list of addresses", statement(resource + `,"Condition":{"DateLessThan":{"AWS:EpochTime":1},"IpAddress":{"AWS:SourceIp":["192.0.2.1"]}}`), "address"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := ParsePolicy([]byte(test.policy))
			if !errors.Is(err, ErrMalformedPolicy) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %+v, %v, want a malformed policy that says %q", p, err, test.says)
			}
		})
	}
}

func TestMatchesURL(t *testing.T) {
	tests := []struct {
		name, resource, url string
		want                bool
	}{
		{"below", "https://h/premium/*", "https://h/premium/a/b.ts", true},
		{"the folder itself", "https://h/premium/*", "https://h/premium/", true},
		{"beside", "https://h/premium/*", "https://h/premium-2/a.ts", false},
		{"another course", "https://h/premium/course-1/*", "https://h/premium/course-10/a.ts", false},
		{"query under a trailing star", "https://h/premium/*", "https://h/premium/a.ts?x=1", true},
		{"query without a trailing star", "https://h/premium/a.ts", "https://h/premium/a.ts?x=1", false},
		{"query spelled out", "https://h/a.ts?x=1", "https://h/a.ts?x=1", true},
		{"query with a star", "https://h/a.ts?x=*", "https://h/a.ts?x=1&y", true},
		{"star stays in the path", "https://h/*.ts", "https://h/a?x=.ts", false},
		{"star inside", "https://h/*/a.ts", "https://h/b/c/a.ts", true},
		{"question mark is one", "https://h/a?.ts", "https://h/ab.ts", true},
		{"question mark is not none", "https://h/a?.ts", "https://h/a.ts", false},
		{"question mark is not two", "https://h/a?.ts", "https://h/abc.ts", false},
		{"case", "https://h/Premium/*", "https://h/premium/a", false},
		{"scheme", "https://h/*", "http://h/a", false},
		{"another host", "https://h/*", "https://evil/h/a", false},
		{"host star stays in the host", "https://*.net/a", "https://evil/x.net/a", false},
		{"host star", "https://*.net/a", "https://d.net/a", true},
		{"port", "https://h/*", "https://h:8443/a", false},
		{"everything", "*", "https://h/a", false},
		{"no path", "https://h", "https://h/", false},
		{"empty", "", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := (Policy{Resource: test.resource}).MatchesURL(test.url); got != test.want {
				t.Errorf("%s against %s: %t", test.url, test.resource, got)
			}
		})
	}
}

func TestPolicyConditions(t *testing.T) {
	p := Policy{Expires: end, NotBefore: end.Add(-time.Hour), SourceIP: "192.0.2.128/25"}
	tests := []struct {
		name      string
		got, want bool
	}{
		{"ended at its end", p.Ended(end), true},
		{"not ended before", p.Ended(end.Add(-time.Nanosecond)), false},
		{"not started at its start", p.Started(p.NotBefore), false},
		{"started after", p.Started(p.NotBefore.Add(time.Nanosecond)), true},
		{"address inside", p.AllowsAddress(netip.MustParseAddr("192.0.2.200")), true},
		{"address inside, mapped to IPv6", p.AllowsAddress(netip.MustParseAddr("::ffff:192.0.2.200")), true},
		{"address outside", p.AllowsAddress(netip.MustParseAddr("192.0.2.1")), false},
		{"IPv6 address", p.AllowsAddress(netip.MustParseAddr("2001:db8::1")), false},
		{"no address at all", p.AllowsAddress(netip.Addr{}), false},
		{"unbound policy", Policy{}.AllowsAddress(netip.MustParseAddr("2001:db8::1")), true},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: %t", test.name, test.got)
		}
	}
}

func BenchmarkParsePolicy(b *testing.B) {
	for name, policy := range map[string]Policy{
		"as the signer writes it": {Resource: "https://d1.cloudfront.net/premium/course-1/*", Expires: end},
		"with all conditions":     {Resource: "https://d1.cloudfront.net/premium/course-1/*", Expires: end, NotBefore: time.Unix(1, 0), SourceIP: "192.0.2.1"},
	} {
		raw, err := policy.Marshal()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParsePolicy(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
