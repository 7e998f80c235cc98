package issuance

import (
	"testing"
	"time"
)

func TestPolicyEnd(t *testing.T) {
	at := func(clock string) time.Time {
		parsed, err := time.Parse("15:04:05.999999999", clock)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.AddDate(2026, 10, 23)
	}
	for _, tt := range []struct {
		name           string
		now            string
		lifetime, step time.Duration
		until, want    string
	}{
		{"on the step", "12:00:00", time.Hour, 5 * time.Minute, "", "13:00:00"},
		{"a nanosecond past it", "12:00:00.000000001", time.Hour, 5 * time.Minute, "", "13:05:00"},
		{"a second past it", "12:00:01", time.Hour, 5 * time.Minute, "", "13:05:00"},
		{"a second before it", "12:04:59", time.Hour, 5 * time.Minute, "", "13:05:00"},
		{"a lifetime between steps", "12:00:00", 7 * time.Minute, 5 * time.Minute, "", "12:10:00"},
		{"a grant that ends later", "12:00:00", time.Hour, 5 * time.Minute, "13:00:01", "13:00:00"},
		{"a grant that ends with it", "12:00:00", time.Hour, 5 * time.Minute, "13:00:00", "13:00:00"},
		{"a grant that ends earlier", "12:00:00", time.Hour, 5 * time.Minute, "12:59:59", "12:59:59"},
		{"a grant that ends between seconds", "12:00:00", time.Hour, 5 * time.Minute, "12:30:00.999", "12:30:00"},
		{"a grant that ends in the last step", "12:01:00", time.Hour, 5 * time.Minute, "13:01:30", "13:01:30"},
		{"a grant that has ended", "12:00:00", time.Hour, 5 * time.Minute, "11:00:00", "11:00:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var until time.Time
			if tt.until != "" {
				until = at(tt.until)
			}
			got := time.Unix(PolicyEnd(at(tt.now), tt.lifetime, tt.step, until), 0).UTC()
			if !got.Equal(at(tt.want)) {
				t.Errorf("ends at %v, want %v", got, at(tt.want))
			}
		})
	}
}
