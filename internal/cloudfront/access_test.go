package cloudfront

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

const segment = "/premium/course-1/seg-1.ts"

func TestCookiesThatOpen(t *testing.T) {
	for _, c := range []struct {
		name string
		grant
	}{
		{"RSA SHA-256", courseOne()},
		{"RSA SHA-1", grant{rsaKey, signedcookie.SHA1, courseOne().Policy}},
		{"ECDSA SHA-1", grant{ecdsaKey, signedcookie.SHA1, courseOne().Policy}},
		{"ECDSA SHA-256", grant{ecdsaKey, signedcookie.SHA256, courseOne().Policy}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(asked(segment, c.cookies()))
			wantAllowed(t, d)
			if d.KeyID != c.key.id || d.Policy.Resource != c.Resource || len(d.Checks) != len(chain) {
				t.Errorf("decision %+v", d)
			}
			for i, name := range []string{CheckSource, CheckKeyPairID, CheckKey, CheckSignature, CheckPolicy, CheckHash,
				CheckVerification, CheckResource, CheckStart, CheckEnd, CheckAddress} {
				if d.Checks[i].Name != name || !d.Checks[i].OK || d.Checks[i].Found == "" || d.Checks[i].Expected == "" {
					t.Errorf("check %d is %+v, want %s", i, d.Checks[i], name)
				}
			}
		})
	}
}

// An edge can be one that takes only what AWS documents.
func TestEdgeThatRefusesECDSAWithSHA256(t *testing.T) {
	b := premium()
	b.RefuseECDSASHA256 = true
	for _, g := range []grant{courseOne(), {rsaKey, signedcookie.SHA1, courseOne().Policy}, {ecdsaKey, signedcookie.SHA1, courseOne().Policy}} {
		wantAllowed(t, b.Decide(asked(segment, g.cookies()), nil))
	}
	wantRefused(t, b.Decide(asked(segment, grant{ecdsaKey, signedcookie.SHA256, courseOne().Policy}.cookies()), nil), "AccessDenied", CheckHash)
}

