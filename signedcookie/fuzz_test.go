package signedcookie

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// FuzzDecode: decoding is the inverse of encoding, and one value has one
// spelling.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "-~-~AA__", "AA==", "A\n", "AA__\r", "AA__\n", "A\nA__", "-~-~AB__", "AAA", "AAAA", "AA_", "+/+/", "AAB_", "AA__AA__", "%2D"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := Decode(s)
		if err == nil && Encode(b) != s {
			t.Fatalf("%q is a second spelling of %q", s, Encode(b))
		}
		if err != nil && (b != nil || !errors.Is(err, ErrEncoding)) {
			t.Fatalf("%q is refused with %q, %v", s, b, err)
		}
		encoded := Encode([]byte(s))
		if back, err := Decode(encoded); err != nil || string(back) != s {
			t.Fatalf("%q came back as %q, %v", s, back, err)
		}
		// A cookie and a query can carry it as it is.
		if strings.Trim(encoded, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~_") != "" {
			t.Fatalf("%q is encoded as %q", s, encoded)
		}
	})
}

// foreign are keys that have signed nothing.
var foreign = sync.OnceValue(func() map[KeyType]crypto.Signer {
	return map[KeyType]crypto.Signer{RSA2048: mustKey(RSA2048), ECDSAP256: mustKey(ECDSAP256)}
})

// FuzzSign: what was signed verifies, and with one bit of it changed, or of
// the signature, or with another hash or key, it does not.
func FuzzSign(f *testing.F) {
	for i, policy := range []string{"", "x", `{"Statement":[{"Resource":"https://h/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000}}}]}`, "\x00", strings.Repeat("a", 300)} {
		f.Add([]byte(policy), false, i%2 == 0, uint16(i))
		f.Add([]byte(policy), true, i%2 == 0, uint16(1000*i))
	}
	f.Fuzz(func(t *testing.T, policy []byte, isRSA, isSHA1 bool, bit uint16) {
		kind, hash, otherHash := ECDSAP256, SHA256, SHA1
		if isRSA {
			kind = RSA2048
		}
		if isSHA1 {
			hash, otherHash = otherHash, hash
		}
		key := keys[kind]
		signature, err := Sign(key, hash, policy)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(key.Public(), hash, policy, signature); err != nil {
			t.Fatalf("its own signature: %v", err)
		}
		flip := func(b []byte) []byte {
			b = bytes.Clone(b)
			if at := int(bit) % (8 * max(len(b), 1)); len(b) > 0 {
				b[at/8] ^= 1 << (at % 8)
			}
			return b
		}
		for what, err := range map[string]error{
			"another hash":                   Verify(key.Public(), otherHash, policy, signature),
			"another key":                    Verify(foreign()[kind].Public(), hash, policy, signature),
			"a changed bit of the signature": Verify(key.Public(), hash, policy, flip(signature)),
			"a signature that is cut":        Verify(key.Public(), hash, policy, signature[:int(bit)%len(signature)]),
			"something after the signature":  Verify(key.Public(), hash, policy, append(bytes.Clone(signature), byte(bit))),
			"something after the policy":     Verify(key.Public(), hash, append(bytes.Clone(policy), byte(bit)), signature),
			"something before the policy":    Verify(key.Public(), hash, append([]byte{byte(bit)}, policy...), signature),
		} {
			if !errors.Is(err, ErrSignature) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if Verify(key.Public(), "", policy, signature) == nil {
			t.Error("a hash without a name")
		}
		if changed := flip(policy); len(policy) > 0 && !errors.Is(Verify(key.Public(), hash, changed, signature), ErrSignature) {
			t.Errorf("a changed bit of the policy %q: %q verifies", policy, changed)
		}
	})
}

// FuzzParsePolicy: a policy that is taken says exactly what it was read to
// say. Nothing in it is passed over, and written and read again it is the same.
func FuzzParsePolicy(f *testing.F) {
	for _, seed := range []string{
		`{"Statement":[{"Resource":"https://h/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000}}}]}`,
		`{"Statement":[{"Resource":"https://h/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000},"DateGreaterThan":{"AWS:EpochTime":0},"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}}}]}`,
		`{"Statement":[{"Resource":"https://h/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000},"DateGreaterThan":{"AWS:EpochTime":-0}}}]}`,
		`{"Statement":[{"Resource":"https://h/\u002a","Condition":{"DateLessThan":{"AWS:EpochTime":-0}}}]}`,
		` { "Statement" : [ { "Condition" : { "DateLessThan" : { "AWS:EpochTime" : 18 } } , "Resource" : "http://*?/" } ] } `,
		`{"Statement":[{"Resource":"https://h/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000}}},{"Resource":"https://*"}]}`,
		`{"Statement":[{"Resource":"https://h/*","Resource":"https://g/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000}}}]}`,
		`{"Statement":[{"Resource":"https://h/*","Condition":{"DateLessThan":{"AWS:EpochTime":1800000000,"x":1}}}],"Version":"2012-10-17"}`,
		`{"Statement":[{},{}]}`, `{`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParsePolicy(raw)
		if quick, ok := parseMarshaled(raw); ok {
			if slow, err := parsePolicy(raw); err != nil || slow != quick {
				t.Fatalf("%s is read as %+v and as %+v, %v", raw, quick, slow, err)
			}
		}
		if err != nil {
			if !errors.Is(err, ErrMalformedPolicy) || p != (Policy{}) {
				t.Fatalf("%s is refused with %+v, %v", raw, p, err)
			}
			return
		}
		if got, want := asJSON(t, raw), statementOf(p); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is read as %v", raw, want)
		}
		written, err := p.Marshal()
		if err != nil {
			if strings.ContainsAny(authority(p.Resource), "*?") {
				return // read, but never written
			}
			t.Fatalf("%s is taken but cannot be written: %v", raw, err)
		}
		if back, err := ParsePolicy(written); err != nil || back != p {
			t.Fatalf("%s came back as %+v, %v", raw, back, err)
		}
	})
}

