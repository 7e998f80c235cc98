package cloudfront

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"premiumhls/signedcookie"
)

func TestRoute(t *testing.T) {
	d := distribution()
	for _, c := range []struct {
		path   string
		serves string
		signed bool
	}{
		{"/", "*", false},
		{"/index.html", "*", false},
		{"/premium", "*", false},
		{"/premium/", "/premium/*", true},
		{"/premium/course-1/a.ts", "/premium/*", true},
		{"/PREMIUM/a.ts", "*", false},
		{"/premiums/a.ts", "*", false},
		{"/x/premium/a.ts", "*", false},
		{"/api/cookies", "/api/*", false},
		{"/%70remium/a.ts", "/premium/*", true},
		{"/%70%72emium/a.ts", "/premium/*", true},
		{"/premium%2Fa.ts", "*", true},
		{"/premium%2fa.ts", "*", true},
		{"/%2570remium/a.ts", "*", false}, // decoded once, as a bucket does
		{"//premium/a.ts", "/premium/*", true},
		{"///premium//a.ts", "/premium/*", true},
		{"/x/../premium/a.ts", "/premium/*", true},
		{"/x/%2e%2E/premium/a.ts", "/premium/*", true},
		{"/./premium/a.ts", "/premium/*", true},
		{"/x/..%2Fpremium/a.ts", "*", true},
		{"/premium/../index.html", "*", true},
		{"/premium/..", "*", true},
		{"/premium/.", "/premium/*", true},
		{"/premium/x/../../index.html", "*", true},
		{"/api/../premium/a.ts", "/premium/*", true},
		{"/premium/../api/cookies", "/api/*", true},
		{"/a//../premium/b", "/premium/*", true},
		{"/../premium/a.ts", "/premium/*", true},
		{`/x\..\premium\a.ts`, "*", true},
		{`/premium\a.ts`, "*", true},
		{"/x%5c..%5Cpremium/a.ts", "*", true},
		{`/x\a.ts`, "*", false},
		{"/%", "*", false},
		{"/%zz/premium", "*", false},
	} {
		r := d.Route(c.path)
		if r.Behavior.PathPattern != c.serves || (len(r.Signed) > 0) != c.signed {
			t.Errorf("%s: served by %s, %d signed; want %s, %t", c.path, r.Behavior.PathPattern, len(r.Signed), c.serves, c.signed)
		}
	}
}

func TestRouteWantsEverySignature(t *testing.T) {
	d := distribution()
	other := premium()
	other.PathPattern, other.PublicKeys = "/other/*", map[string]PublicKey{foreignKey.id: foreignKey.public}
	d.Behaviors = slices.Insert(d.Behaviors, 0, other)
	path := "/other/../premium/course-1/a.ts"
	route := d.Route(path)
	if len(route.Signed) != 2 {
		t.Fatalf("%d behaviors need a signature, want 2", len(route.Signed))
	}
	wide := courseOne()
	wide.Resource = "https://" + host + "/*"
	for _, key := range []testKey{rsaKey, foreignKey} {
		wide.key = key
		decision := d.Decide(route, asked(path, wide.cookies()), nil)
		wantRefused(t, decision, "InvalidKey", CheckKey)
	}
}

func TestDefaultRootObjectMayBeSigned(t *testing.T) {
	d := distribution()
	d.DefaultRootObject = "premium/index.html"
	if len(d.Route("/").Signed) != 1 {
		t.Error("a signed default root object is served unsigned")
	}
}

func TestPathPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"*", "/", true},
		{"*", "/a/b", true},
		{"/a/*", "/a/", true},
		{"/a/*", "/a", false},
		{"a/*", "/a/b", true},
		{"/a*", "/a", true},
		{"/*.jpg", "/x/y.jpg", true},
		{"*.jpg", "/x/y.jpg", true},
		{"*.jpg", "/x/y.JPG", false},
		{"*.jpg", "/x.jpgs", false},
		{"/a?c", "/abc", true},
		{"/a?c", "/ac", false},
		{"/a?c", "/abbc", false},
		{"/a?c", "/a/c", true},
		{"/a*c*e", "/abcde", true},
		{"/a*c*e", "/abcdef", false},
		{"/a**b", "/ab", true},
		{"/???", "/abc", true},
		{"/???", "/ab", false},
		{"/a.b", "/axb", false},
		{"/a", "/a", true},
		{"", "/", true},
	} {
		d := Distribution{Behaviors: []Behavior{{PathPattern: c.pattern}}}
		if found := d.behavior(c.path) != nil; found != c.want {
			t.Errorf("%s matches %s: %t", c.pattern, c.path, !c.want)
		}
	}
}

