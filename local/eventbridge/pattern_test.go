package eventbridge_test

import (
	"encoding/json"
	"strings"
	"testing"

	"premiumhls/local/eventbridge"
)

func object(t *testing.T, text string) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestPattern(t *testing.T) {
	const upload = `{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"videos"},"object":{"key":"uploads/c/l.mp4","size":5},"tags":["a","b"],"list":[{"n":1},{"n":2}],"none":null}}`
	for _, test := range []struct {
		pattern string
		want    bool
	}{
		{`{"source":["aws.s3"]}`, true},
		{`{"source":["aws.ec2","aws.s3"]}`, true},
		{`{"source":["aws.ec2"]}`, false},
		{`{"source":["AWS.S3"]}`, false},
		{`{"source":["aws.s3"],"detail-type":["Object Deleted"]}`, false},
		{`{"detail":{"bucket":{"name":["videos"]},"object":{"key":[{"prefix":"uploads/"}]}}}`, true},
		{`{"detail":{"object":{"key":[{"prefix":"ingest/"}]}}}`, false},
		{`{"detail":{"object":{"key":[{"suffix":".mp4"}]}}}`, true},
		{`{"detail":{"object":{"key":[{"suffix":".mov"}]}}}`, false},
		{`{"detail":{"object":{"key":[{"wildcard":"uploads/*/*.mp4"}]}}}`, true},
		{`{"detail":{"object":{"key":[{"wildcard":"uploads/*/x*.mp4"}]}}}`, false},
		{`{"detail":{"object":{"key":[{"wildcard":"uploads/c/l.mp4*l.mp4"}]}}}`, false},
		{`{"detail":{"object":{"key":[{"anything-but":"x"}]}}}`, true},
		{`{"detail":{"object":{"key":[{"anything-but":["x","uploads/c/l.mp4"]}]}}}`, false},
		{`{"detail":{"object":{"key":[{"anything-but":{"prefix":"uploads/"}}]}}}`, false},
		{`{"detail":{"object":{"other":[{"anything-but":"x"}]}}}`, false},
		{`{"detail":{"object":{"key":[{"exists":true}]}}}`, true},
		{`{"detail":{"object":{"key":[{"exists":false}]}}}`, false},
		{`{"detail":{"object":{"other":[{"exists":false}]}}}`, true},
		{`{"detail":{"other":{"other":[{"exists":false}]}}}`, true},
		{`{"detail":{"object":{"other":[{"exists":true}]}}}`, false},
		{`{"detail":{"object":[{"exists":true}]}}`, false}, // no leaf
		{`{"detail":{"object":{"size":[5]}}}`, true},
		{`{"detail":{"object":{"size":["5"]}}}`, false},
		{`{"detail":{"object":{"size":[{"numeric":[">",4,"<=",5]}]}}}`, true},
		{`{"detail":{"object":{"size":[{"numeric":[">",5]}]}}}`, false},
		{`{"detail":{"object":{"key":[{"numeric":[">",0]}]}}}`, false},
		{`{"detail":{"tags":["b"]}}`, true},
		{`{"detail":{"tags":["c"]}}`, false},
		{`{"detail":{"list":{"n":[2]}}}`, true},
		{`{"detail":{"list":{"n":[3]}}}`, false},
		{`{"detail":{"none":[null]}}`, true},
		{`{"detail":{"object":["uploads/c/l.mp4"]}}`, false},
	} {
		p, err := eventbridge.ParsePattern(object(t, test.pattern))
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		if got := p.Match(object(t, upload)); got != test.want {
			t.Errorf("%s: %v, want %v", test.pattern, got, test.want)
		}
	}
}

func TestPatternRefuses(t *testing.T) {
	for _, test := range []struct{ pattern, names string }{
		{`{}`, "at least one field"},
		{`{"source":"aws.s3"}`, "source"},
		{`{"source":[]}`, "source"},
		{`{"detail":{}}`, "detail"},
		{`{"$or":[{"source":["a"]}]}`, "$or"},
		{`{"source":[{"cidr":"10.0.0.0/8"}]}`, "cidr"},
		{`{"source":[{"equals-ignore-case":"a"}]}`, "equals-ignore-case"},
		{`{"source":[{"prefix":{"equals-ignore-case":"a"}}]}`, "prefix"},
		{`{"source":[{"prefix":"a","suffix":"b"}]}`, "one comparison operator"},
		{`{"source":[{"wildcard":"a**"}]}`, "wildcard"},
		{`{"source":[{"exists":"yes"}]}`, "exists"},
		{`{"source":[{"numeric":["~",1]}]}`, "numeric"},
		{`{"source":[{"numeric":[">"]}]}`, "numeric"},
		{`{"source":[{"anything-but":[]}]}`, "anything-but"},
		{`{"source":[{"anything-but":{"exists":true}}]}`, "anything-but"},
		{`{"source":[["a"]]}`, "source"},
	} {
		if _, err := eventbridge.ParsePattern(object(t, test.pattern)); err == nil || !strings.Contains(err.Error(), test.names) {
			t.Errorf("%s: error %v, want one that names %s", test.pattern, err, test.names)
		}
	}
}
