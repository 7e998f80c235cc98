package signersettings

import "strings"

// isDomain reports whether s can be the Domain of a cookie: two labels or more,
// in lower case, the last of which begins with a letter. It uses no regular
// expression: compiling one would slow every cold start.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && (last[0] < '0' || last[0] > '9')
}