func TestRefusals(t *testing.T) {
	good, exact := courseOne(), courseOne()
	exact.Resource = "https://" + host + segment
	cookies := good.cookies()
	rawPolicy := func(text string) pairs { return cookiesOf(rsaKey, signedcookie.SHA256, []byte(text)) }
	resource := `"Resource":"https://` + host + `/premium/*"`
	end := now.Add(time.Hour).Unix()
	for _, c := range []struct {
		name    string
		path    string
		cookies pairs
		code    string
		check   string
	}{
		{"no cookies", segment, nil, "MissingKey", CheckKeyPairID},
		{"no key pair id", segment, cookies.without(signedcookie.KeyPairIDCookie), "MissingKey", CheckKeyPairID},
		{"empty key pair id", segment, cookies.with(signedcookie.KeyPairIDCookie, ""), "MissingKey", CheckKeyPairID},
		{"cookie names in another case", segment, pairs{strings.ToLower(cookies.header())}, "MissingKey", CheckKeyPairID},
		{"unknown key pair id", segment, cookies.with(signedcookie.KeyPairIDCookie, "KOTHER"), "InvalidKey", CheckKey},
		{"key of another distribution", segment, grant{foreignKey, good.hash, good.Policy}.cookies(), "InvalidKey", CheckKey},
		{"quoted key pair id", segment, cookies.with(signedcookie.KeyPairIDCookie, `"KRSA"`), "InvalidKey", CheckKey},
		{"no signature", segment, cookies.without(signedcookie.SignatureCookie), "MalformedSignature", CheckSignature},
		{"empty signature", segment, cookies.with(signedcookie.SignatureCookie, ""), "MalformedSignature", CheckSignature},
		{"signature in plain base64", segment, cookies.with(signedcookie.SignatureCookie, "ab+/"), "MalformedSignature", CheckSignature},
		{"signature in quotes", segment, cookies.with(signedcookie.SignatureCookie, `"abcd"`), "MalformedSignature", CheckSignature},
		{"signature URL-encoded", segment, cookies.with(signedcookie.SignatureCookie, "ab%7Ed"), "MalformedSignature", CheckSignature},
		{"no policy", segment, cookies.without(signedcookie.PolicyCookie), "MalformedPolicy", CheckPolicy},
		{"empty policy", segment, cookies.with(signedcookie.PolicyCookie, ""), "MalformedPolicy", CheckPolicy},
		{"policy that does not decode", segment, cookies.with(signedcookie.PolicyCookie, "{}"), "MalformedPolicy", CheckPolicy},
		{"policy and expires", segment, cookies.with(signedcookie.ExpiresCookie, fmt.Sprint(end)), "MalformedPolicy", CheckPolicy},
		{"policy for the very URL and expires", segment, exact.cookies().with(signedcookie.ExpiresCookie, fmt.Sprint(exact.Expires.Unix())), "MalformedPolicy", CheckPolicy},
		{"policy and empty expires", segment, cookies.with(signedcookie.ExpiresCookie, ""), "MalformedPolicy", CheckPolicy},
		{"policy not JSON", segment, rawPolicy("hello"), "MalformedPolicy", CheckPolicy},
		{"policy without an end", segment, rawPolicy(`{"Statement":[{` + resource + `,"Condition":{}}]}`), "MalformedPolicy", CheckPolicy},
		{"policy without a resource", segment, rawPolicy(fmt.Sprintf(`{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":%d}}}]}`, end)), "MalformedPolicy", CheckPolicy},
		{"end as a string", segment, rawPolicy(fmt.Sprintf(`{"Statement":[{%s,"Condition":{"DateLessThan":{"AWS:EpochTime":"%d"}}}]}`, resource, end)), "MalformedPolicy", CheckPolicy},
		{"end in milliseconds", segment, rawPolicy(fmt.Sprintf(`{"Statement":[{%s,"Condition":{"DateLessThan":{"AWS:EpochTime":%d000}}}]}`, resource, end)), "MalformedPolicy", CheckPolicy},
		{"two statements", segment, rawPolicy(fmt.Sprintf(`{"Statement":[{%[1]s,"Condition":{"DateLessThan":{"AWS:EpochTime":%[2]d}}},{%[1]s,"Condition":{"DateLessThan":{"AWS:EpochTime":%[2]d}}}]}`, resource, end)), "MalformedPolicy", CheckPolicy},
		{"unknown hash", segment, cookies.with(signedcookie.HashAlgorithmCookie, "SHA512"), "AccessDenied", CheckHash},
		{"hash in another case", segment, cookies.with(signedcookie.HashAlgorithmCookie, "sha256"), "AccessDenied", CheckHash},
		{"empty hash", segment, cookies.with(signedcookie.HashAlgorithmCookie, ""), "AccessDenied", CheckHash},
		{"wrong hash", segment, cookies.with(signedcookie.HashAlgorithmCookie, "SHA1"), "AccessDenied", CheckVerification},
		{"hash left out", segment, cookies.without(signedcookie.HashAlgorithmCookie), "AccessDenied", CheckVerification},
		{"other key of the group", segment, cookies.with(signedcookie.KeyPairIDCookie, ecdsaKey.id), "AccessDenied", CheckVerification},
		{"policy with a line break more", segment, cookies.with(signedcookie.PolicyCookie, signedcookie.Encode(append(good.raw(), '\n'))), "AccessDenied", CheckVerification},
		{"policy widened", segment, cookies.with(signedcookie.PolicyCookie, signedcookie.Encode([]byte(strings.Replace(string(good.raw()), "course-1/", "", 1)))), "AccessDenied", CheckVerification},
		{"another course", "/premium/course-2/seg-1.ts", cookies, "AccessDenied", CheckResource},
		{"course in another case", "/premium/Course-1/seg-1.ts", cookies, "AccessDenied", CheckResource},
		{"out of the course by dots", "/premium/course-1/../course-2/a.ts", cookies, "AccessDenied", CheckResource},
		{"out of the course by encoded dots", "/premium/course-1/%2e%2E/course-2/a.ts", cookies, "AccessDenied", CheckResource},
		{"out of the course by an encoded slash", "/premium/course-1/..%2fcourse-2/a.ts", cookies, "AccessDenied", CheckResource},
		{"into the course by dots", "/premium/course-2/../course-1/a.ts", cookies, "AccessDenied", CheckResource},
		{"doubled slash", "/premium//course-1/a.ts", cookies, "AccessDenied", CheckResource},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantRefused(t, decide(asked(c.path, c.cookies)), c.code, c.check)
		})
	}
}

