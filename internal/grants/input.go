package grants

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"premiumhls/internal/premiumpath"
)

// Everything is the path that covers all premium content.
const Everything = "*"

// CheckPath checks a path that a grant can name. The signer ignores any other.
func CheckPath(path string) error {
	if path == Everything {
		return nil
	}
	if path == "" {
		return errors.New("path: must not be empty: for all premium content use '*', in quotes")
	}
	if _, err := premiumpath.Parse(path); err != nil {
		return fmt.Errorf("path: invalid value %q: must be segments of A-Z a-z 0-9 - . _ ~ separated by single slashes, "+
			"at most %d characters, or '*' for all premium content", path, premiumpath.MaxLength)
	}
	return nil
}

var daysForm = regexp.MustCompile(`^([0-9]{1,5})d$`)

// ParseUntil parses the expiry of a grant: a day, a time, or a duration from
// now. An empty string returns the zero time: no expiry.
func ParseUntil(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	until, err := readUntil(text, now)
	if err != nil {
		return time.Time{}, err
	}
	if !until.After(now) {
		return time.Time{}, fmt.Errorf("--until: invalid value %s: must be in the future", text)
	}
	if until.Year() > 9999 { // which the signer rejects
		return time.Time{}, fmt.Errorf("--until: invalid value %s: must be before the year 10000; omit it for a grant that does not expire", text)
	}
	return until.UTC().Truncate(time.Second), nil
}

func readUntil(text string, now time.Time) (time.Time, error) {
	if days := daysForm.FindStringSubmatch(text); days != nil {
		n, err := strconv.Atoi(days[1])
		if err != nil {
			return time.Time{}, err
		}
		return now.Add(time.Duration(n) * 24 * time.Hour), nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return moment, nil
	}
	return time.Time{}, fmt.Errorf("--until: invalid value %q: must be a day (2027-01-31), a time (2027-01-31T12:00:00Z) or a duration (30d, 12h)", text)
}
