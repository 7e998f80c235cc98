package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/metric"
	"premiumhls/internal/premiumpath"
)

func TestEnvironment(t *testing.T) {
	premium := func(text string) premiumpath.Path {
		p, err := premiumpath.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	defaults := environment{
		parameterPrefix: "/PremiumHls", signingKeys: []signingKey{{Key: "2026-11"}}, premium: premium("premium"),
		lifetime: time.Hour, step: 5 * time.Minute, sameSite: "Lax", valuesInBody: true, keyWait: 10 * time.Minute, keyRefresh: 5 * time.Minute,
	}
	for _, tt := range []struct {
		name    string
		changes []string
		want    func(*environment)
		err     string
	}{
		{"defaults", nil, func(*environment) {}, ""},
		{"everything", []string{
			"PARAMETER_PREFIX=/a/b", "SIGNING_KEYS=x,y", "PREMIUM_PATH=p/q", "COOKIE_LIFE=30m", "COOKIE_STEP=10m0s", "COOKIE_SAME_SITE=Strict",
			"COOKIE_DOMAIN=video.example.com", "COOKIE_VALUES_IN_BODY=false", "BIND_VIEWER_ADDRESS=true", "KEY_WAIT=0", "KEY_REFRESH=250ms",
			"LOG_VIEWERS=plain", "METRICS_STACK=PremiumHls",
		}, func(e *environment) {
			*e = environment{"/a/b", []signingKey{{Key: "x"}, {Key: "y"}}, premium("p/q"), 30 * time.Minute, 10 * time.Minute, "Strict", "video.example.com", false, true, 0, 250 * time.Millisecond, true, metric.New("PremiumHls")}
		}, ""},
		{"short times", []string{"COOKIE_LIFE=1s", "COOKIE_STEP=1s", "KEY_WAIT=1ms", "KEY_REFRESH=100ms"}, func(e *environment) {
			e.lifetime, e.step, e.keyWait, e.keyRefresh = time.Second, time.Second, time.Millisecond, 100*time.Millisecond
		}, ""},
		{"all keys in KMS", []string{"SIGNING_KEYS="}, func(e *environment) { e.signingKeys = nil }, ""},
		{"an external key", []string{"SIGNING_KEYS=a,b=/my/key"}, func(e *environment) {
			e.signingKeys = []signingKey{{Key: "a"}, {Key: "b", Parameter: "/my/key"}}
		}, ""},
		{"no prefix", []string{"PARAMETER_PREFIX="}, nil, "PARAMETER_PREFIX"},
		{"prefix without a slash", []string{"PARAMETER_PREFIX=PremiumHls"}, nil, "PARAMETER_PREFIX"},
		{"prefix with a slash at its end", []string{"PARAMETER_PREFIX=/PremiumHls/"}, nil, "PARAMETER_PREFIX"},
		{"a comma and no keys", []string{"SIGNING_KEYS=,"}, nil, "SIGNING_KEYS"},
		{"an external key without a parameter", []string{"SIGNING_KEYS=a="}, nil, "SIGNING_KEYS has the parameter"},
		{"a parameter without a slash", []string{"SIGNING_KEYS=a=key"}, nil, "SIGNING_KEYS has the parameter"},
		{"a parameter twice", []string{"SIGNING_KEYS=a=/k,b=/k"}, nil, `the parameter "/k" twice`},
		{"the parameter of another key", []string{"SIGNING_KEYS=a,b=/PremiumHls/signing-keys/a"}, nil, "one of the stack's own"},
		{"a name twice, once external", []string{"SIGNING_KEYS=a,a=/k"}, nil, `the name "a" twice`},
		{"an empty key", []string{"SIGNING_KEYS=a,,b"}, nil, "SIGNING_KEYS"},
		{"a key twice", []string{"SIGNING_KEYS=a,b,a"}, nil, "twice"},
		{"a key in a folder", []string{"SIGNING_KEYS=a/b"}, nil, "SIGNING_KEYS"},
		{"six keys", []string{"SIGNING_KEYS=a,b,c,d,e,f"}, nil, "at most 5"},
		{"premium path with a wildcard", []string{"PREMIUM_PATH=premium/*"}, nil, "PREMIUM_PATH"},
		{"premium path with a slash", []string{"PREMIUM_PATH=/premium"}, nil, "PREMIUM_PATH"},
		{"no life", []string{"COOKIE_LIFE=0s"}, nil, "COOKIE_LIFE"},
		{"less than a second of life", []string{"COOKIE_LIFE=999ms", "COOKIE_STEP=1s"}, nil, "COOKIE_LIFE"},
		{"a life between seconds", []string{"COOKIE_LIFE=301.5s"}, nil, "COOKIE_LIFE is 5m1.5s: it must be whole seconds"},
		{"too long a life", []string{"COOKIE_LIFE=168h0m1s"}, nil, "COOKIE_LIFE"},
		{"a life without a unit", []string{"COOKIE_LIFE=3600"}, nil, "COOKIE_LIFE"},
		{"no step", []string{"COOKIE_STEP=0s"}, nil, "COOKIE_STEP"},
		{"less than a second of step", []string{"COOKIE_STEP=500ms"}, nil, "COOKIE_STEP"},
		{"a step between seconds", []string{"COOKIE_STEP=1500ms"}, nil, "COOKIE_STEP is 1.5s: it must be whole seconds"},
		{"a step above the life", []string{"COOKIE_LIFE=5m", "COOKIE_STEP=6m"}, nil, "COOKIE_STEP is more than COOKIE_LIFE"},
		{"negative wait", []string{"KEY_WAIT=-1s"}, nil, "KEY_WAIT"},
		{"too long a wait", []string{"KEY_WAIT=24h1s"}, nil, "KEY_WAIT"},
		{"no refresh", []string{"KEY_REFRESH=0s"}, nil, "KEY_REFRESH"},
		{"too rare a refresh", []string{"KEY_REFRESH=1h1s"}, nil, "KEY_REFRESH"},
		{"same site in lower case", []string{"COOKIE_SAME_SITE=lax"}, nil, "COOKIE_SAME_SITE"},
		{"domain with an attribute", []string{"COOKIE_DOMAIN=example.com; Path=/"}, nil, "COOKIE_DOMAIN"},
		{"domain with a dot before it", []string{"COOKIE_DOMAIN=.example.com"}, nil, "COOKIE_DOMAIN"},
		{"wildcard domain", []string{"COOKIE_DOMAIN=*.example.com"}, nil, "COOKIE_DOMAIN"},
		{"top-level domain", []string{"COOKIE_DOMAIN=com"}, nil, "COOKIE_DOMAIN"},
		{"viewers in clear", []string{"LOG_VIEWERS=clear"}, nil, `LOG_VIEWERS is "clear": it must be plain or hashed`},
		{"yes", []string{"BIND_VIEWER_ADDRESS=yes"}, nil, "BIND_VIEWER_ADDRESS"},
		{"1", []string{"COOKIE_VALUES_IN_BODY=1"}, nil, "COOKIE_VALUES_IN_BODY"},
		{"two at once", []string{"COOKIE_LIFE=x", "SIGNING_KEYS=a/b"}, nil, "COOKIE_LIFE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseEnvironment(variables(tt.changes...))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one about %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := defaults
			tt.want(&want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}