func TestMessages(t *testing.T) {
	for code, want := range map[fault]string{
		missingKey:         "MissingKey: Missing Key-Pair-Id query parameter or cookie value",
		invalidKey:         "InvalidKey: Unknown Key",
		malformedSignature: "MalformedSignature: Could not unencode Signature",
		malformedPolicy:    "MalformedPolicy: Malformed Policy",
		accessDenied:       "AccessDenied: Access denied",
	} {
		if got := code.code + ": " + code.message; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTimeBoundaries(t *testing.T) {
	g := courseOne()
	g.NotBefore, g.Expires = now, now.Add(time.Hour)
	cookies := g.cookies()
	for _, c := range []struct {
		name  string
		at    time.Time
		check string // empty: allowed
	}{
		{"before the start", now.Add(-time.Second), CheckStart},
		{"at the start", now, CheckStart},
		{"just after the start", now.Add(time.Nanosecond), ""},
		{"a second after the start", now.Add(time.Second), ""},
		{"just before the end", now.Add(time.Hour - time.Nanosecond), ""},
		{"at the end", now.Add(time.Hour), CheckEnd},
		{"after the end", now.Add(2 * time.Hour), CheckEnd},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := asked(segment, cookies)
			r.Time = c.at
			d := decide(r)
			if c.check == "" {
				wantAllowed(t, d)
			} else {
				wantRefused(t, d, "AccessDenied", c.check)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		source, viewer string
		allowed        bool
	}{
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7/32", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.8", false},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.7", "::ffff:192.0.2.7", true},
		{"192.0.2.7", "2001:db8::7", false},
		{"0.0.0.0/0", "2001:db8::7", false},
		{"0.0.0.0/0", "198.51.100.1", true},
		{"", "2001:db8::7", true},
	} {
		t.Run(c.source+" for "+c.viewer, func(t *testing.T) {
			g := courseOne()
			g.SourceIP = c.source
			r := asked(segment, g.cookies())
			r.Viewer = netip.MustParseAddr(c.viewer)
			if d := decide(r); c.allowed {
				wantAllowed(t, d)
			} else {
				wantRefused(t, d, "AccessDenied", CheckAddress)
			}
		})
	}
	t.Run("no address", func(t *testing.T) {
		g := courseOne()
		g.SourceIP = "0.0.0.0/0"
		r := asked(segment, g.cookies())
		r.Viewer = netip.Addr{}
		wantRefused(t, decide(r), "AccessDenied", CheckAddress)
	})
}

func TestCookiesSentTwice(t *testing.T) {
	course, all := courseOne(), courseOne()
	all.Resource = "https://" + host + "/premium/*"
	other := courseOne()
	other.Resource = "https://" + host + "/premium/course-2/*"
	foreign := grant{foreignKey, course.hash, course.Policy}
	sha1 := course
	sha1.hash = signedcookie.SHA1
	for _, c := range []struct {
		name    string
		cookies []pairs
		code    string
	}{
		{"the same twice", []pairs{course.cookies(), course.cookies()}, ""},
		{"two that both open", []pairs{course.cookies(), all.cookies()}, ""},
		{"the last is for another course", []pairs{course.cookies(), other.cookies()}, "AccessDenied"},
		{"the first is for another course", []pairs{other.cookies(), course.cookies()}, "AccessDenied"},
		{"the last is of a foreign key", []pairs{course.cookies(), foreign.cookies()}, "InvalidKey"},
		{"the first is of a foreign key", []pairs{foreign.cookies(), course.cookies()}, "InvalidKey"},
		{"only one has a hash", []pairs{course.cookies(), sha1.cookies()}, "AccessDenied"},
		{"a second, empty key pair id", []pairs{course.cookies(), {signedcookie.KeyPairIDCookie + "="}}, "MissingKey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var joined pairs
			var headers []string
			for _, p := range c.cookies {
				joined = append(joined, p...)
				headers = append(headers, p.header())
			}
			inOne, inTwo := asked(segment, joined), asked(segment, nil)
			inTwo.Cookies = headers
			for _, r := range []Request{inOne, inTwo} {
				d := decide(r)
				switch {
				case c.code == "":
					wantAllowed(t, d)
				case d.Allowed || d.Code != c.code:
					t.Errorf("allowed %t, code %s (%s), want %s", d.Allowed, d.Code, d.Reason, c.code)
				case !strings.Contains(d.Reason, "more than one"):
					t.Errorf("the reason %q does not say that cookies came twice", d.Reason)
				}
			}
		})
	}
}

func TestCannedCookies(t *testing.T) {
	end := now.Add(time.Hour)
	canned := func(url string, end time.Time) pairs {
		raw := signedcookie.CannedPolicy(url, end)
		return cookiesOf(rsaKey, signedcookie.SHA1, raw).without(signedcookie.PolicyCookie).
			with(signedcookie.ExpiresCookie, fmt.Sprint(end.Unix()))
	}
	url := "https://" + host + segment
	for _, c := range []struct {
		name, path string
		cookies    pairs
		code       string
		check      string
	}{
		{"its URL", segment, canned(url, end), "", ""},
		{"its URL with a query", segment + "?a=b", canned(url+"?a=b", end), "", ""},
		{"a query more", segment + "?a=b", canned(url, end), "AccessDenied", CheckVerification},
		{"another file", segment + "x", canned(url, end), "AccessDenied", CheckVerification},
		{"another end", segment, canned(url, end).with(signedcookie.ExpiresCookie, fmt.Sprint(end.Unix()+1)), "AccessDenied", CheckVerification},
		{"an end with a sign", segment, canned(url, end).with(signedcookie.ExpiresCookie, fmt.Sprintf("+%d", end.Unix())), "MalformedPolicy", CheckPolicy},
		{"an end with a zero", segment, canned(url, end).with(signedcookie.ExpiresCookie, fmt.Sprintf("0%d", end.Unix())), "MalformedPolicy", CheckPolicy},
		{"no number", segment, canned(url, end).with(signedcookie.ExpiresCookie, "soon"), "MalformedPolicy", CheckPolicy},
		{"ended", segment, canned(url, now), "AccessDenied", CheckEnd},
		{"a URL that leaves its quotes", segment + `","x":"`, canned(url+`","x":"`, end), "MalformedPolicy", CheckPolicy},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(asked(c.path, c.cookies))
			if c.code == "" {
				wantAllowed(t, d)
			} else {
				wantRefused(t, d, c.code, c.check)
			}
		})
	}
}

