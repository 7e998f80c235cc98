package diagnosis

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/internal/explain/target"
	"premiumhls/internal/link"
	"premiumhls/signedcookie"
)

const host = "d111.cloudfront.net"

var (
	now    = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	viewer = netip.MustParseAddr("192.0.2.7")
)

type key struct {
	id      string
	private crypto.Signer
	trusted cloudfront.PublicKey
}

func newKey(id string, kind signedcookie.KeyType) key {
	private, err := signedcookie.GenerateKey(kind)
	if err != nil {
		panic(err)
	}
	pem, err := signedcookie.MarshalPublicKey(private.Public())
	if err != nil {
		panic(err)
	}
	trusted, err := cloudfront.ParsePublicKey(id, pem)
	if err != nil {
		panic(err)
	}
	return key{id, private, trusted}
}

var (
	rsaKey     = newKey("K1RSA", signedcookie.RSA2048)
	ecdsaKey   = newKey("K2ECDSA", signedcookie.ECDSAP256)
	oldKey     = newKey("K3OLD", signedcookie.RSA2048)
	archiveKey = newKey("K4ARCHIVE", signedcookie.RSA2048)
	foreignKey = newKey("K5FOREIGN", signedcookie.RSA2048)
)

// site is a distribution with a premium behavior that trusts two keys, and an
// archive that trusts another.
func site() target.Target {
	bucket := func(path string) cloudfront.Origin {
		return cloudfront.Origin{ID: "bucket" + path, DomainName: "bucket.example", Path: path, S3: true}
	}
	reads := []string{"GET", "HEAD"}
	return target.Target{
		Distribution: cloudfront.Distribution{
			Domain: host, Aliases: []string{"video.example.com"}, Enabled: true, IPv6: true, DefaultRootObject: "index.html",
			Behaviors: []cloudfront.Behavior{
				{PathPattern: "/premium/free/*", Origin: bucket(""), AllowedMethods: reads, ViewerProtocolPolicy: "redirect-to-https"},
				{PathPattern: "/premium/*", Origin: bucket(""), AllowedMethods: reads, ViewerProtocolPolicy: "redirect-to-https", Signed: true,
					PublicKeys: map[string]cloudfront.PublicKey{rsaKey.id: rsaKey.trusted, ecdsaKey.id: ecdsaKey.trusted}},
				{PathPattern: "/archive/*", Origin: bucket(""), AllowedMethods: reads, ViewerProtocolPolicy: "redirect-to-https", Signed: true,
					PublicKeys: map[string]cloudfront.PublicKey{archiveKey.id: archiveKey.trusted}},
				{PathPattern: "/empty/*", Origin: bucket(""), AllowedMethods: reads, ViewerProtocolPolicy: "redirect-to-https", Signed: true},
				{PathPattern: "*", Origin: bucket("/public"), AllowedMethods: reads, ViewerProtocolPolicy: "redirect-to-https"},
			},
		},
		Keys: map[string]crypto.PublicKey{
			rsaKey.id: rsaKey.private.Public(), ecdsaKey.id: ecdsaKey.private.Public(),
			oldKey.id: oldKey.private.Public(), archiveKey.id: archiveKey.private.Public(),
		},
	}
}

// courseOne is the policy that most requests carry.
func courseOne() signedcookie.Policy {
	return signedcookie.Policy{Resource: "https://" + host + "/premium/course-1/*", Expires: now.Add(time.Hour)}
}

func text(p signedcookie.Policy) string {
	raw, err := p.Marshal()
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func sign(k key, hash signedcookie.Hash, message string) []byte {
	signature, err := signedcookie.Sign(k.private, hash, []byte(message))
	if err != nil {
		panic(err)
	}
	return signature
}

// cookies are those of a policy's text, signed.
type cookies []string

func signed(k key, hash signedcookie.Hash, policy string) cookies {
	c := cookies{
		"CloudFront-Policy=" + signedcookie.Encode([]byte(policy)),
		"CloudFront-Signature=" + signedcookie.Encode(sign(k, hash, policy)),
		"CloudFront-Key-Pair-Id=" + k.id,
	}
	if hash != signedcookie.SHA1 {
		c = append(c, "CloudFront-Hash-Algorithm="+string(hash))
	}
	return c
}

// good are cookies with nothing wrong.
func good() cookies { return signed(rsaKey, signedcookie.SHA256, text(courseOne())) }

func (c cookies) without(name string) cookies {
	var kept cookies
	for _, pair := range c {
		if !strings.HasPrefix(pair, name+"=") {
			kept = append(kept, pair)
		}
	}
	return kept
}

func (c cookies) with(name, value string) cookies { return append(c.without(name), name+"="+value) }

func (c cookies) edit(name string, edit func(string) string) cookies {
	return c.with(name, edit(c.value(name)))
}

func (c cookies) value(name string) string {
	for _, pair := range c {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// over are cookies with a policy, and a signature over something else.
func over(policy, message string) cookies {
	return signed(rsaKey, signedcookie.SHA256, policy).with("CloudFront-Signature",
		signedcookie.Encode(sign(rsaKey, signedcookie.SHA256, message)))
}

// standard is a value in the usual base64.
func standard(encoding *base64.Encoding) func(string) string {
	return func(value string) string {
		raw, err := signedcookie.Decode(value)
		if err != nil {
			panic(err)
		}
		return encoding.EncodeToString(raw)
	}
}

const segment = "https://" + host + "/premium/course-1/segment.ts"

// asks is a request for a URL with cookies.
func asks(url string, c cookies, changes ...func(*Request)) Request {
	r := Request{Method: "GET", URL: url, Viewer: viewer, Time: now}
	if len(c) > 0 {
		r.Cookies = []string{strings.Join(c, "; ")}
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

// playlist is a playlist that the links function rewrites.
const playlist = "https://" + host + "/premium/course-1/lesson-1/lesson.link.m3u8"

// linkTo is a link with the values of cookies.
func linkTo(address string, c cookies) string {
	_, query := link.Query(c.value("CloudFront-Policy"), c.value("CloudFront-Signature"), c.value("CloudFront-Key-Pair-Id"), signedcookie.Hash(c.value("CloudFront-Hash-Algorithm")))
	return address + "?" + query
}

// leaks is the name of a query parameter of a request by whose value in a report
// others could watch.
func leaks(t *testing.T, report Report, r Request) string {
	t.Helper()
	whole, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	sent := carried(r)
	for _, f := range []field{policy, signature} {
		if value := sent.get(f); sent.url && len(value) > 40 && strings.Contains(string(whole), value[:40]) {
			return f.parameter
		}
	}
	return ""
}

func answered(status int, header http.Header, body string) func(*Request) {
	return func(r *Request) { r.Response = &Response{status, header, body} }
}

// set are the Set-Cookie headers of the cookies.
func (c cookies) set(attributes string) []string {
	var headers []string
	for _, pair := range c {
		headers = append(headers, pair+"; "+attributes)
	}
	return headers
}
