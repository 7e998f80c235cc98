package grants

import (
	"testing"
	"time"
)

func TestCheckPath(t *testing.T) {
	for _, path := range []string{"course-1", "course-1/lesson-2", "*"} {
		if err := CheckPath(path); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"", "course-1/", "/course-1", "course-*", "..", "a//b", "../x"} {
		if CheckPath(path) == nil {
			t.Errorf("%q is accepted", path)
		}
	}
}

func TestParseUntil(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 500, time.UTC)
	for text, want := range map[string]string{
		"2027-01-31":                "2027-02-01T00:00:00Z",
		"2026-11-24":                "2026-11-25T00:00:00Z",
		"2027-01-31T12:00:00+01:00": "2027-01-31T11:00:00Z",
		"30d":                       "2026-12-24T12:00:00Z",
		"12h30m":                    "2026-11-25T00:30:00Z",
		"":                          "0001-01-01T00:00:00Z",
	} {
		got, err := ParseUntil(text, now)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"soon", "1767225600", "2026-11-23", "-1h", "0d", "9999-12-31"} {
		if got, err := ParseUntil(text, now); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