func TestSignedURLs(t *testing.T) {
	end := now.Add(time.Hour)
	custom := func(g grant) string {
		return "Policy=" + signedcookie.Encode(g.raw()) + "&Signature=" + sign(g.key, g.hash, g.raw()) +
			"&Key-Pair-Id=" + g.key.id + "&Hash-Algorithm=" + string(g.hash)
	}
	canned := func(url string, end time.Time) string {
		raw := signedcookie.CannedPolicy(url, end)
		return fmt.Sprintf("Expires=%d&Signature=%s&Key-Pair-Id=%s", end.Unix(), sign(rsaKey, signedcookie.SHA1, raw), rsaKey.id)
	}
	url := "https://" + host + segment
	cookies := courseOne().cookies()
	for _, c := range []struct {
		name, path string
		cookies    pairs
		code       string
		check      string
	}{
		{"custom", segment + "?" + custom(courseOne()), nil, "", ""},
		{"custom with a query of one's own", segment + "?a=b&" + custom(courseOne()) + "&c=d", nil, "", ""},
		{"custom for another course", "/premium/course-2/a.ts?" + custom(courseOne()), nil, "AccessDenied", CheckResource},
		{"custom without its hash", segment + "?" + strings.Split(custom(courseOne()), "&Hash")[0], nil, "AccessDenied", CheckVerification},
		{"canned", segment + "?" + canned(url, end), nil, "", ""},
		{"canned with a query", segment + "?a=b&c=d&" + canned(url+"?a=b&c=d", end), nil, "", ""},
		{"canned with a query around it", segment + "?a=b&" + canned(url+"?a=b&c=d", end) + "&c=d", nil, "", ""},
		{"canned with a query left out", segment + "?" + canned(url+"?a=b", end), nil, "AccessDenied", CheckVerification},
		{"canned with a query in another order", segment + "?c=d&a=b&" + canned(url+"?a=b&c=d", end), nil, "AccessDenied", CheckVerification},
		{"canned for another file", segment + "x?" + canned(url, end), nil, "AccessDenied", CheckVerification},
		{"canned over HTTP", segment + "?" + canned("http://"+host+segment, end), nil, "AccessDenied", CheckVerification},
		{"canned and ended", segment + "?" + canned(url, now), nil, "AccessDenied", CheckEnd},
		{"good cookies beside Expires", segment + "?Expires=1", cookies, "MissingKey", CheckKeyPairID},
		{"good cookies beside Policy", segment + "?Policy=", cookies, "MissingKey", CheckKeyPairID},
		{"good cookies beside Signature", segment + "?a=b&Signature", cookies, "MissingKey", CheckKeyPairID},
		{"good cookies beside Key-Pair-Id", segment + "?Key-Pair-Id=" + rsaKey.id, cookies, "MalformedSignature", CheckSignature},
		{"good cookies beside Hash-Algorithm", segment + "?Hash-Algorithm=SHA256", cookies, "MissingKey", CheckKeyPairID},
		{"good cookies beside an encoded name", segment + "?%45xpires=1", cookies, "MissingKey", CheckKeyPairID},
		{"good cookies beside another case", segment + "?expires=1", cookies, "", ""},
		{"a parameter twice", segment + "?" + custom(courseOne()) + "&Key-Pair-Id=KOTHER", nil, "InvalidKey", CheckKey},
		{"policy and expires", segment + "?" + custom(courseOne()) + "&Expires=1", nil, "MalformedPolicy", CheckPolicy},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(asked(c.path, c.cookies))
			if c.code == "" {
				wantAllowed(t, d)
			} else {
				wantRefused(t, d, c.code, c.check)
			}
		})
	}
}