func TestNormalPath(t *testing.T) {
	for raw, want := range map[string]string{
		"/":                "/",
		"/a/b":             "/a/b",
		"/a/./b":           "/a/b",
		"/a/../b":          "/b",
		"/a/b/..":          "/a/",
		"/a/b/.":           "/a/b/",
		"/..":              "/",
		"/../../a":         "/a",
		"/a//b":            "/a/b",
		"/%61/%7e/%2D":     "/a/~/-",
		"/a%2Fb":           "/a%2Fb",
		"/a%20b":           "/a%20b",
		"/%2e%2e/a":        "/a",
		"/a/%2e%2e/%2e/b":  "/b",
		"/%":               "/%",
		"/%4":              "/%4",
		"/...":             "/...",
		"/.a/..b":          "/.a/..b",
		"/%252e%252e/a":    "/%252e%252e/a",
		"/a/..;/b":         "/a/..;/b",
		"/premium/x/../..": "/",
	} {
		if got := normalPath(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

// FuzzBehavior asks for any path without a signature, of a distribution whose
// public behavior has the whole bucket behind it. No key under premium/ may
// come out, whether the origin takes the path decoded, as a bucket does, or
// cleans it as well.
func FuzzBehavior(f *testing.F) {
	for _, path := range []string{"/", "/index.html", "/premium/a", "//premium/a", "/%70remium/a", "/x/../premium/a", "/premium%2fa",
		"/%2e/premium/a", "/x%2f..%2fpremium/a", "/PREMIUM/a", "/a/%2e%2e%2fpremium%2fb", "/premium/../index.html", "/%2fpremium/a", "/.//premium/a", "/a//../premium/b"} {
		f.Add(path)
	}
	d := distribution()
	d.Behaviors[len(d.Behaviors)-1].Origin.Path = ""
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") {
			return
		}
		route := d.Route(path)
		if route.Behavior == nil {
			t.Fatal("no behavior")
		}
		if decision := d.Decide(route, asked(path, nil), nil); len(route.Signed) > 0 {
			if decision.Allowed {
				t.Fatalf("%q: allowed without a signature", path)
			}
			return
		}
		if route.Behavior.Signed {
			t.Fatalf("%q: a signed behavior serves without its signature", path)
		}
		key, err := url.PathUnescape(route.Behavior.Origin.Path + path)
		if err != nil {
			return // the edge refuses it
		}
		for _, reading := range []string{key, removeDotSegments(key), removeDotSegments(mergeSlashes(key)), mergeSlashes(removeDotSegments(key)), path} {
			if strings.HasPrefix(reading, "/premium/") {
				t.Fatalf("%q: key %q comes out unsigned", path, reading)
			}
		}
	})
}

// FuzzPath asks for any path with the cookies of one course. Whatever comes
// out, read in any way that an origin may read it, is of that course.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"/premium/course-1/a.ts", "/premium/course-2/a.ts", "/premium/course-1/../course-2/a.ts", "/premium/course-1/%2e%2e/course-2/a.ts",
		"/premium/course-1/..%2fcourse-2/a.ts", `/premium/course-1/..\course-2\a.ts`, "/premium/course-1/..%5ccourse-2/a.ts", "/premium/course-1/%252e%252e/course-2/a.ts",
		"/premium/course-1//../course-2/a.ts", "/premium/course-1%2f..%2fcourse-2", "/premium/course-1", "/premium/course-10/a.ts", "/premium//course-1/a.ts", "/trailers/../premium/course-1/a.ts",
		"/premium/course-1/a.ts?x=/../../course-2/a.ts", "/premium/course-1/.", "/premium/course-1/%2e%2e%2f%2e%2e/api/cookies", "/premium/course-1/..;/course-2/a.ts"} {
		f.Add(path)
	}
	d, memory := distribution(), NewCache(16)
	cookies := grant{ecdsaKey, signedcookie.SHA1, courseOne().Policy}.cookies()
	turn := func(s string) string { return strings.ReplaceAll(s, `\`, "/") }
	f.Fuzz(func(t *testing.T, target string) {
		raw, _, _ := strings.Cut(target, "?")
		if !strings.HasPrefix(raw, "/") {
			return
		}
		route := d.Route(raw)
		if decision := d.Decide(route, asked(target, cookies), memory); !decision.Allowed || len(route.Signed) == 0 {
			return // FuzzBehavior has what is not signed
		}
		key, err := url.PathUnescape(raw)
		if err != nil {
			return // the edge refuses it
		}
		for _, reading := range []string{raw, path.Clean(raw), key, path.Clean(key), removeDotSegments(key), turn(key), path.Clean(turn(key)), removeDotSegments(turn(key))} {
			if strings.HasPrefix(reading, "/premium/") && !strings.HasPrefix(reading+"/", "/premium/course-1/") {
				t.Fatalf("%q: key %q comes out with the cookies of course-1", target, reading)
			}
		}
	})
}

func BenchmarkRoute(b *testing.B) {
	for _, n := range []int{1, 10, 75} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := distribution()
			last := d.Behaviors[len(d.Behaviors)-1]
			d.Behaviors = nil
			for i := range n - 1 {
				d.Behaviors = append(d.Behaviors, Behavior{PathPattern: fmt.Sprintf("/premium-%d/*.ts", i)})
			}
			d.Behaviors = append(d.Behaviors, last)
			b.ReportAllocs()
			for b.Loop() {
				d.Route("/premium/course-1/rendition-720/segment-00042.ts")
			}
		})
	}
}

// A pattern may hold characters that a path can carry encoded, and that a
// bucket decodes.
func TestEncodedReservedCharacters(t *testing.T) {
	d := distribution()
	d.Behaviors[0].PathPattern = "/a@b/*"
	for path, want := range map[string]int{"/a@b/x": 1, "/a%40b/x": 1, "/a%2540b/x": 0, "/a%41b/x": 0} {
		if got := len(d.Route(path).Signed); got != want {
			t.Errorf("%s: %d behaviors need a signature, want %d", path, got, want)
		}
	}
}
