// Package kms serves AWS KMS on this machine, for a local run and for tests. It
// implements the operations that this project's functions use and holds its keys
// in memory. Tests can inject faults.
//
// It verifies no signatures: it holds only the local run's throw-away keys.
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

// A State is the state of a key.
type State string

const (
	Enabled         State = "Enabled"
	Disabled        State = "Disabled"
	PendingDeletion State = "PendingDeletion"
)

// An Error is an error response of the service.
type Error = jsonservice.Error

// A Fault is an injected fault of one call.
type Fault = jsonservice.Fault

type key struct {
	arn, spec, usage string
	private          crypto.Signer
	state            State
}

// A Service is an [http.Handler] that serves GetPublicKey and Sign to a KMS
// client with its URL as endpoint. Its methods are safe for concurrent use.
type Service struct {
	jsonservice.Service

	mu    sync.RWMutex
	keys  map[string]key // by the id at the end of the ARN
	calls map[string]int // by operation
}

const targetPrefix = "TrentService." // KMS's prefix of X-Amz-Target

// ServeHTTP handles one call, and counts it.
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

// CreateKey creates an enabled RSA_2048 signing key.
func (s *Service) CreateKey() (arn string) {
	arn, err := s.CreateKeyOf(RSA2048, SignVerify)
	if err != nil {
		panic(err) // cannot happen: CreateKeyOf supports this pair
	}
	return arn
}

// CreateKeyOf creates an enabled key of a spec and a usage. It returns an error
// for an unsupported pair.
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
		err = &Error{Code: "ValidationException", Message: "unsupported key spec " + spec}
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

// SetState disables a key, schedules its deletion, or enables it again. It
// reports whether the key exists.
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

// PublicKey returns the public key of a key in any state, and whether the key
// exists.
func (s *Service) PublicKey(arn string) (crypto.PublicKey, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.keys[strings.TrimPrefix(arn, arnPrefix)]
	if !ok {
		return nil, false
	}
	return k.private.Public(), true
}

// Swap exchanges the private keys of two keys with the same spec and usage, a
// fault that KMS itself never has. It reports whether both keys exist.
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

// Calls returns the number of calls of an operation, for example "Sign",
// including failed ones and retries.
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
	// The states' errors: KMS developer guide, "Key states". For a pending
	// deletion it lists two errors; this is the one that names the state.
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
