package cloudformation

import "strings"

// included reports whether `aws s3 sync` includes a file, by its path relative to
// the directory: the last matching pattern decides, and the CDK passes all
// excludes before all includes.
func included(path string, exclude, include []string) bool {
	result := true
	for _, pattern := range exclude {
		if matchPattern([]rune(pattern), []rune(path)) {
			result = false
		}
	}
	for _, pattern := range include {
		if matchPattern([]rune(pattern), []rune(path)) {
			result = true
		}
	}
	return result
}

// matchPattern matches as the AWS CLI does, with Python's fnmatch: "*" is
// anything, "/" included, "?" is one character, "[a-c]" and "[!a-c]" are one
// of a set.
func matchPattern(pattern, name []rune) bool {
	// If the rest does not match, extend the match of the last "*" by one.
	star, resume := -1, 0
	p, n := 0, 0
	for n < len(name) || p < len(pattern) {
		if p < len(pattern) {
			switch c := pattern[p]; {
			case c == '*':
				star, resume = p, n
				p++
				continue
			case n < len(name):
				if ok, width := matchOne(pattern[p:], name[n]); ok {
					p += width
					n++
					continue
				}
			}
		}
		if star < 0 || resume >= len(name) {
			return false
		}
		resume++
		p, n = star+1, resume
	}
	return true
}

// matchOne matches one character with the start of a pattern, and returns the
// length of that start.
func matchOne(pattern []rune, c rune) (bool, int) {
	switch pattern[0] {
	case '?':
		return true, 1
	case '[':
		end := 1
		if end < len(pattern) && pattern[end] == '!' {
			end++
		}
		if end < len(pattern) && pattern[end] == ']' {
			end++ // a leading "]" is part of the set
		}
		for end < len(pattern) && pattern[end] != ']' {
			end++
		}
		if end < len(pattern) {
			set := pattern[1:end]
			negated := strings.HasPrefix(string(set), "!")
			if negated {
				set = set[1:]
			}
			return inSet(set, c) != negated, end + 1
		}
	}
	return pattern[0] == c, 1
}

func inSet(set []rune, c rune) bool {
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= c && c <= set[i+2] {
				return true
			}
			i += 2
		} else if set[i] == c {
			return true
		}
	}
	return false
}
