// Package kms is a key service for a local run and for tests. It speaks the
// part of AWS KMS's protocol that this project's functions use, keeps its keys
// in memory, and can be told to misbehave.
//
// It holds no more than the local run's own throw-away keys: it checks no
// credentials.
package kms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"premiumhls/local/jsonservice"
)

// Specs of a key.
const (
	RSA2048 = "RSA_2048"
	RSA3072 = "RSA_3072"
	P256    = "ECC_NIST_P256"
)

// Usages of a key.
const (
	SignVerify     = "SIGN_VERIFY"
	EncryptDecrypt = "ENCRYPT_DECRYPT"
)

// A State is what can be done with a key.
type State string

const (
	Enabled         State = "Enabled"
	Disabled        State = "Disabled"
	PendingDeletion State = "PendingDeletion"
)

// An Error is a refusal as the service words it.
type Error = jsonservice.Error

// A Fault is what goes wrong with one call.
type Fault = jsonservice.Fault

type key struct {
	arn, spec, usage string
	private          crypto.Signer
	state            State
}

// A Service is an [http.Handler] that answers GetPublicKey and Sign of a KMS
// client whose endpoint it is. All of its methods are safe for concurrent use.
type Service struct {
	jsonservice.Service

	mu    sync.RWMutex
	keys  map[string]key // by the id at the end of the ARN
	calls map[string]int // by operation
}

const targetPrefix = "TrentService." // KMS by its first name

// ServeHTTP answers one call, and counts it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix); ok {
		s.count(operation)
	}
	s.Service.ServeHTTP(w, r)
}

// New returns a service without keys.
func New() *Service {
	s := &Service{keys: make(map[string]key), calls: make(map[string]int)}
	s.Service = jsonservice.Service{Name: "KMS", TargetPrefix: targetPrefix, Internal: "KMSInternalException", Call: s.call, IAMPrefix: "kms", Resources: resources}
	return s
}

const arnPrefix = "arn:aws:kms:us-east-1:111122223333:key/"

// CreateKey makes an enabled RSA_2048 key that signs.
func (s *Service) CreateKey() (arn string) {
	arn, err := s.CreateKeyOf(RSA2048, SignVerify)
	if err != nil {
		panic(err) // of a pair that CreateKeyOf knows
	}
	return arn
}

// CreateKeyOf makes an enabled key of a spec and a usage, or says that there
// is no such key.
func (s *Service) CreateKeyOf(spec, usage string) (arn string, err error) {
	if usage != SignVerify && (usage != EncryptDecrypt || spec == P256) {
		return "", &Error{Code: "ValidationException", Message: fmt.Sprintf("KeyUsage %s is not compatible with KeySpec %s", usage, spec)}
	}
	var private crypto.Signer
	switch spec {
	case RSA2048:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		private, err = rsa.GenerateKey(rand.Reader, 3072)
	case P256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		err = &Error{Code: "ValidationException", Message: "this service has no keys of the spec " + spec}
	}
	if err != nil {
		return "", fmt.Errorf("creating a key: %w", err)
	}

	id := newID()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[id] = key{arnPrefix + id, spec, usage, private, Enabled}
	return arnPrefix + id, nil
}

// SetState disables a key, schedules its deletion, or takes that back. It
// tells whether there is such a key.
func (s *Service) SetState(arn string, state State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.TrimPrefix(arn, arnPrefix)
	k, ok := s.keys[id]
	if ok {
		k.state = state
		s.keys[id] = k
	}
	return ok
}

// PublicKey returns the public half of a key, whatever its state, and whether
// there is such a key.
func (s *Service) PublicKey(arn string) (crypto.PublicKey, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.keys[strings.TrimPrefix(arn, arnPrefix)]
	if !ok {
		return nil, false
	}
	return k.private.Public(), true
}

// Swap has each of two keys of one spec and usage sign in the other's place,
// which nothing does to a key of the service. It tells whether there are such
// keys.
func (s *Service) Swap(arn, other string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, b := strings.TrimPrefix(arn, arnPrefix), strings.TrimPrefix(other, arnPrefix)
	x, y := s.keys[a], s.keys[b]
	if x.private == nil || y.private == nil || x.spec != y.spec || x.usage != y.usage {
		return false
	}
	x.private, y.private = y.private, x.private
	s.keys[a], s.keys[b] = x, y
	return true
}

// Calls returns how many calls of an operation, such as "Sign", came so far,
// whatever became of them. Each attempt of a client counts.
func (s *Service) Calls(operation string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.calls[operation]
}

func (s *Service) count(operation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[operation]++
}

// usable returns the enabled key of an ARN or an id.
func (s *Service) usable(id string) (key, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.keys[strings.TrimPrefix(id, arnPrefix)]
	switch {
	case !ok && strings.HasPrefix(id, arnPrefix):
		return key{}, &Error{Code: "NotFoundException", Message: fmt.Sprintf("Key '%s' does not exist", id)}
	case !ok:
		return key{}, &Error{Code: "NotFoundException", Message: fmt.Sprintf("Invalid keyId '%s'", id)}
	}
	// The states' errors: KMS developer guide, "Key states". Of the two that
	// it has for a pending deletion this is the one that names the state.
	switch k.state {
	case Disabled:
		return key{}, &Error{Code: "DisabledException", Message: k.arn + " is disabled."}
	case PendingDeletion:
		return key{}, &Error{Code: "KMSInvalidStateException", Message: k.arn + " is pending deletion."}
	}
	return k, nil
}

// newID returns a random UUID, as the service's key ids are.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
