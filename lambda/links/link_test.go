package main

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/premiumpath"
	"premiumhls/signedcookie"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const host = "d111.cloudfront.net"

func premium(t testing.TB) premiumpath.Path {
	t.Helper()
	p, err := premiumpath.Parse("premium")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func policy(t testing.TB, resource string, expires time.Time) string {
	t.Helper()
	raw, err := signedcookie.Policy{Resource: resource, Expires: expires}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return signedcookie.Encode(raw)
}

// lessonQuery is the query of a link for a lesson, as it is without what
// CloudFront removes.
func lessonQuery(t testing.TB) string {
	t.Helper()
	return "l=" + policy(t, "https://"+host+"/premium/course-1/lesson-1/*", now.Add(time.Hour)) + ".SIG~-_.K2ABC.SHA256"
}

func TestReadLink(t *testing.T) {
	raw := func(text string) string {
		return strings.NewReplacer("+", "-", "=", "_", "/", "~").Replace(base64.StdEncoding.EncodeToString([]byte(text)))
	}
	with := func(resource string) string {
		return "l=" + policy(t, resource, now.Add(time.Hour)) + ".SIG.K2ABC.SHA256"
	}
	good := lessonQuery(t)
	value := strings.TrimPrefix(good, "l=")
	own := policy(t, "https://"+host+"/premium/course-1/lesson-1/*", now.Add(time.Hour))
	const path = "/premium/course-1/lesson-1/v1/main.link.m3u8"
	for name, test := range map[string]struct {
		query, path string
		code        string // empty: accepted
		cause       string
	}{
		"a lesson":              {query: good},
		"a course":              {query: with("https://" + host + "/premium/course-1/*")},
		"with CloudFront's own": {query: "Policy=other&Signature=x&Key-Pair-Id=y&Hash-Algorithm=z&" + good},
		"before CloudFront's":   {query: good + "&Policy=other"},
		"with something else":   {query: "x=1&" + good + "&&y"},
		"escaped":               {query: strings.ReplaceAll(good, "~", "%7E")},
		"SHA-1":                 {query: strings.Replace(good, "SHA256", "SHA1", 1)},

		"nothing":                     {query: "", code: "invalid_link", cause: "0 parameters l"},
		"CloudFront's own alone":      {query: "Policy=" + own + "&Signature=SIG&Key-Pair-Id=K2ABC", code: "invalid_link", cause: "0 parameters l"},
		"twice":                       {query: good + "&" + good, code: "invalid_link", cause: "2 parameters l"},
		"twice, once escaped":         {query: good + "&%6c=x", code: "invalid_link", cause: "2 parameters l"},
		"empty":                       {query: "l=", code: "invalid_link", cause: "1 fields"},
		"three fields":                {query: "l=" + own + ".SIG.K2ABC", code: "invalid_link", cause: "3 fields"},
		"five fields":                 {query: good + ".x", code: "invalid_link", cause: "5 fields"},
		"an empty field":              {query: "l=" + own + "..K2ABC.SHA256", code: "invalid_link", cause: "empty"},
		"an ampersand in a field":     {query: "l=" + own + ".SIG%26x.K2ABC.SHA256", code: "invalid_link", cause: "invalid character"},
		"a line break in a field":     {query: "l=" + own + ".SIG%0a.K2ABC.SHA256", code: "invalid_link", cause: "invalid character"},
		"a quotation mark in a field": {query: "l=" + own + ".SIG%22.K2ABC.SHA256", code: "invalid_link", cause: "invalid character"},
		"a bad escape":                {query: "l=%zz", code: "invalid_link", cause: "cannot be decoded"},
		"another hash":                {query: strings.Replace(good, "SHA256", "MD5", 1), code: "invalid_link", cause: "MD5"},
		"a policy that is no base64":  {query: "l=A.SIG.K2ABC.SHA256", code: "invalid_link", cause: "decoding the policy"},
		"a policy that is no JSON":    {query: "l=" + raw("x") + ".SIG.K2ABC.SHA256", code: "invalid_link", cause: "malformed policy"},
		"two statements": {query: "l=" + raw(`{"Statement":[{"Resource":"https://`+host+`/premium/course-1/*","Condition":{"DateLessThan":{"AWS:EpochTime":1893456000}}},{"Resource":"https://`+host+`/premium/*","Condition":{"DateLessThan":{"AWS:EpochTime":1893456000}}}]}`) + ".SIG.K2ABC.SHA256",
			code: "invalid_link", cause: "2 statements"},
		"no resource":           {query: "l=" + raw(`{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1893456000}}}]}`) + ".SIG.K2ABC.SHA256", code: "invalid_link", cause: "malformed policy"},
		"no end":                {query: "l=" + raw(`{"Statement":[{"Resource":"https://`+host+`/premium/course-1/*","Condition":{}}]}`) + ".SIG.K2ABC.SHA256", code: "invalid_link", cause: "DateLessThan is missing"},
		"everything premium":    {query: with("https://" + host + "/premium/*"), code: "invalid_link", cause: "not a folder of premium"},
		"everything":            {query: with("https://" + host + "/*"), code: "invalid_link", cause: "not a folder of premium"},
		"a wildcard before":     {query: with("https://" + host + "/premium/*/lesson-1/*"), code: "invalid_link", cause: "not a course"},
		"a question mark":       {query: with("https://" + host + "/premium/course-?/*"), code: "invalid_link", cause: "not a course"},
		"no wildcard":           {query: with("https://" + host + path), code: "invalid_link", cause: "not a folder of premium"},
		"http":                  {query: with("http://" + host + "/premium/course-1/*"), code: "invalid_link", cause: "https"},
		"dots":                  {query: with("https://" + host + "/premium/course-2/../course-1/*"), code: "invalid_link", cause: "not a course"},
		"public":                {query: with("https://" + host + "/trailers/course-1/*"), code: "invalid_link", cause: "not a folder of premium"},
		"another lesson":        {query: with("https://" + host + "/premium/course-1/lesson-2/*"), code: "invalid_link", cause: "lesson-2"},
		"another course":        {query: with("https://" + host + "/premium/course-2/*"), code: "invalid_link", cause: "course-2"},
		"a name that begins so": {query: with("https://" + host + "/premium/course-1/lesson/*"), code: "invalid_link", cause: "lesson/*"},
		"deeper":                {query: with("https://" + host + "/premium/course-1/lesson-1/v2/*"), code: "invalid_link", cause: "v2"},
		"expired": {query: "l=" + policy(t, "https://"+host+"/premium/course-1/*", now) + ".SIG.K2ABC.SHA256",
			code: "link_expired", cause: "expired at 2026-11-26T12:00:00Z"},
		"expired, for another course": {query: "l=" + policy(t, "https://"+host+"/premium/course-2/*", now) + ".SIG.K2ABC.SHA256", code: "invalid_link", cause: "course-2"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := readLink(test.query, path, premium(t), now)
			if refused, ok := errors.AsType[*refusal](err); ok {
				if refused.code != test.code || !strings.Contains(err.Error(), test.cause) {
					t.Errorf("%v, want %s: %s", err, test.code, test.cause)
				}
				if text := err.Error(); strings.Contains(text, "SIG") || strings.Contains(text, own) {
					t.Errorf("the cause has a part of the link: %s", text)
				}
				return
			}
			if err != nil || test.code != "" {
				t.Fatalf("%v, want %s", err, test.code)
			}
			if l.host != host || !strings.HasPrefix(path, l.folder) || strings.Contains(l.media, "other") {
				t.Errorf("%+v", l)
			}
		})
	}
	l, err := readLink(good, path, premium(t), now)
	if want := "Policy=" + own + "&Signature=SIG~-_&Key-Pair-Id=K2ABC&Hash-Algorithm=SHA256"; err != nil || l.media != want || l.playlist != want+"&l="+value {
		t.Errorf("the queries are %s and %s", l.media, l.playlist)
	}
	l, err = readLink(strings.Replace(good, "SHA256", "SHA1", 1), path, premium(t), now)
	if err != nil || strings.Contains(l.media, "Hash-Algorithm") || !strings.HasSuffix(l.playlist, ".SHA1") {
		t.Errorf("with SHA-1 the queries are %s and %s", l.media, l.playlist)
	}
}
