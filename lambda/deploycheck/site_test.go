package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"premiumhls/internal/cloudfront"
	"premiumhls/internal/deploycheck"
	"premiumhls/lambda/internal/customresource"
	"premiumhls/local/cloudformation"
	edge "premiumhls/local/cloudfront"
	"premiumhls/local/s3"
	"premiumhls/signedcookie"
)

// host is one that the test server's certificate is for.
const host = "example.com"

// A testKey is a key pair, known to the stack by name and to CloudFront by id.
type testKey struct {
	name, id string
	private  crypto.Signer
	hash     signedcookie.Hash
	kind     signedcookie.KeyType
}

// keys are made once: RSA keys are slow to make.
var keys = sync.OnceValue(func() []testKey {
	made := []testKey{
		{name: "2026-11", id: "KRSA", hash: signedcookie.SHA256, kind: signedcookie.RSA2048},
		{name: "2027-01", id: "KECDSA", hash: signedcookie.SHA1, kind: signedcookie.ECDSAP256},
	}
	for i := range made {
		var err error
		if made[i].private, err = signedcookie.GenerateKey(made[i].kind); err != nil {
			panic(err)
		}
	}
	return made
})

// A site is a distribution with its bucket and its signer, and a deploy check of
// it. As newSite makes it, the check passes.
type site struct {
	distribution cloudfront.Distribution
	country      string // of the deploy check
	bucket       *s3.Bucket
	front        func(http.Handler) http.Handler // what stands before the edge
	keys         []testKey                       // what the signer signs with
	host         string                          // that the signer signs for
	premium      string                          // that the signer signs for
	refusal      string                          // of the signer
	invoked      error
	status       func() string // of the stack
	roots        func(*x509.CertPool) *x509.CertPool
	properties   map[string]any
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		bucket:  s3.New("videos", nil),
		keys:    append([]testKey(nil), keys()...),
		host:    host,
		premium: "premium",
		status:  func() string { return cloudformation.UpdateInProgress },
		roots:   func(pool *x509.CertPool) *x509.CertPool { return pool },
		properties: map[string]any{
			"ServiceToken": "arn", "SignerFunction": "arn:signer", "DomainName": "d111.cloudfront.net", "Host": host,
			"PremiumPath": "premium", "Patience": "0s", "Digest": "d",
		},
	}
	trusted := map[string]cloudfront.PublicKey{}
	var list []any
	for _, k := range s.keys {
		pem, err := signedcookie.MarshalPublicKey(k.private.Public())
		if err != nil {
			t.Fatal(err)
		}
		if trusted[k.id], err = cloudfront.ParsePublicKey(k.id, pem); err != nil {
			t.Fatal(err)
		}
		list = append(list, map[string]any{"Name": k.name, "PublicKeyId": k.id, "Type": string(k.kind), "Hash": string(k.hash)})
	}
	s.properties["Keys"] = list
	s.distribution = cloudfront.Distribution{
		Domain: "d111.cloudfront.net", Aliases: []string{host}, Enabled: true, IPv6: true,
		Behaviors: []cloudfront.Behavior{
			{PathPattern: "/premium/*", Origin: cloudfront.Origin{ID: "premium", DomainName: "videos", S3: true}, AllowedMethods: []string{"GET", "HEAD"},
				ViewerProtocolPolicy: "redirect-to-https", Signed: true, PublicKeys: trusted},
			{PathPattern: "*", Origin: cloudfront.Origin{ID: "public", DomainName: "videos", Path: "/public", S3: true}, AllowedMethods: []string{"GET", "HEAD"},
				ViewerProtocolPolicy: "redirect-to-https"},
		},
	}
	s.put(t, deploycheck.Content)
	return s
}

func (s *site) premiumBehavior() *cloudfront.Behavior { return &s.distribution.Behaviors[0] }

func (s *site) put(t *testing.T, content string) {
	t.Helper()
	if err := s.bucket.Put("premium/.deploy-check/probe.txt", s3.Object{Content: []byte(content)}); err != nil {
		t.Fatal(err)
	}
}

// Invoke is the signer.
func (s *site) Invoke(_ context.Context, function string, payload []byte) ([]byte, error) {
	if s.invoked != nil {
		return nil, s.invoked
	}
	if function != "arn:signer" {
		return nil, fmt.Errorf("there is no function %q", function)
	}
	var request deploycheck.Request
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, err
	}
	answer := deploycheck.Response{Refusal: s.refusal}
	for _, k := range s.keys {
		if k.name != request.DeployCheck.Key || s.refusal != "" {
			continue
		}
		raw, err := signedcookie.Policy{Resource: "https://" + s.host + "/" + s.premium + "/.deploy-check/*", Expires: time.Now().Add(deploycheck.Lifetime)}.Marshal()
		if err != nil {
			return nil, err
		}
		signature, err := signedcookie.Sign(k.private, k.hash, raw)
		if err != nil {
			return nil, err
		}
		attributes := "; Path=/premium/.deploy-check/; Secure; HttpOnly; SameSite=Lax"
		hash := signedcookie.HashAlgorithmCookie + "=" + string(k.hash) + attributes
		if k.hash == signedcookie.SHA1 {
			hash = signedcookie.HashAlgorithmCookie + "=" + attributes + "; Max-Age=0"
		}
		answer.Cookies = []string{
			signedcookie.PolicyCookie + "=" + signedcookie.Encode(raw) + attributes,
			signedcookie.SignatureCookie + "=" + signedcookie.Encode(signature) + attributes,
			signedcookie.KeyPairIDCookie + "=" + k.id + attributes,
			hash,
		}
	}
	if len(answer.Cookies) == 0 && answer.Refusal == "" {
		answer.Refusal = fmt.Sprintf("the signer has no key %q", request.DeployCheck.Key)
	}
	return json.Marshal(answer)
}

// checker starts the distribution, and returns what checks it.
func (s *site) checker(t *testing.T) *checker {
	t.Helper()
	var handler http.Handler = edge.New(s.distribution, edge.Options{
		Origins: func(string) http.Handler { return s.bucket },
		Country: func(netip.Addr) string { return s.country },
		Log:     func(e edge.Entry) { t.Logf("%d %s: %s", e.Status, e.Path, e.Reason) },
	})
	if s.front != nil {
		handler = s.front(handler)
	}
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())

	stacks := httptest.NewServer(cloudformation.Handler(func(string) string { return s.status() }, nil))
	t.Cleanup(stacks.Close)
	return &checker{
		signer:   s,
		endpoint: endpoint{scheme: "https", address: strings.TrimPrefix(server.URL, "https://"), roots: s.roots(pool)},
		stack: customresource.StackStatus{Client: func() customresource.StackClient {
			return awscloudformation.New(awscloudformation.Options{
				Region: "us-east-1", BaseEndpoint: &stacks.URL, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
			})
		}},
	}
}

func (s *site) event(request cfn.RequestType) cfn.Event {
	return cfn.Event{RequestType: request, ResourceType: "Custom::DeployCheck", LogicalResourceID: "DeployCheckRun", StackID: "stack", ResourceProperties: s.properties}
}
