package apigateway

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"
)

const (
	// API Gateway developer guide, "Control access to HTTP APIs with JWT
	// authorizers": a public key may be cached for two hours.
	keyLife = 2 * time.Hour
	// Quotas of HTTP APIs.
	keyTimeout  = 1500 * time.Millisecond // for each of the two documents
	maxKeyBytes = 150000
	// keyPause is the minimum time between two fetches: tokens with unknown
	// key ids, or an issuer that is down, cause at most one fetch a second.
	keyPause = time.Second
)

// keySet caches the public keys of one issuer.
type keySet struct {
	issuer, discoveryURL string
	client               *http.Client
	now                  func() time.Time

	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	fetched time.Time // when keys were read
	tried   time.Time // when they were last requested
	failure error     // of that attempt
}

// key returns the key with a token's key id. It fails if no key read in the
// last two hours has that id and the issuer's keys cannot be read.
func (s *keySet) key(ctx context.Context, id string) (*rsa.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	fresh := s.keys != nil && now.Sub(s.fetched) < keyLife
	if fresh {
		if k, ok := s.keys[id]; ok {
			return k, nil
		}
	}
	if s.tried.IsZero() || now.Sub(s.tried) >= keyPause {
		s.tried = now
		var keys map[string]*rsa.PublicKey
		// Other requests wait for the result too: do not cancel with this one.
		if keys, s.failure = s.fetch(context.WithoutCancel(ctx)); s.failure == nil {
			s.keys, s.fetched = keys, now
			fresh = true
		}
	}
	if s.failure != nil {
		return nil, s.failure
	}
	if k, ok := s.keys[id]; ok && fresh {
		return k, nil
	}
	return nil, errUnknownKey
}

func (s *keySet) fetch(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	var discovery struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := s.get(ctx, s.discoveryURL, &discovery); err != nil {
		return nil, fmt.Errorf("read the issuer's discovery document: %w", err)
	}
	// OpenID Connect Discovery 1.0, section 4.3.
	if discovery.Issuer != s.issuer {
		return nil, fmt.Errorf("read the issuer's discovery document: invalid issuer %q: must be %q", discovery.Issuer, s.issuer)
	}
	if err := validateKeyURL(discovery.JWKSURI); err != nil {
		return nil, fmt.Errorf("read the issuer's discovery document: jwks_uri: %w", err)
	}
	var set struct {
		Keys []jsonWebKey `json:"keys"`
	}
	if err := s.get(ctx, discovery.JWKSURI, &set); err != nil {
		return nil, fmt.Errorf("read the issuer's keys: %w", err)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		public, err := k.publicKey()
		if err != nil {
			continue // a set may hold keys for other uses
		}
		if _, twice := keys[k.ID]; twice {
			return nil, fmt.Errorf("read the issuer's keys: two keys have the id %q", k.ID)
		}
		keys[k.ID] = public
	}
	if len(keys) == 0 {
		return nil, errors.New("read the issuer's keys: none is an RSA key for signatures")
	}
	return keys, nil
}

func (s *keySet) get(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d", url, res.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxKeyBytes+1))
	if err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	if len(raw) > maxKeyBytes {
		return fmt.Errorf("GET %s: longer than %d bytes", url, maxKeyBytes)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	return nil
}

// jsonWebKey is an RSA key of RFC 7517.
type jsonWebKey struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
}

func (k jsonWebKey) publicKey() (*rsa.PublicKey, error) {
	if k.Type != "RSA" || k.ID == "" || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != tokenAlgorithm {
		return nil, errors.New("not an RSA key for signatures")
	}
	n, err := base64.RawURLEncoding.DecodeString(k.Modulus)
	if err != nil {
		return nil, fmt.Errorf("modulus: %w", err)
	}
	e, err := base64.RawURLEncoding.DecodeString(k.Exponent)
	if err != nil {
		return nil, fmt.Errorf("exponent: %w", err)
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() > 31 || exponent.Int64() < 3 {
		return nil, errors.New("exponent out of range")
	}
	public.E = int(exponent.Int64())
	// RFC 7518, section 3.3: 2048 bits or more.
	if public.N.BitLen() < 2048 {
		return nil, errors.New("modulus too short")
	}
	return public, nil
}
