package cloudfront

import (
	"crypto"
	"strings"
	"time"

	"premiumhls/internal/cloudfront"
	"premiumhls/signedcookie"
)

const (
	host    = "d111.cloudfront.net"
	segment = "/premium/course-1/seg-1.ts"
)

// now is the time of every test.
var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

type testKey struct {
	id      string
	private crypto.Signer
	public  cloudfront.PublicKey
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
	public, err := cloudfront.ParsePublicKey(id, pem)
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
func premium() cloudfront.Behavior {
	return cloudfront.Behavior{
		PathPattern: "/premium/*", Origin: cloudfront.Origin{ID: "premium", DomainName: "premium.example", S3: true},
		AllowedMethods: []string{"GET", "HEAD", "OPTIONS"}, ViewerProtocolPolicy: "redirect-to-https",
		Signed: true, PublicKeys: map[string]cloudfront.PublicKey{rsaKey.id: rsaKey.public, ecdsaKey.id: ecdsaKey.public},
	}
}

func distribution() cloudfront.Distribution {
	return cloudfront.Distribution{
		Domain: host, Enabled: true, DefaultRootObject: "index.html",
		Behaviors: []cloudfront.Behavior{
			premium(),
			{
				PathPattern: "/api/*", Origin: cloudfront.Origin{ID: "api", DomainName: "api.example", CustomHeaders: []cloudfront.CustomHeader{{Name: "X-Origin-Secret", Value: "real"}}},
				AllowedMethods: everyMethod, ViewerProtocolPolicy: "https-only",
				OriginRequestPolicy: &cloudfront.OriginRequestPolicy{Forwarding: cloudfront.Forwarding{
					Headers: cloudfront.Selection{Mode: "allExcept", Names: []string{"Host"}},
					Cookies: cloudfront.Selection{Mode: "all"}, Query: cloudfront.Selection{Mode: "all"},
				}},
			},
			{
				PathPattern: "*", Origin: cloudfront.Origin{ID: "public", DomainName: "public.example", Path: "/public", S3: true},
				AllowedMethods: []string{"GET", "HEAD"}, ViewerProtocolPolicy: "redirect-to-https",
			},
		},
	}
}

// grant describes what a test signs, and how.
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

// pairs returns cookies as they are sent.
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

// cookies returns the cookies of a grant.
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

func clock() time.Time { return now }

var everyMethod = []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
