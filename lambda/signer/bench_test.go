package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"

	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/signedcookie"
)

var kinds = []struct {
	name    string
	keyType signedcookie.KeyType
	hash    signedcookie.Hash
}{
	{"RSA-SHA256", signedcookie.RSA2048, signedcookie.SHA256},
	{"RSA-SHA1", signedcookie.RSA2048, signedcookie.SHA1},
	{"ECDSA-SHA256", signedcookie.ECDSAP256, signedcookie.SHA256},
}

func benchmarkHandler(b *testing.B, keyType signedcookie.KeyType, hash signedcookie.Hash, settings ...string) *handler {
	h, _ := newTestHandler(b, storeWith(keyType, hash), entitlement.Authenticated{}, append(settings, "metricsStack=PremiumHls")...)
	h.logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
	return h
}

// BenchmarkRequest is one request, event in and response out, with a warm key.
func BenchmarkRequest(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind.name+"/cached", func(b *testing.B) {
			h := benchmarkHandler(b, kind.keyType, kind.hash)
			e := event("POST", `{"path":"course-1"}`)
			b.ReportAllocs()
			for b.Loop() {
				if response, _ := h.handle(context.Background(), e); response.StatusCode != 200 {
					b.Fatal(response.Body)
				}
			}
		})
		b.Run(kind.name+"/signed", func(b *testing.B) {
			h := benchmarkHandler(b, kind.keyType, kind.hash)
			clock := now
			h.now = func() time.Time { return clock }
			e := event("POST", `{"path":"course-1"}`)
			b.ReportAllocs()
			for b.Loop() {
				clock = clock.Add(5 * time.Minute) // each request in a step of its own
				if clock.Year() > 2036 {
					clock = now
				}
				if response, _ := h.handle(context.Background(), e); response.StatusCode != 200 {
					b.Fatal(response.Body)
				}
			}
		})
	}
}

// BenchmarkInvocation is one request whose signature is cached, from the bytes
// of the event to those of the response, as in the runtime's loop.
func BenchmarkInvocation(b *testing.B) {
	benchmarkInvocation(b, benchmarkHandler(b, signedcookie.ECDSAP256, signedcookie.SHA256))
}

// BenchmarkInvocationWithLinks is the same where links are on, which cookies must
// not notice.
func BenchmarkInvocationWithLinks(b *testing.B) {
	benchmarkInvocation(b, benchmarkHandler(b, signedcookie.ECDSAP256, signedcookie.SHA256, "linkMinutes=240"))
}

func benchmarkInvocation(b *testing.B, h *handler) {
	payload, err := json.Marshal(event("POST", `{"path":"course-1"}`))
	if err != nil {
		b.Fatal(err)
	}
	invoked := lambda.NewHandler(h.invoke)
	b.ReportAllocs()
	for b.Loop() {
		answer, err := invoked.Invoke(context.Background(), payload)
		if err != nil || !bytes.HasPrefix(answer, []byte(`{"statusCode":200`)) {
			b.Fatalf("%s %v", answer, err)
		}
	}
}

// wantedCookies is what to sign, with the key of h.
func wantedCookies(b *testing.B, h *handler) cookiesFor {
	snapshot, err := h.ring.Snapshot(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	path, err := premiumpath.Parse("course-1")
	if err != nil {
		b.Fatal(err)
	}
	return cookiesFor{key: snapshot.Keys[0], host: host, path: path, end: now.Unix()}
}

// BenchmarkCookies is the making of one set of cookies: what to sign is known.
func BenchmarkCookies(b *testing.B) {
	for _, kind := range kinds {
		h := benchmarkHandler(b, kind.keyType, kind.hash)
		want := wantedCookies(b, h)
		b.Run(kind.name+"/cached", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.cookieSet(context.Background(), want); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(kind.name+"/signed", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.makeCookieSet(context.Background(), want); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// sdkCookies returns what makes the same with the signer of the AWS SDK for Go,
// with the same key.
func sdkCookies(b *testing.B) func() {
	key, err := signedcookie.ParsePrivateKey([]byte(keys()[signedcookie.RSA2048].pem))
	if err != nil {
		b.Fatal(err)
	}
	signer := sign.NewCookieSigner("K2ABC", key.(*rsa.PrivateKey))
	policy := &sign.Policy{Statements: []sign.Statement{{
		Resource:  "https://d111.cloudfront.net/premium/course-1/*",
		Condition: sign.Condition{DateLessThan: sign.NewAWSEpochTime(now)},
	}}}
	return func() {
		if _, err := signer.SignWithPolicy(policy); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSDKCookies(b *testing.B) {
	sdk := sdkCookies(b)
	b.ReportAllocs()
	for b.Loop() {
		sdk()
	}
}

// bareSignature signs a digest with the standard library, with the key of h.
func bareSignature(b *testing.B, keyType signedcookie.KeyType, hash signedcookie.Hash) func() {
	key, err := signedcookie.ParsePrivateKey([]byte(keys()[keyType].pem))
	if err != nil {
		b.Fatal(err)
	}
	algorithm := crypto.SHA256
	if hash == signedcookie.SHA1 {
		algorithm = crypto.SHA1
	}
	digest := make([]byte, algorithm.Size())
	return func() {
		if _, err := key.Sign(rand.Reader, digest, algorithm); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCookiesAlternating makes one set of cookies with the signer, one with
// the SDK and one bare signature alternately, so that noise affects all, and
// reports the median of each.
func BenchmarkCookiesAlternating(b *testing.B) {
	for _, kind := range kinds {
		h := benchmarkHandler(b, kind.keyType, kind.hash)
		want := wantedCookies(b, h)
		signer := func() {
			if _, err := h.makeCookieSet(context.Background(), want); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(kind.name, func(b *testing.B) {
			who := map[string]func(){"signer": signer, "SDK": sdkCookies(b), "bare": bareSignature(b, kind.keyType, kind.hash)}
			took := map[string][]time.Duration{}
			for b.Loop() {
				for name, sign := range who { // in random order
					began := time.Now()
					sign()
					took[name] = append(took[name], time.Since(began))
				}
			}
			for name, times := range took {
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/2]), name+"-ns")
			}
		})
	}
}