func TestQueryIsCovered(t *testing.T) {
	for _, c := range []struct {
		resource, path string
		allowed        bool
	}{
		{"/premium/course-1/*", segment + "?x=1", true},
		{"/premium/course-1/seg-?.ts", segment, true},
		{"/premium/course-1/seg-?.ts", segment + "?x=1", false},
		{"/premium/course-1/seg-?.ts", "/premium/course-1/seg-10.ts", false},
	} {
		g := courseOne()
		g.Resource = "https://" + host + c.resource
		if d := decide(asked(c.path, g.cookies())); d.Allowed != c.allowed {
			t.Errorf("%s for %s: allowed %t (%s)", c.path, c.resource, d.Allowed, d.Reason)
		}
	}
}

func TestSignedWithoutKeys(t *testing.T) {
	b := premium()
	b.PublicKeys = nil
	wantRefused(t, b.Decide(asked(segment, courseOne().cookies()), nil), "InvalidKey", CheckKey)
	b = premium()
	b.PublicKeys = map[string]PublicKey{rsaKey.id: {ID: rsaKey.id}} // without its key
	wantRefused(t, b.Decide(asked(segment, courseOne().cookies()), nil), "InvalidKey", CheckKey)
	if d := (&Distribution{}).Decide(Route{}, asked(segment, nil), nil); d.Allowed {
		t.Error("a distribution without behaviors allows")
	}
}

// Every single bit of what is signed and of the signature counts.
func TestEveryBit(t *testing.T) {
	if testing.Short() {
		t.Skip("slow: skipped in short mode")
	}
	for _, g := range []grant{courseOne(), {ecdsaKey, signedcookie.SHA1, courseOne().Policy}} {
		b := premium()
		raw := g.raw()
		signature, _ := signedcookie.Decode(sign(g.key, g.hash, raw))
		cache := NewCache(64)
		request := func(raw, signature []byte) Request {
			return asked(segment, g.cookies().with(signedcookie.PolicyCookie, signedcookie.Encode(raw)).
				with(signedcookie.SignatureCookie, signedcookie.Encode(signature)))
		}
		wantAllowed(t, b.Decide(request(raw, signature), cache))
		flip := func(what []byte, judge func() Decision) {
			for i := range len(what) * 8 {
				what[i/8] ^= 1 << (i % 8)
				if d := judge(); d.Allowed {
					t.Errorf("%s: bit %d may be changed", g.key.id, i)
				}
				what[i/8] ^= 1 << (i % 8)
			}
		}
		id, hash := []byte(g.key.id), []byte(g.hash)
		judge := func() Decision {
			r := request(raw, signature)
			r.Cookies = []string{strings.NewReplacer(signedcookie.KeyPairIDCookie+"="+g.key.id, signedcookie.KeyPairIDCookie+"="+string(id),
				signedcookie.HashAlgorithmCookie+"="+string(g.hash), signedcookie.HashAlgorithmCookie+"="+string(hash)).Replace(r.Cookies[0])}
			return b.Decide(r, cache)
		}
		flip(raw, judge)
		flip(signature, judge)
		flip(id, judge)
		if g.hash != signedcookie.SHA1 { // which is not named
			flip(hash, judge)
		}
		wantAllowed(t, judge())
	}
}

