package diagnosis

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/explain/cookiejar"
	"premiumhls/signedcookie"
)

const (
	policyName    = signedcookie.PolicyCookie
	signatureName = signedcookie.SignatureCookie
	keyName       = signedcookie.KeyPairIDCookie
	hashName      = signedcookie.HashAlgorithmCookie
	expiresName   = signedcookie.ExpiresCookie
)

// A brokenRequest is one that is not served, and the sentence it gets.
type brokenRequest struct {
	name    string
	request Request
	check   string // at which the chain ends
	code    string // CloudFront's
	advice  string
}

func withholding(t *testing.T, page, from string, setCookies ...string) func(*Request) {
	return func(r *Request) {
		target, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		var stored []cookiejar.Cookie
		source, _ := url.Parse(from)
		if page != "" {
			r.Page, _ = url.Parse(page)
		}
		for _, header := range setCookies {
			c, refused := cookiejar.Store(header, cookiejar.Response{URL: source, Page: r.Page, Time: now.Add(-time.Hour)})
			if refused != nil {
				r.Withheld = append(r.Withheld, *refused)
				continue
			}
			stored = append(stored, c)
		}
		_, withheld := cookiejar.Send(stored, cookiejar.Request{URL: target, Page: r.Page, Time: r.Time})
		r.Withheld = append(r.Withheld, withheld...)
	}
}

// document is a policy's text with pieces that a Policy cannot hold.
func document(resource, condition string) string {
	return `{"Statement":[{"Resource":"` + resource + `","Condition":{` + condition + `}}]}`
}

var (
	resource = "https://" + host + "/premium/course-1/*"
	end      = fmt.Sprintf(`"DateLessThan":{"AWS:EpochTime":%d}`, now.Add(time.Hour).Unix())
)

func malformed(policy string) cookies { return signed(rsaKey, signedcookie.SHA256, policy) }

// slashed is a policy whose signature, in base64, has a slash.
func slashed() cookies {
	p := courseOne()
	for {
		c := signed(rsaKey, signedcookie.SHA256, text(p))
		if strings.Contains(c.value(signatureName), "~") {
			return c
		}
		p.Expires = p.Expires.Add(time.Second)
	}
}

func bare(policy string) string {
	var parts struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sign(ecdsaKey, signedcookie.SHA256, policy), &parts); err != nil {
		panic(err)
	}
	return signedcookie.Encode(append(parts.R.FillBytes(make([]byte, 32)), parts.S.FillBytes(make([]byte, 32))...))
}

func pss(policy string) string {
	digest := sha256.Sum256([]byte(policy))
	b, err := rsa.SignPSS(rand.Reader, rsaKey.private.(*rsa.PrivateKey), 5, digest[:], nil)
	if err != nil {
		panic(err)
	}
	return signedcookie.Encode(b)
}

func at(moment time.Time) func(*Request) { return func(r *Request) { r.Time = moment } }

func from(address string) func(*Request) {
	return func(r *Request) { r.Viewer = netip.MustParseAddr(address) }
}

func method(m string) func(*Request) { return func(r *Request) { r.Method = m } }

func page(address string) func(*Request) {
	return func(r *Request) { r.Page, _ = url.Parse(address) }
}

func header(name, value string) func(*Request) {
	return func(r *Request) { r.Header = http.Header{name: {value}} }
}

func expecting(pattern string) func(*Request) { return func(r *Request) { r.Behavior = pattern } }

func signedURL(c cookies, more string) string {
	return segment + "?Policy=" + c.value(policyName) + "&Signature=" + c.value(signatureName) + "&Key-Pair-Id=" + c.value(keyName) + "&Hash-Algorithm=SHA256" + more
}