// statementOf is a policy as JSON has it, made without Marshal.
func statementOf(p Policy) any {
	date := func(seconds int64) any {
		return map[string]any{"AWS:EpochTime": json.Number(strconv.FormatInt(seconds, 10))}
	}
	condition := map[string]any{"DateLessThan": date(p.Expires.Unix())}
	if !p.NotBefore.IsZero() {
		condition["DateGreaterThan"] = date(p.NotBefore.Unix())
	}
	if p.SourceIP != "" {
		condition["IpAddress"] = map[string]any{"AWS:SourceIp": p.SourceIP}
	}
	return map[string]any{"Statement": []any{map[string]any{"Resource": p.Resource, "Condition": condition}}}
}

func asJSON(t *testing.T, raw []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%s is taken and is no JSON: %v", raw, err)
	}
	return v
}

// FuzzMatch: wildcards match what a table of all beginnings says that they do,
// and a policy's resource matches no URL of another site.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""}, {"*", ""}, {"?", ""}, {"a*b", "aXb"}, {"a*b*c", "abbc"}, {"*a", "aaab"}, {"a?c", "abc"}, {"**", "x"}, {"*?", "x"}, {"a*", "b"},
		{"https://h/premium/a/*", "https://h/premium/a/b?c"}, {"https://h/a?b", "https://h/a?b"}, {"https://*/a", "https://h/x/a"}, {"https://h*/a", "https://h/b/a"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern)*len(s) > 1<<16 {
			return
		}
		if got, want := Match(pattern, s), matchTable(pattern, s); got != want {
			t.Fatalf("%q matches %q: %t", pattern, s, got)
		}
		if !(Policy{Resource: pattern}).MatchesURL(s) {
			return
		}
		if !matchTable(pattern, s) {
			t.Fatalf("%q covers %q, which its wildcards do not match", pattern, s)
		}
		if host := authority(pattern); !strings.ContainsAny(host, "*?") && host != authority(s) {
			t.Fatalf("%q covers %q, of another host", pattern, s)
		}
	})
}

// matchTable is Match, slow and plain: match[i][j] tells whether the first i
// characters of the pattern match the first j of s.
func matchTable(pattern, s string) bool {
	match := make([][]bool, len(pattern)+1)
	for i := range match {
		match[i] = make([]bool, len(s)+1)
		for j := range match[i] {
			switch {
			case i == 0:
				match[i][j] = j == 0
			case pattern[i-1] == '*':
				match[i][j] = match[i-1][j] || j > 0 && match[i][j-1]
			case j > 0 && (pattern[i-1] == '?' || pattern[i-1] == s[j-1]):
				match[i][j] = match[i-1][j-1]
			}
		}
	}
	return match[len(pattern)][len(s)]
}