func TestCache(t *testing.T) {
	b, cache := premium(), NewCache(4)
	g := courseOne()
	cookies := g.cookies()
	wantAllowed(t, b.Decide(asked(segment, cookies), cache))
	if cache.claims.Len() != 1 {
		t.Fatalf("%d signatures remembered, want 1", cache.claims.Len())
	}
	t.Run("what is remembered is not verified again", func(t *testing.T) {
		cache := NewCache(4)
		b.Decide(asked(segment, cookies), cache)
		c := claim{key: rsaKey.public.key, hash: signedcookie.SHA256, policy: signedcookie.Encode(g.raw()), signature: "another"}
		cache.put(c, &verified{policy: g.Policy})
		wantAllowed(t, b.Decide(asked(segment, cookies.with(signedcookie.SignatureCookie, "another")), cache))
	})
	t.Run("what is remembered is still judged", func(t *testing.T) {
		wantAllowed(t, b.Decide(asked(segment, cookies), cache))
		late := asked(segment, cookies)
		late.Time = g.Expires
		wantRefused(t, b.Decide(late, cache), "AccessDenied", CheckEnd)
		wantRefused(t, b.Decide(asked("/premium/course-2/a.ts", cookies), cache), "AccessDenied", CheckResource)
	})
	t.Run("a key of the same id is another key", func(t *testing.T) {
		other := premium()
		other.PublicKeys = map[string]PublicKey{rsaKey.id: foreignKey.public}
		wantRefused(t, other.Decide(asked(segment, cookies), cache), "AccessDenied", CheckVerification)
	})
	t.Run("a key that left the group", func(t *testing.T) {
		other := premium()
		delete(other.PublicKeys, rsaKey.id)
		wantRefused(t, other.Decide(asked(segment, cookies), cache), "InvalidKey", CheckKey)
	})
	t.Run("a refused signature is not remembered", func(t *testing.T) {
		cache := NewCache(4)
		for range 2 {
			wantRefused(t, b.Decide(asked(segment, cookies.with(signedcookie.HashAlgorithmCookie, "SHA1")), cache), "AccessDenied", CheckVerification)
		}
		if cache.claims.Len() != 0 {
			t.Error("it is")
		}
	})
	t.Run("a canned policy is not a policy cookie", func(t *testing.T) {
		cache := NewCache(4)
		raw := signedcookie.CannedPolicy("https://"+host+segment, g.Expires)
		custom := cookiesOf(rsaKey, signedcookie.SHA256, raw)
		canned := custom.without(signedcookie.PolicyCookie).with(signedcookie.ExpiresCookie, fmt.Sprint(g.Expires.Unix()))
		wantAllowed(t, b.Decide(asked(segment, canned), cache))
		wantAllowed(t, b.Decide(asked(segment, canned), cache))
		wantRefused(t, b.Decide(asked(segment, custom.with(signedcookie.PolicyCookie, string(raw))), cache), "MalformedPolicy", CheckPolicy)
		wantRefused(t, b.Decide(asked(segment+"x", canned), cache), "AccessDenied", CheckVerification)
	})
	t.Run("it is bounded", func(t *testing.T) {
		g := grant{ecdsaKey, signedcookie.SHA1, courseOne().Policy}
		for range 20 {
			g.Expires = g.Expires.Add(time.Second)
			wantAllowed(t, b.Decide(asked(segment, g.cookies()), cache))
			if n := cache.claims.Len(); n > 4 {
				t.Fatalf("%d signatures remembered, want at most 4", n)
			}
		}
	})
}

