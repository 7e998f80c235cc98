package cloudfront

import (
	"crypto"
	"net/netip"
	"strings"
	"testing"
	"time"

	"premiumhls/signedcookie"
)

const host = "d111.cloudfront.net"

// now is when every test takes place.
var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

var viewer = netip.MustParseAddr("192.0.2.7")

type testKey struct {
	id      string
	private crypto.Signer
	public  PublicKey
	pem     string
}

func newKey(id string, kind signedcookie.KeyType) testKey {
	private, err := signedcookie.GenerateKey(kind)
	if err != nil {
		panic(err)
	}
	pem, err := signedcookie.MarshalPublicKey(private.Public())
	if err != nil {
		panic(err)
	}
	public, err := ParsePublicKey(id, pem)
	if err != nil {
		panic(err)
	}
	return testKey{id, private, public, string(pem)}
}

var (
	rsaKey     = newKey("KRSA", signedcookie.RSA2048)
	ecdsaKey   = newKey("KECDSA", signedcookie.ECDSAP256)
	foreignKey = newKey("KFOREIGN", signedcookie.RSA2048)
)

// premium is a signed behavior as the stack has it, and distribution all of
// them.
func premium() Behavior {
	return Behavior{
		PathPattern: "/premium/*", Origin: Origin{ID: "premium", DomainName: "premium.example", S3: true},
		AllowedMethods: []string{"GET", "HEAD", "OPTIONS"}, ViewerProtocolPolicy: "redirect-to-https",
		Signed: true, PublicKeys: map[string]PublicKey{rsaKey.id: rsaKey.public, ecdsaKey.id: ecdsaKey.public},
	}
}

func distribution() Distribution {
	return Distribution{
		Domain: host, Enabled: true, DefaultRootObject: "index.html",
		Behaviors: []Behavior{
			premium(),
			{
				PathPattern: "/api/*", Origin: Origin{ID: "api", DomainName: "api.example", CustomHeaders: []CustomHeader{{"X-Origin-Secret", "real"}}},
				AllowedMethods: everyMethod, ViewerProtocolPolicy: "https-only",
				OriginRequestPolicy: &OriginRequestPolicy{Forwarding: Forwarding{
					Headers: Selection{Mode: "allExcept", Names: []string{"Host"}},
					Cookies: Selection{Mode: "all"}, Query: Selection{Mode: "all"},
				}},
			},
			{
				PathPattern: "*", Origin: Origin{ID: "public", DomainName: "public.example", Path: "/public", S3: true},
				AllowedMethods: []string{"GET", "HEAD"}, ViewerProtocolPolicy: "redirect-to-https",
			},
		},
	}
}

// grant is what a test signs and how.
type grant struct {
	key  testKey
	hash signedcookie.Hash
	signedcookie.Policy
}

func courseOne() grant {
	return grant{rsaKey, signedcookie.SHA256, signedcookie.Policy{
		Resource: "https://" + host + "/premium/course-1/*", Expires: now.Add(time.Hour)}}
}

func (g grant) raw() []byte {
	raw, err := g.Marshal()
	if err != nil {
		panic(err)
	}
	return raw
}

func sign(key testKey, hash signedcookie.Hash, raw []byte) string {
	signature, err := signedcookie.Sign(key.private, hash, raw)
	if err != nil {
		panic(err)
	}
	return signedcookie.Encode(signature)
}

// pairs are cookies as they are sent.
type pairs []string

func (p pairs) header() string { return strings.Join(p, "; ") }

func (p pairs) without(name string) pairs {
	var kept pairs
	for _, pair := range p {
		if !strings.HasPrefix(pair, name+"=") {
			kept = append(kept, pair)
		}
	}
	return kept
}

func (p pairs) with(name, value string) pairs { return append(p.without(name), name+"="+value) }

// cookies are those of a grant.
func (g grant) cookies() pairs { return cookiesOf(g.key, g.hash, g.raw()) }

func cookiesOf(key testKey, hash signedcookie.Hash, raw []byte) pairs {
	p := pairs{
		signedcookie.PolicyCookie + "=" + signedcookie.Encode(raw),
		signedcookie.SignatureCookie + "=" + sign(key, hash, raw),
		signedcookie.KeyPairIDCookie + "=" + key.id,
	}
	if hash != signedcookie.SHA1 {
		p = append(p, signedcookie.HashAlgorithmCookie+"="+string(hash))
	}
	return p
}

// asked is a request for a path with cookies.
func asked(path string, cookies pairs) Request {
	r := Request{URL: "https://" + host + path, Viewer: viewer, Time: now}
	if cookies != nil {
		r.Cookies = []string{cookies.header()}
	}
	return r
}

func decide(r Request) Decision {
	d := distribution()
	return d.Decide(d.Route(splitURL(r.URL).path), r, nil)
}

func wantRefused(t *testing.T, d Decision, code, check string) {
	t.Helper()
	if d.Allowed {
		t.Fatalf("allowed: %s", d.Reason)
	}
	if d.Status != 403 || d.Code != code || d.Message == "" || d.Reason == "" {
		t.Errorf("refused with %d %s %q because %q; want 403 %s", d.Status, d.Code, d.Message, d.Reason, code)
	}
	if last := d.Checks[len(d.Checks)-1]; last.Name != check || last.OK {
		t.Errorf("stopped at check %+v, want %s", last, check)
	}
	for _, c := range d.Checks[:len(d.Checks)-1] {
		if !c.OK {
			t.Errorf("check %+v before the last failed", c)
		}
	}
}

func wantAllowed(t *testing.T, d Decision) {
	t.Helper()
	if !d.Allowed || d.Status != 0 || d.Code != "" {
		t.Fatalf("refused with %d %s: %s", d.Status, d.Code, d.Reason)
	}
}
