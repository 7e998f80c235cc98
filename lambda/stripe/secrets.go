package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"premiumhls/internal/signingkey"
	"premiumhls/internal/stripesettings"
)

const (
	// secretLife is how long secrets are cached: a secret that is taken out of
	// the parameter is accepted for so long.
	secretLife = 5 * time.Minute
	// secretPause is the shortest time between reads: requests with invalid
	// signatures, which anyone can send, cause no more.
	secretPause = 15 * time.Second
	// secretTimeout limits a read.
	secretTimeout = 5 * time.Second
)

// secrets are what the function knows senders by. They do not change.
type secrets struct {
	stripe  []string // the endpoint's signing secrets
	origin  [][sha256.Size]byte
	viewers []byte // key of the viewers' digests in the log; empty: none
	// purchases is the key of references.
	purchases []byte
}

// originIs reports whether sent is a secret that the distribution adds to the
// requests it forwards. It takes constant time.
func (s *secrets) originIs(sent string) bool {
	sum := sha256.Sum256([]byte(sent))
	equal := 0
	for _, secret := range s.origin {
		equal |= subtle.ConstantTimeCompare(sum[:], secret[:])
	}
	return equal == 1
}

// A caller calls Parameter Store.
type caller interface {
	Call(ctx context.Context, operation string, input, output any) error
}

// A secretCache reads the secrets and caches them. It is safe for concurrent use.
type secretCache struct {
	client caller
	names  struct{ stripe, origin, viewers, purchases string }
	now    func() time.Time

	mu      sync.Mutex
	current *secrets
	read    time.Time // when current was read
	tried   time.Time // the last read
	err     error     // of the last read
}

func newSecretCache(client caller, d stripesettings.Document, now func() time.Time) *secretCache {
	c := &secretCache{client: client, now: now}
	of := signingkey.Parameters(d.ParameterPrefix)
	c.names.stripe, c.names.origin, c.names.purchases = d.SecretParameter, of.OriginSecret(), of.PurchaseKey()
	if d.HashViewers {
		c.names.viewers = of.ViewerHashKey()
	}
	return c
}

// get returns the secrets. If they cannot be read, those that were read before
// stay valid.
func (c *secretCache) get(ctx context.Context) (*secrets, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && c.now().Sub(c.read) < secretLife {
		return c.current, nil
	}
	return c.refresh(ctx)
}

// newer returns secrets that were read after old, if a read is due. It returns
// old otherwise.
func (c *secretCache) newer(ctx context.Context, old *secrets) *secrets {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != old {
		return c.current
	}
	if s, err := c.refresh(ctx); err == nil {
		return s
	}
	return old
}

// refresh reads the secrets unless that was tried a moment ago. The caller
// holds c.mu, so that others wait for the same read.
func (c *secretCache) refresh(ctx context.Context) (*secrets, error) {
	if now := c.now(); c.tried.IsZero() || now.Sub(c.tried) >= secretPause {
		// The read goes on for others if the request ends.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), secretTimeout)
		defer cancel()
		var fetched *secrets
		fetched, c.err = c.fetch(ctx)
		c.tried = c.now()
		if c.err == nil {
			c.current, c.read = fetched, c.tried
		}
	}
	if c.current != nil {
		return c.current, nil
	}
	return nil, c.err
}

// fetch reads the parameters. No error holds a part of a secret.
func (c *secretCache) fetch(ctx context.Context) (*secrets, error) {
	names := []string{c.names.stripe, c.names.origin, c.names.purchases}
	if c.names.viewers != "" {
		names = append(names, c.names.viewers)
	}
	input := struct {
		Names          []string
		WithDecryption bool
	}{names, true}
	var output struct {
		Parameters []struct{ Name, Value string }
	}
	if err := c.client.Call(ctx, "GetParameters", input, &output); err != nil {
		return nil, fmt.Errorf("reading parameters: %w", err)
	}
	values := map[string]string{}
	for _, p := range output.Parameters {
		values[p.Name] = p.Value
	}
	for _, name := range names[:3] {
		if values[name] == "" {
			return nil, fmt.Errorf("parameter %s does not exist", name)
		}
	}
	s := &secrets{viewers: []byte(values[c.names.viewers])}
	var err error
	if s.stripe, err = signingSecrets(values[c.names.stripe]); err != nil {
		return nil, fmt.Errorf("parameter %s: %w", c.names.stripe, err)
	}
	origin, err := signingkey.ParseOriginSecrets(values[c.names.origin])
	if err != nil {
		return nil, fmt.Errorf("parameter %s: %w", c.names.origin, err)
	}
	for _, value := range origin.Values() {
		s.origin = append(s.origin, sha256.Sum256([]byte(value)))
	}
	if s.purchases, err = base64.RawURLEncoding.DecodeString(values[c.names.purchases]); err != nil || len(s.purchases) < 32 {
		return nil, fmt.Errorf("parameter %s: must hold 32 bytes in base64url", c.names.purchases)
	}
	return s, nil
}

// signingSecrets reads the endpoint's secrets, one a line or separated by
// commas.
func signingSecrets(text string) (list []string, err error) {
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' || r == ' ' }) {
		// A key of Stripe's API begins otherwise, and does not belong here.
		if !strings.HasPrefix(field, "whsec_") || len(field) < len("whsec_")+8 {
			return nil, errors.New("must hold signing secrets of a webhook endpoint, which begin with whsec_")
		}
		list = append(list, field)
	}
	if len(list) == 0 || len(list) > 10 {
		return nil, errors.New("must hold 1 to 10 signing secrets")
	}
	return list, nil
}