// FuzzAccess sends any bytes as cookies and query, at any time. Nothing may be
// allowed but what carries the very strings that were signed, in their time,
// and an edge that remembers decides as one that does not.
//
// Each process that fuzzes has keys of its own. Where an input has P, S, K and
// E between braces, it means the policy, its signature, its key, and the end
// that the policy has; bit, where it is not 0, is one of the header to change.
func FuzzAccess(f *testing.F) {
	g := courseOne()
	policy, signature := signedcookie.Encode(g.raw()), sign(g.key, g.hash, g.raw())
	fill := strings.NewReplacer("{P}", policy, "{S}", signature, "{K}", rsaKey.id, "{E}", fmt.Sprint(g.Expires.Unix()))
	lasts := int64(g.Expires.Sub(now) / time.Second)
	const good = "CloudFront-Policy={P}; CloudFront-Signature={S}; CloudFront-Key-Pair-Id={K}; CloudFront-Hash-Algorithm=SHA256"
	for _, seed := range []struct {
		header, query string
		seconds       int64
		bit           uint16
	}{
		{good, "", 0, 0}, {good, "a=b", 0, 0}, {good, "", lasts - 1, 0}, {good, "", lasts, 0}, {good, "", -lasts, 0},
		{good, "", 0, 1}, {good, "", 0, 1000}, {good, "", 0, 3000}, {good, "", 0, 4000}, {good, "", 0, 5000},
		{"", "Policy={P}&Signature={S}&Key-Pair-Id={K}&Hash-Algorithm=SHA256", 0, 0},
		{"", "Policy={P}&Signature={S}&Key-Pair-Id={K}&Hash-Algorithm=SHA256&a=b", lasts, 0},
		{good, "Policy={P}", 0, 0},
		{"CloudFront-Policy={P}; CloudFront-Signature={S}; CloudFront-Key-Pair-Id={K}", "", 0, 0},
		{"CloudFront-Policy={P}; CloudFront-Signature={S}; CloudFront-Key-Pair-Id={K}", "Hash-Algorithm=SHA256", 0, 0},
		{good + "; CloudFront-Expires={E}", "", 0, 0},
		{good + "; CloudFront-Key-Pair-Id=x", "", 0, 0},
		{good + "; CloudFront-Policy={P}", "", 0, 0},
		{"CloudFront-Policy={P}; CloudFront-Signature=AAAA; CloudFront-Key-Pair-Id={K}; CloudFront-Hash-Algorithm=SHA256", "", 0, 0},
		{"CloudFront-Policy={P}; CloudFront-Signature={S}; CloudFront-Key-Pair-Id=KECDSA; CloudFront-Hash-Algorithm=SHA256", "", 0, 0},
		{"CloudFront-Policy={P}; CloudFront-Signature={S}; CloudFront-Key-Pair-Id=x; CloudFront-Hash-Algorithm=SHA256", "", 0, 0},
		{"CloudFront-Expires={E}; CloudFront-Signature={S}; CloudFront-Key-Pair-Id={K}; CloudFront-Hash-Algorithm=SHA256", "", 0, 0},
		{";;=;CloudFront-Policy", "&&=&%&%zz&Policy&Expires=9223372036854775808", 1 << 40, 0},
	} {
		f.Add(seed.header, seed.query, seed.seconds, seed.bit)
	}
	b, cache := premium(), NewCache(16)
	f.Fuzz(func(t *testing.T, header, query string, seconds int64, bit uint16) {
		sent := []byte(fill.Replace(header))
		if at := int(bit) / 8; bit > 0 && at < len(sent) {
			sent[at] ^= 1 << (bit % 8)
		}
		r := Request{URL: "https://" + host + segment, Cookies: []string{string(sent)}, Viewer: viewer, Time: time.Unix(now.Unix()+seconds%(1<<40), 0)}
		query = fill.Replace(query)
		if query != "" {
			r.URL += "?" + query
		}
		d := b.Decide(r, cache)
		if bare := b.Decide(r, nil); bare.Allowed != d.Allowed || bare.Code != d.Code || bare.Reason != d.Reason {
			t.Fatalf("with memory %q, without %q", d.Reason, bare.Reason)
		}
		if !d.Allowed {
			if d.Status != 403 || d.Code == "" || d.Reason == "" {
				t.Fatalf("refused without saying why: %+v", d)
			}
			if header == good && query == "" && bit == 0 && r.Time.Before(g.Expires) {
				t.Fatalf("good cookies are refused: %s", d.Reason)
			}
			return
		}
		if !r.Time.Before(g.Expires) {
			t.Fatalf("allowed at %v, after the end", r.Time)
		}
		from := string(sent)
		if strings.Contains(d.Checks[0].Found, "URL") {
			from = query
		}
		for _, want := range []string{policy, signature, rsaKey.id, "SHA256"} {
			if !strings.Contains(from, want) {
				t.Fatalf("allowed without %q: %q %q", want, from, query)
			}
		}
	})
}
