package cloudformation

import "testing"

// The wanted values are those of the CDK's own function and of Python's fnmatch.

func TestReplaceMarkers(t *testing.T) {
	tests := []struct {
		name, content string
		markers       map[string]string
		escape        bool
		want          string
	}{
		{"a value with quotes", `{"a":<<marker:0xbaba:0>>}`, map[string]string{"<<marker:0xbaba:0>>": `"d111.cloudfront.net"`}, false, `{"a":"d111.cloudfront.net"}`},
		{"a value with quotes, escaped", `{"a":<<marker:0xbaba:0>>}`, map[string]string{"<<marker:0xbaba:0>>": `"d111.cloudfront.net"`}, true, `{"a":\"d111.cloudfront.net\"}`},
		{"everything escaped", `{"a":"<<m>>"}`, map[string]string{"<<m>>": "a\"b\\c\n\t\r\b\f\x7f\x01ü😀/"}, true, `{"a":"a\"b\\c\n\t\r\b\f\u007f\u0001\u00fc\ud83d\ude00/"}`},
		{"more than one", "x <<marker:0xbaba:1>> <<marker:0xbaba:10>>\r\n<<marker:0xbaba:1>>", map[string]string{"<<marker:0xbaba:1>>": "one", "<<marker:0xbaba:10>>": "ten"}, false, "x one ten\r\none"},
		{"a marker across lines", "<<mar\nker>>", map[string]string{"<<mar\nker>>": "no"}, false, "<<mar\nker>>"},
		{"no markers", "<<marker:0xbaba:0>>\n", nil, true, "<<marker:0xbaba:0>>\n"},
		{"bytes that are no text", "\xff\x00<<m>>\xfe", map[string]string{"<<m>>": "x"}, false, "\xff\x00x\xfe"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(replaceMarkers([]byte(test.content), test.markers, test.escape)); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestMatchPattern(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"*", "a/b", true}, {"sub/*", "sub/a/b", true}, {"*.ts", "x/y.ts", true}, {"?.ts", "ab.ts", false},
		{"[a-c].ts", "b.ts", true}, {"[!a-c].ts", "b.ts", false}, {"[!a-c].ts", "z.ts", true}, {"[]].ts", "].ts", true},
		{"[a", "[a", true}, {"[a-]", "-", true}, {"/x", "x", false}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "aXbYbZ", false},
		{".DS", "xDS", false}, {"", "", true}, {"*", "", true}, {"X", "x", false}, {"[c-a]", "b", false},
		{"[^a]", "b", false}, {"[^a]", "a", true}, {"[!]", "!", false}, {"[!]", "[!]", true}, {"[]", "[]", true}, {"é?", "éx", true},
	}
	for _, test := range tests {
		if got := matchPattern([]rune(test.pattern), []rune(test.name)); got != test.want {
			t.Errorf("%q matches %q: %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
}

func TestIncluded(t *testing.T) {
	tests := []struct {
		name             string
		exclude, include []string
		path             string
		want             bool
	}{
		{"nothing said", nil, nil, "a", true},
		{"excluded", []string{"*.map"}, nil, "js/app.map", false},
		{"not excluded", []string{"*.map"}, nil, "js/app.js", true},
		{"included again", []string{"*"}, []string{"*.js"}, "js/app.js", true},
		{"an include is after every exclude", []string{"*", "*.js"}, []string{"js/*"}, "js/app.js", true},
		{"an include alone leaves nothing out", nil, []string{"*.js"}, "a.css", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := included(test.path, test.exclude, test.include); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