func TestBrokenRequests(t *testing.T) {
	policy := text(courseOne())
	bound := courseOne()
	bound.SourceIP = "198.51.100.0/24"
	future := courseOne()
	future.NotBefore = now.Add(90 * time.Second)
	never := courseOne()
	never.NotBefore = never.Expires.Add(time.Hour)
	ended := courseOne()
	ended.Expires = now.Add(-25 * time.Minute)
	canned := string(signedcookie.CannedPolicy(segment, now.Add(time.Hour)))
	cannedCookies := func(message string) cookies {
		return cookies{expiresName + "=" + fmt.Sprint(now.Add(time.Hour).Unix()), signatureName + "=" + signedcookie.Encode(sign(rsaKey, signedcookie.SHA1, message)), keyName + "=" + rsaKey.id}
	}
	resourceOf := func(resource string) cookies {
		return malformed(text(signedcookie.Policy{Resource: resource, Expires: now.Add(time.Hour)}))
	}
	s3 := http.Header{"Server": {"AmazonS3"}, "Content-Type": {"application/xml"}}
	s3Denied := `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>A</RequestId><HostId>b</HostId></Error>`
	denied := `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>`

	tests := []brokenRequest{
		{"no cookies", asks(segment, nil),
			"key pair id", "MissingKey", "The request carries no cookies: ask for them (POST /api/cookies) before the first request that behavior /premium/* takes."},
		{"other cookies only", asks(segment, cookies{"session=abc"}),
			"key pair id", "MissingKey", "The request carries cookies, but none of CloudFront's: ask for them (POST /api/cookies) before the first request that behavior /premium/* takes."},
		{"a token in place of cookies", asks(segment, nil, header("Authorization", "Bearer x")),
			"key pair id", "MissingKey", "The request carries a token, which CloudFront does not look at, and no cookies: exchange the token for cookies (POST /api/cookies), and send those."},
		{"no cookies, over HTTP", asks("http://"+host+"/premium/course-1/segment.ts", nil),
			"request", "", "The request is not HTTPS, which behavior /premium/* requires: request https://d111.cloudfront.net/premium/course-1/segment.ts, to which browsers send Secure cookies too."},
		{"cookies kept back by the host", asks(segment, nil, withholding(t, "", "https://www.example.com/api/cookies", good().set("Path=/")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because cookies of the host www.example.com are not sent to d111.cloudfront.net: serve the page and the videos from one host, or from hosts below one domain."},
		{"cookies kept back by a sister host", asks("https://video.example.com/premium/course-1/a.ts", nil, withholding(t, "", "https://www.example.com/api/cookies", good().set("Path=/")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because cookies of the host www.example.com are not sent to video.example.com: set them with Domain=example.com."},
		{"cookies kept back by the path", asks("https://"+host+"/premium/course-2/segment.ts", nil, withholding(t, "", "https://"+host+"/api/cookies", good().set("Path=/premium/course-1/; Secure")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because Path=/premium/course-1/ does not cover /premium/course-2/segment.ts: ask for cookies for this path, or set them with a Path that covers it."},
		{"cookies without a path", asks(segment, nil, withholding(t, "", "https://"+host+"/api/cookies", good().set("Secure")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because Path=/api does not cover /premium/course-1/segment.ts: ask for cookies for this path, or set them with a Path that covers it."},
		{"cookies that ended", asks(segment, nil, withholding(t, "", "https://"+host+"/api/cookies", good().set("Path=/; Max-Age=600")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because Expires or Max-Age put their end at 2026-11-23T09:10:00Z, and now is 2026-11-23T10:00:00Z: get new cookies."},
		{"cookies of another site's page", asks(segment, nil, withholding(t, "https://www.example.com/watch", "https://"+host+"/api/cookies", good().set("Path=/; Secure; SameSite=Lax")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because SameSite=Lax cookies of https://d111.cloudfront.net are not stored for a page of another site, https://www.example.com: serve the page and the videos from one host, or from hosts below one domain."},
		{"cookies for a public suffix", asks(segment, nil, withholding(t, "", "https://"+host+"/api/cookies", good().set("Path=/; Domain=cloudfront.net; Secure")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because Domain=cloudfront.net is on the public suffix list: browsers reject its cookies: leave out Domain, or give the distribution a domain name of your own."},
		{"cookies for a foreign domain", asks("https://video.example.com/premium/course-1/a.ts", nil, withholding(t, "", "https://api.example.net/cookies", good().set("Path=/; Domain=example.com; Secure")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because api.example.net cannot set cookies with Domain=example.com: set the cookies from the host of the videos, or from one below the same domain."},
		{"SameSite=None without Secure", asks(segment, nil, withholding(t, "", "https://"+host+"/api/cookies", good().set("Path=/; SameSite=None")...)),
			"key pair id", "MissingKey", "The browser does not send CloudFront's cookies, because browsers do not store SameSite=None without Secure: add Secure."},
		{"a page of another origin", asks("https://video.example.com/premium/course-1/a.ts", nil, page("https://www.example.com/")),
			"key pair id", "MissingKey", `The request carries no cookies, and comes from a page of another origin, https://www.example.com: let the player send them (hls.js: xhr.withCredentials = true in xhrSetup; video.js: withCredentials: true on the source; fetch: credentials: "include").`},
		{"a page of another site", asks(segment, nil, page("https://www.example.com/")),
			"key pair id", "MissingKey", "The request carries no cookies, and comes from a page of another site, https://www.example.com, and browsers do not send these cookies to another site: serve the page and the videos from one host, or from hosts below one domain."},
		{"a recording without cookies", asks(segment, nil, func(r *Request) { r.Sanitized = true }),
			"key pair id", "MissingKey", "The HAR file was exported without cookies, so it does not show whether the request had any: export it again with sensitive data (in Chrome, settings of the developer tools, “Allow to generate HAR with sensitive data”)."},
		{"no key pair id", asks(segment, good().without(keyName)),
			"key pair id", "MissingKey", "The request carries CloudFront-Policy, CloudFront-Signature, CloudFront-Hash-Algorithm without CloudFront-Key-Pair-Id: send CloudFront-Key-Pair-Id too, with the id of the public key (K…) that the signature is by."},
		{"a key pair id that the browser keeps back", asks(segment, good().without(keyName), withholding(t, "", "https://"+host+"/api/cookies", keyName+"=K1RSA; Path=/api/; Secure")),
			"key pair id", "MissingKey", "The request carries CloudFront-Policy, CloudFront-Signature, CloudFront-Hash-Algorithm without CloudFront-Key-Pair-Id: send CloudFront-Key-Pair-Id too, with the id of the public key (K…) that the signature is by (the browser does not, because Path=/api/ does not cover /premium/course-1/segment.ts)."},
		{"an empty key pair id", asks(segment, good().with(keyName, "")),
			"key pair id", "MissingKey", "The cookie CloudFront-Key-Pair-Id is empty: set it to the id of the public key (K…) that the signature is by."},
		{"a cookie name in another case", asks(segment, good().without(keyName).with("Cloudfront-Key-Pair-Id", rsaKey.id)),
			"key pair id", "MissingKey", "The request has a cookie Cloudfront-Key-Pair-Id, and CloudFront reads CloudFront-Key-Pair-Id: set the cookie with exactly this name."},
		{"a parameter that makes a signed URL", asks(segment+"?Expires=1767225600", good()),
			"key pair id", "MissingKey", "The query has a parameter Expires, by which CloudFront takes the request for a signed URL and does not look at its cookies: take it out of the query, or rename it."},
		{"two parameters that make a signed URL", asks(segment+"?v=1&Policy=basic&Signature=no", good()),
			"key pair id", "MissingKey", "The query has the parameters Policy, Signature, by which CloudFront takes the request for a signed URL and does not look at its cookies: take them out of the query, or rename them."},
		{"an unknown key", asks(segment, signed(foreignKey, signedcookie.SHA256, policy)),
			"key", "InvalidKey", "The key K5FOREIGN is in no key group of behavior /premium/*, which trusts K1RSA and K2ECDSA: get new cookies, signed with one of these, or add the key to the key group."},
		{"a key that was taken out of the group", asks(segment, signed(oldKey, signedcookie.SHA256, policy)),
			"key", "InvalidKey", "The key K3OLD is in no key group of behavior /premium/*: add it to the key group again, or sign with K1RSA or K2ECDSA."},
		{"another behavior's key", asks(segment, signed(archiveKey, signedcookie.SHA256, policy)),
			"key", "InvalidKey", "The key K4ARCHIVE is trusted by behavior /archive/*, and not by /premium/*, which takes this path: sign with K1RSA or K2ECDSA."},
		{"a behavior without keys", asks("https://"+host+"/empty/a.ts", good()),
			"key", "InvalidKey", "Behavior /empty/* trusts no public key: add the key to a key group, and the key group to the behavior."},
		{"an account's key id", asks(segment, good().with(keyName, "APKAIOSFODNN7EXAMPLE")),
			"key", "InvalidKey", "The cookie CloudFront-Key-Pair-Id is APKAIOSFODNN7EXAMPLE, the id of an account's key and not of a public key of CloudFront: use the id of the public key in the behavior's key group (K1RSA, K2ECDSA)."},
		{"a key group's id", asks(segment, good().with(keyName, "6b8b4567-327b-23c6-643c-98696633485a")),
			"key", "InvalidKey", "The cookie CloudFront-Key-Pair-Id is 6b8b4567-327b-23c6-643c-98696633485a, which looks like the id of a key group or a policy: use the id of the public key in the behavior's key group (K1RSA, K2ECDSA)."},
		{"a key id in quotes", asks(segment, good().with(keyName, `"K1RSA"`)),
			"key", "InvalidKey", "The cookie CloudFront-Key-Pair-Id is in quotes: send K1RSA as it is."},
		{"a key id in another case", asks(segment, good().with(keyName, "k1rsa")),
			"key", "InvalidKey", "The cookie CloudFront-Key-Pair-Id is k1rsa, and the key is K1RSA: write it in the same case."},
		{"no signature", asks(segment, good().without(signatureName)),
			"signature", "MalformedSignature", "The request carries no CloudFront-Signature: send it too, as it was set along with the others."},
		{"an empty signature", asks(segment, good().with(signatureName, "")),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature is empty: get new cookies, and if they are empty too, look at what signs them."},
		{"a signature in plain base64", asks(segment, good().edit(signatureName, standard(base64.StdEncoding))),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature is plain base64: write - for +, _ for = and ~ for /."},
		{"a signature in base64url", asks(segment, slashed().edit(signatureName, standard(base64.RawURLEncoding))),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature is base64url, which is not CloudFront's alphabet: make plain base64 with padding, and write - for +, _ for = and ~ for /."},
		{"a signature without padding", asks(segment, good().edit(signatureName, func(s string) string { return strings.TrimRight(s, "_") })),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature lacks the padding at its end: keep the padding of base64, written as _."},
		{"a signature URL-encoded", asks(segment, slashed().edit(signatureName, func(s string) string { return strings.NewReplacer("~", "%7E", "_", "%5F").Replace(s) })),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature is URL-encoded: send the value as it is, for - _ ~ need no encoding."},
		{"a signature URL-encoded twice", asks(segment, slashed().edit(signatureName, func(s string) string { return strings.NewReplacer("~", "%257E", "_", "%255F").Replace(s) })),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature is URL-encoded twice: send the value as it is, for - _ ~ need no encoding."},
		{"a signature in plain base64, URL-encoded", asks(segment, slashed().edit(signatureName, func(s string) string { return url.QueryEscape(standard(base64.StdEncoding)(s)) })),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature is URL-encoded plain base64: write - for +, _ for = and ~ for /, which need no URL encoding."},
		{"a signature in quotes", asks(segment, good().edit(signatureName, func(s string) string { return `"` + s + `"` })),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature is in quotes: send the value without them."},
		{"a signature with white space", asks(segment, good().edit(signatureName, func(s string) string { return s[:76] + " " + s[76:] })),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature holds white space or a line break: send the value in one piece."},
		{"a signature in hexadecimal", asks(segment, good().edit(signatureName, func(s string) string { b, _ := signedcookie.Decode(s); return hex.EncodeToString(b) })),
			"verification", "AccessDenied", "The cookie CloudFront-Signature is hexadecimal: encode the signature's bytes as base64 once, and write - for +, _ for = and ~ for /."},
		{"a signature encoded twice", asks(segment, good().edit(signatureName, func(s string) string { return signedcookie.Encode([]byte(s)) })),
			"verification", "AccessDenied", "The cookie CloudFront-Signature is encoded twice: encode the signature's bytes as base64 once, and write - for +, _ for = and ~ for /."},
		{"a signature that is cut off", asks(segment, good().edit(signatureName, func(s string) string { return s[:101] })),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature cannot be decoded; it has 101 characters, and base64 has a multiple of four: it was cut off or changed on its way, so send it whole."},
		{"a signature with a strange character", asks(segment, good().edit(signatureName, func(s string) string { return s[:20] + "!" + s[21:] })),
			"signature", "MalformedSignature", "The cookie CloudFront-Signature has the character '!' at position 21, which CloudFront's base64 does not have: encode the bytes as base64, and write - for +, _ for = and ~ for /."},
		{"no policy", asks(segment, good().without(policyName)),
			"policy", "MalformedPolicy", "The request carries no CloudFront-Policy: send it too, as it was set along with the others."},
		{"a policy and an end", asks(segment, good().with(expiresName, "1795431600")),
			"policy", "MalformedPolicy", "The request has both CloudFront-Policy and CloudFront-Expires: send only one. For HLS send CloudFront-Policy; the other covers a single URL."},
		{"a policy in plain base64", asks(segment, malformed(policy+" ").edit(policyName, standard(base64.StdEncoding))),
			"policy", "MalformedPolicy", "The cookie CloudFront-Policy is plain base64: write - for +, _ for = and ~ for /."},
		{"a policy that is not encoded", asks(segment, good().with(policyName, policy)),
			"policy", "MalformedPolicy", "The cookie CloudFront-Policy is not encoded: encode it as base64, and write - for +, _ for = and ~ for /."},
		{"a policy that is URL-encoded JSON", asks(segment, good().with(policyName, url.QueryEscape(policy))),
			"policy", "MalformedPolicy", "The cookie CloudFront-Policy is URL-encoded and not in base64: encode it as base64, and write - for +, _ for = and ~ for /."},
		{"a policy in quotes", asks(segment, good().edit(policyName, func(s string) string { return `"` + s + `"` })),
			"policy", "MalformedPolicy", "The cookie CloudFront-Policy is in quotes: send the value without them."},
		{"a policy encoded twice", asks(segment, malformed(signedcookie.Encode([]byte(policy)))),
			"policy", "MalformedPolicy", "The cookie CloudFront-Policy is encoded twice: encode the policy's JSON as base64 once."},
		{"a policy as a JSON string", asks(segment, malformed(fmt.Sprintf("%q", policy))),
			"policy", "MalformedPolicy", "The policy is a JSON string with JSON inside: write the object itself, sign those bytes, and encode them once."},
		{"a policy that is cut off", asks(segment, malformed(policy[:len(policy)-6])),
			"policy", "MalformedPolicy", "The policy is cut off after 129 bytes: send the whole cookie; a cookie holds at most 4096 bytes in browsers."},
		{"a policy with a comma too many", asks(segment, malformed(strings.Replace(policy, "}}}", "},}}", 1))),
			"policy", "MalformedPolicy", "The policy is not JSON from byte 133 on: write it with a JSON library, in double quotes and without a comma after the last member."},
		{"a policy with a byte order mark", asks(segment, malformed("\uFEFF"+policy)),
			"policy", "MalformedPolicy", "The policy begins with a byte order mark: write it without one, and sign those bytes."},
		{"several statements", asks(segment, malformed(strings.Replace(policy, "]}", `,{"Resource":"https://b/*","Condition":{`+end+`}}]}`, 1))),
			"policy", "MalformedPolicy", "The policy has 2 statements, and CloudFront takes exactly one: cover all of them by one Resource with a *, or set a set of cookies for each Path."},
		{"no statement", asks(segment, malformed(`{"Statement":[]}`)),
			"policy", "MalformedPolicy", `The policy has no statement: write it as {"Statement":[{"Resource":"https://d111.cloudfront.net/PATH/*","Condition":{"DateLessThan":{"AWS:EpochTime":1795431600}}}]}.`},
		{"a statement that is not in a list", asks(segment, malformed(strings.NewReplacer("[", "", "]", "").Replace(policy))),
			"policy", "MalformedPolicy", "The policy's Statement is not a list: put square brackets around the one statement."},
		{"a policy of IAM", asks(segment, malformed(strings.Replace(policy, `{"Resource"`, `{"Effect":"Allow","Resource"`, 1))),
			"policy", "MalformedPolicy", `The policy's statement has "Effect", which belongs to IAM: CloudFront's policies have Resource and Condition only.`},
		{"a member in another case", asks(segment, malformed(strings.Replace(policy, `"Resource"`, `"resource"`, 1))),
			"policy", "MalformedPolicy", `The policy has "resource" where it must be "Resource": names are case-sensitive.`},
		{"no resource", asks(segment, malformed(`{"Statement":[{"Condition":{`+end+`}}]}`)),
			"policy", "MalformedPolicy", "The policy has no Resource: name the URL that it opens, as in https://d111.cloudfront.net/path/*."},
		{"a resource without a host", asks(segment, malformed(document("/premium/course-1/*", end))),
			"policy", "MalformedPolicy", "The policy's Resource is /premium/course-1/*, and has no scheme and host: write https://d111.cloudfront.net/premium/course-1/*."},
		{"no condition", asks(segment, malformed(`{"Statement":[{"Resource":"`+resource+`"}]}`)),
			"policy", "MalformedPolicy", `The policy has no Condition: CloudFront demands an end, as in "Condition":{"DateLessThan":{"AWS:EpochTime":1795431600}}.`},
		{"no end", asks(segment, malformed(document(resource, `"DateGreaterThan":{"AWS:EpochTime":1}`))),
			"policy", "MalformedPolicy", `The policy has no DateLessThan, the end that CloudFront demands: add "DateLessThan":{"AWS:EpochTime":1795431600} to its Condition.`},
		{"an end in quotes", asks(segment, malformed(document(resource, `"DateLessThan":{"AWS:EpochTime":"1795431600"}`))),
			"policy", "MalformedPolicy", `The policy's DateLessThan is a string, "1795431600": write the number without quotes.`},
		{"an end in milliseconds", asks(segment, malformed(document(resource, `"DateLessThan":{"AWS:EpochTime":1795431600000}`))),
			"policy", "MalformedPolicy", "The policy's DateLessThan is 1795431600000, which is milliseconds: write seconds, 1795431600."},
		{"an end that is a date", asks(segment, malformed(document(resource, `"DateLessThan":{"AWS:EpochTime":"2026-11-23T11:00:00Z"}`))),
			"policy", "MalformedPolicy", "The policy's DateLessThan is the date 2026-11-23T11:00:00Z: write seconds since 1970, 1795431600."},
		{"an end with a fraction", asks(segment, malformed(document(resource, `"DateLessThan":{"AWS:EpochTime":1795431600.5}`))),
			"policy", "MalformedPolicy", "The policy's DateLessThan is 1795431600.5: write whole seconds."},
		{"an end after 2038", asks(segment, malformed(document(resource, `"DateLessThan":{"AWS:EpochTime":2200000000}`))),
			"policy", "MalformedPolicy", "The policy's DateLessThan is 2200000000, which is after January 2038: CloudFront takes seconds up to 2147483647."},
		{"an IPv6 address in the policy", asks(segment, malformed(document(resource, end+`,"IpAddress":{"AWS:SourceIp":"2001:db8::/32"}`))),
			"policy", "MalformedPolicy", "The policy's address is 2001:db8::/32, an IPv6 address, which CloudFront does not take: bind an IPv4 address or block, or none, and turn IPv6 off for the distribution if you bind one."},
		{"a list of addresses", asks(segment, malformed(document(resource, end+`,"IpAddress":{"AWS:SourceIp":["192.0.2.7"]}`))),
			"policy", "MalformedPolicy", "The policy has a list of addresses, and CloudFront takes one: write one IPv4 address or CIDR block, as in 192.0.2.0/24."},
		{"an end of a canned policy in milliseconds", asks(segment, cannedCookies(canned).with(expiresName, "1795431600000")),
			"policy", "MalformedPolicy", "The cookie CloudFront-Expires is 1795431600000, which is milliseconds: send seconds since 1970, 1795431600."},
		{"an unknown hash", asks(segment, good().with(hashName, "sha-256")),
			"hash", "AccessDenied", `The cookie CloudFront-Hash-Algorithm is "sha-256", which CloudFront does not know, and the signature is made with SHA256: send SHA256.`},
		{"no hash", asks(segment, good().without(hashName)),
			"verification", "AccessDenied", "The signature is made with SHA256, and no CloudFront-Hash-Algorithm says so, which means SHA1: send CloudFront-Hash-Algorithm=SHA256 too."},
		{"the wrong hash", asks(segment, signed(rsaKey, signedcookie.SHA1, policy).with(hashName, "SHA256")),
			"verification", "AccessDenied", "The signature is made with SHA1, and the cookie CloudFront-Hash-Algorithm says SHA256: leave CloudFront-Hash-Algorithm out, or send SHA1."},
		{"a signature by another key of the group", asks(segment, signed(ecdsaKey, signedcookie.SHA256, policy).with(keyName, rsaKey.id)),
			"verification", "AccessDenied", "The signature is by key K2ECDSA, and the cookie CloudFront-Key-Pair-Id says K1RSA: send K2ECDSA as the key pair id."},
		{"a signature by a key that is no longer trusted", asks(segment, signed(oldKey, signedcookie.SHA256, policy).with(keyName, rsaKey.id)),
			"verification", "AccessDenied", "The signature is by key K3OLD, and the cookie CloudFront-Key-Pair-Id says K1RSA: sign with the private half of K1RSA."},
		{"a signature by a foreign key", asks(segment, signed(foreignKey, signedcookie.SHA256, policy).with(keyName, rsaKey.id)),
			"verification", "AccessDenied", "The signature is neither over this policy by key K1RSA, with SHA1 or SHA256, nor over any usual spelling of it: the policy was changed after it was signed, or the private key is not the one of K1RSA; sign the very bytes that are sent with its private half."},
		{"a signature by a foreign kind of key", asks(segment, signed(foreignKey, signedcookie.SHA256, policy).with(keyName, ecdsaKey.id)),
			"verification", "AccessDenied", "The signature has 256 bytes, and one by K2ECDSA, an ECDSA key, has at most 72: it is by another kind of key, so send the id of that key, or sign with the private half of K2ECDSA."},
		{"another key's signature with another hash", asks(segment, signed(ecdsaKey, signedcookie.SHA256, policy).with(keyName, rsaKey.id).without(hashName)),
			"verification", "AccessDenied", "The signature is made with SHA256, and no CloudFront-Hash-Algorithm says so, which means SHA1, and by key K2ECDSA, and the cookie CloudFront-Key-Pair-Id says K1RSA: send CloudFront-Hash-Algorithm=SHA256 too, and send K2ECDSA as the key pair id."},
		{"a signature over a line break", asks(segment, over(policy, policy+"\n")),
			"verification", "AccessDenied", "The signature is over the policy with a line break after it, which was not sent: sign exactly the bytes that are encoded and sent."},
		{"a line break that was not signed", asks(segment, over(policy+"\n", policy)),
			"verification", "AccessDenied", "The signature is over the policy without the white space around it that was sent: sign exactly the bytes that are encoded and sent."},
		{"a policy written again with white space", asks(segment, over(strings.ReplaceAll(policy, ":{", ": {"), policy)),
			"verification", "AccessDenied", "The signature is over the same policy without white space: sign exactly the bytes that are encoded and sent."},
		{"a policy written again without white space", asks(segment, over(policy, strings.NewReplacer(`":`, `": `, ",", ", ").Replace(policy))),
			"verification", "AccessDenied", "The signature is over the same policy in another spelling (white space, or the order of its members): sign exactly the bytes that are encoded and sent."},
		{"a policy written again in another order", asks(segment, over(policy, `{"Statement":[{"Condition":{`+end+`},"Resource":"`+resource+`"}]}`)),
			"verification", "AccessDenied", "The signature is over the same policy in another spelling (white space, or the order of its members): sign exactly the bytes that are encoded and sent."},
		{"a signature over the encoded policy", asks(segment, over(policy, signedcookie.Encode([]byte(policy)))),
			"verification", "AccessDenied", "The signature is over the encoded policy and not over its JSON: sign exactly the bytes that are encoded and sent."},
		{"a signature with PSS padding", asks(segment, good().with(signatureName, pss(policy))),
			"verification", "AccessDenied", "The signature is padded by RSA-PSS, and CloudFront takes PKCS #1 v1.5: sign with that padding instead."},
		{"a signature of two bare numbers", asks(segment, signed(ecdsaKey, signedcookie.SHA256, policy).with(signatureName, bare(policy))),
			"verification", "AccessDenied", "The signature is two bare numbers, as in JSON Web Signatures, and CloudFront takes ASN.1 (DER): have the library write that form."},
		{"a policy that was changed", asks(segment, good().with(policyName, signedcookie.Encode([]byte(strings.Replace(policy, "course-1", "course-2", 1))))),
			"verification", "AccessDenied", "The signature is neither over this policy by key K1RSA, with SHA1 or SHA256, nor over any usual spelling of it: the policy was changed after it was signed, or the private key is not the one of K1RSA; sign the very bytes that are sent with its private half."},
		{"a canned policy for HLS", asks(segment, cannedCookies(string(signedcookie.CannedPolicy("https://"+host+"/premium/course-1/master.m3u8", now.Add(time.Hour))))),
			"verification", "AccessDenied", "The signature does not fit a canned policy for this URL, and a canned policy covers one URL only: for HLS, sign a custom policy with a * at the end of its Resource, and send CloudFront-Policy in place of CloudFront-Expires."},
		{"a canned policy with a wildcard", asks(segment, cannedCookies(string(signedcookie.CannedPolicy(resource, now.Add(time.Hour))))),
			"verification", "AccessDenied", "The signature is over a canned policy for https://d111.cloudfront.net/premium/course-1/*: ask for exactly this URL, or for HLS sign a custom policy with a * at the end of its Resource."},
		{"another video", asks("https://"+host+"/premium/course-2/segment.ts", good()),
			"resource", "AccessDenied", "The policy is for https://d111.cloudfront.net/premium/course-1/*, and the request for https://d111.cloudfront.net/premium/course-2/segment.ts: get cookies for this path (POST /api/cookies), or sign a policy whose Resource covers it."},
		{"another host", asks("https://video.example.com/premium/course-1/segment.ts", good()),
			"resource", "AccessDenied", "The policy is for https://d111.cloudfront.net, and the request goes to https://video.example.com: sign a policy for https://video.example.com/premium/course-1/*, the host that viewers use."},
		{"a resource of http", asks(segment, resourceOf("http://"+host+"/premium/course-1/*")),
			"resource", "AccessDenied", "The policy is for http, and the request is https: sign a policy for https://d111.cloudfront.net/premium/course-1/*."},
		{"a resource in another case", asks("https://"+host+"/premium/Course-1/segment.ts", good()),
			"resource", "AccessDenied", "The policy is for https://d111.cloudfront.net/premium/course-1/* and the request for https://d111.cloudfront.net/premium/Course-1/segment.ts, which differ in upper and lower case: write both the same."},
		{"a resource without a wildcard", asks(segment, resourceOf("https://"+host+"/premium/course-1/")),
			"resource", "AccessDenied", "The policy is for https://d111.cloudfront.net/premium/course-1/ alone, without a wildcard: end its Resource in /*, which covers what is below."},
		{"a resource that is a folder", asks(segment, resourceOf("https://"+host+"/premium/course-1")),
			"resource", "AccessDenied", "The policy is for https://d111.cloudfront.net/premium/course-1 alone, without a wildcard: sign one for https://d111.cloudfront.net/premium/course-1/*, which covers what is below."},
		{"a resource for one playlist", asks(segment, resourceOf("https://"+host+"/premium/course-1/master.m3u8")),
			"resource", "AccessDenied", "The policy is for https://d111.cloudfront.net/premium/course-1/master.m3u8 alone, and the request is for https://d111.cloudfront.net/premium/course-1/segment.ts: for HLS, end its Resource in /*, so that it covers the playlists and segments of a video."},
		{"a query that is not covered", asks(segment+"?v=2", resourceOf("https://"+host+"/premium/course-1/*.ts")),
			"resource", "AccessDenied", "The policy covers the path, but not the query of the request: end its Resource in *, or leave the query out."},
		{"a path with another reading", asks("https://"+host+"/premium/course-1/%2e%2e/course-2/a.ts", good()),
			"resource", "AccessDenied", "The path of the request can also be read as /premium/course-2/a.ts, which the policy for https://d111.cloudfront.net/premium/course-1/* does not cover: ask for the path without percent-encoding, double slashes and dots."},
		{"expired", asks(segment, malformed(text(ended))),
			"end", "AccessDenied", "The policy expired at 2026-11-23T09:35:00Z, and it is 2026-11-23T10:00:00Z, 25 minutes too late: get new cookies, and if these are new, set the clock of the machine that signs."},
		{"expired long ago", asks(segment, good(), at(now.AddDate(0, 0, 30))),
			"end", "AccessDenied", "The policy expired at 2026-11-23T11:00:00Z, and it is 2026-12-23T10:00:00Z, 29 days too late: get new cookies, and if these are new, set the clock of the machine that signs."},
		{"not yet valid", asks(segment, malformed(text(future))),
			"start", "AccessDenied", "The policy is good only after 2026-11-23T10:01:30Z, and it is 2026-11-23T10:00:00Z, 1 minute too early: wait, or set the clock of the machine that signs, or sign without DateGreaterThan."},
		{"never valid", asks(segment, malformed(text(never))),
			"start", "AccessDenied", "The policy is good only after 2026-11-23T12:00:00Z, and it is 2026-11-23T10:00:00Z, and it ends before it begins, at 2026-11-23T11:00:00Z: sign it with a DateGreaterThan before its DateLessThan, or without one."},
		{"another address", asks(segment, malformed(text(bound))),
			"address", "AccessDenied", "The policy is for the address 198.51.100.0/24, and the viewer is at 192.0.2.7: get new cookies from the network that watches, or bind no address."},
		{"an IPv6 viewer", asks(segment, malformed(text(bound)), from("2001:db8::7")),
			"address", "AccessDenied", "The policy is for the address 198.51.100.0/24, and the viewer came over IPv6, from 2001:db8::7: turn IPv6 off for the distribution, so that viewers come with the address that is bound."},
		{"two sets of cookies", asks(segment, append(good(), signed(rsaKey, signedcookie.SHA256, text(ended))...)),
			"end", "AccessDenied", "The request has more than one CloudFront-Policy, CloudFront-Signature, and the first of each would do: keep one set for a path, and clear the others with the Path that they were set with."},
		{"HTTP", asks("http://"+host+"/premium/course-1/segment.ts", good()),
			"request", "", "The request is not HTTPS, which behavior /premium/* requires: request https://d111.cloudfront.net/premium/course-1/segment.ts, to which browsers send Secure cookies too."},
		{"a method that is not allowed", asks(segment, good(), method("POST")),
			"request", "", "Behavior /premium/* allows GET, HEAD, not POST: send another method, or allow it in the behavior."},
		{"a host that is not served", asks("https://www.example.com/premium/course-1/segment.ts", good()),
			"host", "", "The distribution does not serve the host www.example.com: request the URL at video.example.com or d111.cloudfront.net, or add www.example.com to the distribution's alternate domain names."},
		{"too many cookies", asks(segment, append(good(), "x="+strings.Repeat("y", 21000))),
			"host", "", "The request and its headers are larger than 20480 bytes: clear cookies that are no longer needed, and keep one set of signed cookies for a path."},
		{"a behavior that comes first", asks("https://"+host+"/premium/free/a.ts", good(), expecting("/premium/*")),
			"behavior", "", "Behavior /premium/free/* takes the path /premium/free/a.ts, because it comes before /premium/*, and the first that matches is chosen: move /premium/* in front of it."},
		{"a behavior in another case", asks("https://"+host+"/Premium/course-1/a.ts", good(), expecting("/premium/*")),
			"behavior", "", "Behavior * takes the path /Premium/course-1/a.ts, because the pattern /premium/* differs from it in upper and lower case: ask for the path as the pattern has it."},
		{"a behavior without the slash", asks("https://"+host+"/premium", good(), expecting("premium/*")),
			"behavior", "", "Behavior * takes the path /premium, because the pattern premium/* has a slash after it: ask for a file below it."},
		{"a behavior that is not there", asks(segment, good(), expecting("/paid/*")),
			"behavior", "", "Behavior /premium/* takes the path /premium/course-1/segment.ts, because the distribution has no behavior /paid/*: add it, or name one of /premium/free/*, /premium/*, /archive/*, /empty/*, *."},
		{"a behavior that does not match", asks("https://"+host+"/trailers/a.ts", nil, expecting("/premium/*")),
			"behavior", "", "Behavior * takes the path /trailers/a.ts, because it does not match /premium/*: change the path, or the behavior's pattern."},
		{"the bucket's 403", asks(segment, good(), answered(403, s3, s3Denied)),
			"response", "", "The edge lets this request through, and the 403 is the bucket's own (S3 writes Access Denied with a capital D, CloudFront does not): check that the object premium/course-1/segment.ts exists, allow CloudFront s3:ListBucket so that a missing object is a 404, and check that the bucket policy allows this distribution to read it."},
		{"the bucket's 403 of another behavior", asks("https://"+host+"/Premium/course-1/a.ts", good(), answered(403, s3, s3Denied)),
			"response", "", "The edge lets this request through, and the 403 is the bucket's own (S3 writes Access Denied with a capital D, CloudFront does not): check that the object public/Premium/course-1/a.ts exists, allow CloudFront s3:ListBucket so that a missing object is a 404, and check that the bucket policy allows this distribution to read it. The path chose behavior * and not /premium/*, whose case it does not have."},
		{"a missing object", asks(segment, good(), answered(404, s3, `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>x</Key></Error>`)),
			"response", "", "The edge lets this request through, and there is no object premium/course-1/segment.ts in the bucket: upload it, or correct the URL."},
		{"a refusal of what passes", asks(segment, good(), answered(403, nil, denied)),
			"response", "", "CloudFront refused what passes every check here: the time (--now) or the viewer's address (--address) was another, or the key with this id has another public half than the one given here."},
		{"cookies that CloudFront did not see", asks(segment, good(), answered(403, nil, `<Error><Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value</Message></Error>`)),
			"response", "", "CloudFront received no cookies with this request, but the cookies given here are valid: the browser did not send them. Give the request as the browser sent it (--har or --curl)."},
		{"a blocked country", asks(segment, good(), answered(403, nil, "The Amazon CloudFront distribution is configured to block access from your country. Generated by cloudfront (CloudFront)")),
			"response", "", "The distribution is blocked in the viewer's country: change its geographic restriction to serve viewers there."},
		{"a firewall", asks(segment, good(), answered(403, nil, "Request blocked. Generated by cloudfront (CloudFront)")),
			"response", "", "A firewall rule (AWS WAF) blocked the request: look at the sampled requests of the distribution's web ACL for the rule. A rate rule ends by itself when the address sends fewer requests."},
		{"the API's refusal", asks("https://"+host+"/api/cookies", nil, answered(403, nil, `{"code":"not_entitled","requestId":"a"}`)),
			"response", "", signerCodes["not_entitled"]},
		{"API Gateway's refusal", asks("https://"+host+"/api/cookies", nil, answered(401, nil, `{"message":"Unauthorized"}`)),
			"response", "", "API Gateway refused the request (Unauthorized): sign in again, and send the ID token as Authorization: Bearer."},
		{"a signed URL that ended", asks(signedURL(malformed(text(ended)), ""), nil),
			"end", "AccessDenied", "The link expired at 2026-11-23T09:35:00Z, and it is 2026-11-23T10:00:00Z, 25 minutes too late: get a new link (POST /api/links). If links end while people watch, raise the setting linkMinutes."},
		{"a link without its query", asks(playlist, nil),
			"key pair id", "MissingKey", "The request is for a link's playlist and has no signature: use the whole URL of the link (POST /api/links), with its query."},
		{"a link that ended, in a browser with cookies", asks(linkTo(playlist, malformed(text(ended))), good()),
			"end", "AccessDenied", "The link expired at 2026-11-23T09:35:00Z, and it is 2026-11-23T10:00:00Z, 25 minutes too late: get a new link (POST /api/links). If links end while people watch, raise the setting linkMinutes."},
		{"a link's query on another path", asks(linkTo("https://"+host+"/premium/course-2/lesson-1/lesson.link.m3u8", good()), nil),
			"resource", "AccessDenied", "The policy is for https://d111.cloudfront.net/premium/course-1/*, and the request for https://d111.cloudfront.net/premium/course-2/lesson-1/lesson.link.m3u8: get a link for this path (POST /api/links): the query of a link opens nothing else."},
		{"the links function's refusal", asks(linkTo(playlist, good()), nil, answered(404, nil, `{"code":"not_found","requestId":"a"}`)),
			"response", "", linkCodes["not_found"]},
		{"the links function without the origin secret", asks(linkTo(playlist, good()), nil, answered(403, nil, `{"code":"not_through_distribution","requestId":"a"}`)),
			"response", "", "The request did not come through the distribution: send it to the site's address, not to the API's own. If it did, the origin secret at CloudFront is not that of the links function: deploy again."},
		{"a signed URL without its hash", asks(strings.Replace(signedURL(good(), ""), "&Hash-Algorithm=SHA256", "", 1), nil),
			"verification", "AccessDenied", "The signature is made with SHA256, and no Hash-Algorithm says so, which means SHA1: send Hash-Algorithm=SHA256 too."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report := Explain(site(), test.request)
			last := report.Checks[len(report.Checks)-1]
			if report.Served || last.Verdict != Failed || last.Name != test.check {
				t.Errorf("served %v, and ended at %+v, want %s", report.Served, last, test.check)
			}
			for _, c := range report.Checks[:len(report.Checks)-1] {
				if c.Verdict == Failed {
					t.Errorf("%+v failed before the last", c)
				}
			}
			if leaked := leaks(t, report, test.request); leaked != "" {
				t.Errorf("the report has the %s of the request", leaked)
			}
			if report.Code != test.code {
				t.Errorf("code %q, want %q", report.Code, test.code)
			}
			if report.Advice != test.advice {
				t.Errorf("advice\n\t%s\nwant\n\t%s", report.Advice, test.advice)
			}
		})
	}
}
