package grantitem

import (
	"maps"
	"strings"
	"testing"
)

func at(seconds int64) *int64 { return &seconds }

func TestUntil(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts Parts
		want  int64
	}{
		{"manual", Parts{Manual: at(100)}, 100},
		{"manual, no expiry", Parts{Manual: at(0)}, NoExpiry},
		{"a sale", Parts{Sales: map[string]int64{"a": 200}}, 200},
		{"the later of two sales", Parts{Sales: map[string]int64{"a": 200, "b": 300}}, 300},
		{"a sale before the manual part", Parts{Manual: at(300), Sales: map[string]int64{"a": 200}}, 300},
		{"a sale after the manual part", Parts{Manual: at(100), Sales: map[string]int64{"a": 200}}, 200},
		{"a sale without expiry", Parts{Manual: at(100), Sales: map[string]int64{"a": 200, "b": 0}}, NoExpiry},
		{"manual without expiry, and a sale", Parts{Manual: at(0), Sales: map[string]int64{"a": 200}}, NoExpiry},
	} {
		if got := tt.parts.Until(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name    string
		p, q, m Parts
	}{
		{"nothing", Parts{}, Parts{Manual: at(5), Sales: map[string]int64{"a": 1}}, Parts{Manual: at(5), Sales: map[string]int64{"a": 1}}},
		{"two manual parts", Parts{Manual: at(5)}, Parts{Manual: at(9)}, Parts{Manual: at(9)}},
		{"one has no expiry", Parts{Manual: at(5)}, Parts{Manual: at(0)}, Parts{Manual: at(0)}},
		{"different sales", Parts{Sales: map[string]int64{"a": 1}}, Parts{Sales: map[string]int64{"b": 2}}, Parts{Sales: map[string]int64{"a": 1, "b": 2}}},
		{"one sale twice", Parts{Sales: map[string]int64{"a": 1}}, Parts{Sales: map[string]int64{"a": 2}}, Parts{Sales: map[string]int64{"a": 2}}},
	} {
		for _, got := range []Parts{tt.p.Merge(tt.q), tt.q.Merge(tt.p)} {
			if (got.Manual == nil) != (tt.m.Manual == nil) || got.Manual != nil && *got.Manual != *tt.m.Manual || !maps.Equal(got.Sales, tt.m.Sales) {
				t.Errorf("%s: %+v, want %+v", tt.name, got, tt.m)
			}
		}
	}
}

// What a method returns shares nothing with its receiver.
func TestPartsAreNotShared(t *testing.T) {
	p := Parts{Sales: map[string]int64{"a": 1}}
	p.WithSale("b", 2).Sales["a"] = 9
	p.WithoutSale("b").Sales["a"] = 9
	p.Merge(Parts{}).Sales["a"] = 9
	p.Merge(Parts{Sales: map[string]int64{"a": 5}})
	if p.Sales["a"] != 1 || len(p.Sales) != 1 {
		t.Errorf("changed to %v", p.Sales)
	}
}

func TestEmail(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.com":        "email:ada@example.com",
		" Ada@Example.COM\n":     "email:ada@example.com",
		"a.da+x@example.com":     "email:a.da+x@example.com",
		"Ärger@example.com":      "email:ärger@example.com",
		`"a@b"@example.com`:      `email:"a@b"@example.com`,
		"":                       "",
		"ada":                    "",
		"@example.com":           "",
		"ada@":                   "",
		"a da@example.com":       "",
		"ada@exam\x00ple.com":    "",
		"ada@exam\u200bple.com":  "",
		"\u212aate@example.com":  "", // the Kelvin sign is a k in lower case
		"ada@\u0130mage.example": "", // a dotted capital I is an i
		"ada@example.com\xff":    "",
		strings.Repeat("a", 243) + "@example.com": "",
	} {
		got, err := Email(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", address, got, err, want)
		}
		if back, ok := Address(got); err == nil && (!ok || "email:"+back != got) {
			t.Errorf("%q: the address is %q", got, back)
		}
	}
}

func TestReserved(t *testing.T) {
	for viewer, want := range map[string]bool{
		"email:ada@example.com": true, "email:": true, "sale:cs_1": true, Sale("x"): true,
		"ada": false, "Email:ada@example.com": false, "emails": false, "auth0|sale:1": false,
	} {
		if Reserved(viewer) != want {
			t.Errorf("%q: %v", viewer, !want)
		}
	}
}
