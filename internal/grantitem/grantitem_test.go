package grantitem

import (
	"slices"
	"strings"
	"testing"
)

func TestUnknownExpiry(t *testing.T) {
	for _, tt := range []struct {
		attributes []string
		want       string
	}{
		{[]string{"viewer", "path"}, ""},
		{[]string{"viewer", "path", "until"}, ""},
		{[]string{"viewer", "path", "order", "legend", "endorsed", "experience"}, ""},
		{[]string{"viewer", "path", "until", "ttl"}, "ttl"},
		{[]string{"viewer", "path", "expiresAt"}, "expiresAt"},
		{[]string{"viewer", "path", "valid_until", "TTL"}, "TTL"},
		{[]string{"viewer", "path", "Until"}, "Until"},
		{[]string{"viewer", "path", "end-date"}, "end-date"},
		{[]string{"viewer", "path", "exp"}, "exp"},
	} {
		got, ok := UnknownExpiry(slices.Values(tt.attributes))
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%v: %q, %v, want %q", tt.attributes, got, ok, tt.want)
		}
	}
}

func TestCheckViewer(t *testing.T) {
	for _, viewer := range []string{"ada", "auth0|5f7c8ec7c33c6c004bbafe82", strings.Repeat("a", 2048)} {
		if err := CheckViewer(viewer); err != nil {
			t.Error(err)
		}
	}
	for _, viewer := range []string{"", "\x07", "ada lovelace", "a\xff", strings.Repeat("a", 2049)} {
		if CheckViewer(viewer) == nil {
			t.Errorf("%.20q is accepted", viewer)
		}
	}
}
