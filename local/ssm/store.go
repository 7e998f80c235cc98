// Package ssm serves AWS Systems Manager Parameter Store on this machine, for a
// local run and for tests. It implements the operations that this project's
// functions use and holds everything in memory. Tests can inject faults.
//
// It verifies no signatures: it holds only the local run's throw-away keys.
package ssm

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"premiumhls/local/jsonservice"
)

// Types of a parameter.
const (
	String       = "String"
	StringList   = "StringList"
	SecureString = "SecureString"
)

// MaxValue is the size limit of a standard parameter's value, in bytes.
const MaxValue = 4096

// A Parameter is what the store holds under a name.
type Parameter struct {
	Name         string
	Type         string
	Value        string // plain text, for every type
	Description  string
	Version      int64 // 1, incremented by each overwrite
	LastModified time.Time

	ciphertext string // the value without decryption
}

// An Error is an error response of the service.
type Error = jsonservice.Error

// A Fault is an injected fault of one call.
type Fault = jsonservice.Fault

// A Store is an [http.Handler] that serves PutParameter, GetParameter,
// GetParameters and DeleteParameter to an SSM client with its URL as endpoint.
// Its methods are safe for concurrent use.
type Store struct {
	jsonservice.Service

	mu         sync.RWMutex
	parameters map[string]Parameter
}

var _ http.Handler = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	s := &Store{parameters: make(map[string]Parameter)}
	s.Service = jsonservice.Service{Name: "Systems Manager", TargetPrefix: "AmazonSSM.", Internal: "InternalServerError", Call: s.call, IAMPrefix: "ssm", Resources: resources}
	return s
}

// Put creates or overwrites a parameter. Its error is an [*Error].
func (s *Store) Put(name, typ, value string) error {
	_, err := s.put(Parameter{Name: name, Type: typ, Value: value}, true)
	return err
}

// Get returns a parameter with its plain-text value.
func (s *Store) Get(name string) (Parameter, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.parameters[name]
	return p, ok
}

// Delete removes a parameter and reports whether it existed.
func (s *Store) Delete(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.parameters[name]
	delete(s.parameters, name)
	return ok
}

// Names returns the names of all parameters, sorted.
func (s *Store) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, 0, len(s.parameters))
	for name := range s.parameters {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *Store) put(p Parameter, overwrite bool) (version int64, err error) {
	if err := checkName(p.Name); err != nil {
		return 0, err
	}
	if p.Value == "" {
		return 0, invalid("1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if len(p.Value) > MaxValue {
		return 0, invalid("Standard tier parameters support a maximum parameter value of %d characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.", MaxValue)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	old, exists := s.parameters[p.Name]
	switch {
	case exists && !overwrite:
		return 0, &Error{Code: "ParameterAlreadyExists", Message: "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."}
	case exists && p.Type == "":
		p.Type = old.Type
	case exists && p.Type != old.Type:
		return 0, &Error{Code: "HierarchyTypeMismatchException", Message: "The parameter type of an existing parameter cannot be changed."}
	case p.Type == "":
		return 0, invalid("A parameter type is required when you create a parameter.")
	}
	switch p.Type {
	case String, StringList:
		p.ciphertext = p.Value
	case SecureString:
		p.ciphertext = sealed(p.Value)
	default:
		return 0, invalid("1 validation error detected: Value '%s' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]", p.Type)
	}
	p.Version = old.Version + 1
	p.LastModified = time.Now()
	s.parameters[p.Name] = p
	return p.Version, nil
}

// sealed returns a made-up ciphertext of a value, with the form and length of a
// real one. Nothing decrypts it: the store holds the value itself.
func sealed(value string) string {
	noise := make([]byte, len(value)+120)
	_, _ = rand.Read(noise) // never fails
	return "AQICAH" + base64.StdEncoding.EncodeToString(noise)
}

var nameCharacters = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

// The service's limits: a name of 1011 bytes including the ARN before it, here
// the shortest one, and 15 levels.
const (
	maxName   = 1011 - len("arn:aws:ssm:us-east-1:111122223333:parameter/")
	maxLevels = 15
)

// checkName applies the rules for a new parameter's name (Systems Manager API
// reference, PutParameter).
func checkName(name string) error {
	if name == "" {
		return invalid("1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if len(name) > maxName {
		return invalid("Parameter name is too long: at most %d characters.", maxName)
	}
	if !nameCharacters.MatchString(name) {
		return invalid("Invalid characters in parameter name. Only a combination of letters, numbers and the following characters: . - _ and / are allowed.")
	}
	levels := strings.Split(strings.TrimPrefix(name, "/"), "/")
	if len(levels) > 1 && name[0] != '/' {
		return invalid("Parameter name must be a fully qualified name: it begins with a slash.")
	}
	if slices.Contains(levels, "") {
		return invalid("Parameter name has an empty level.")
	}
	if len(levels) > maxLevels {
		return &Error{Code: "HierarchyLevelLimitExceededException", Message: fmt.Sprintf("A parameter hierarchy has at most %d levels.", maxLevels)}
	}
	for _, reserved := range []string{"aws", "ssm"} {
		if first := levels[0]; len(first) >= len(reserved) && strings.EqualFold(first[:len(reserved)], reserved) {
			return invalid("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
		}
	}
	return nil
}

func invalid(format string, args ...any) *Error {
	return &Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}
