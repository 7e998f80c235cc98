// Package iam stands in for AWS Identity and Access Management on this
// machine. It holds the roles and policies of a deployed template, gives each
// Lambda function the credentials of its role, and decides whether a call is
// allowed, by the statements in the template.
package iam

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Credentials sign a call.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

// Owner are the credentials of the account's administrator: the user of this
// machine.
var Owner = Credentials{AccessKeyID: "LOCALOWNER", SecretAccessKey: "local", SessionToken: ""}

// An Authority knows roles, policies and sessions. The zero value is not
// usable; see [New]. It is safe for concurrent use.
type Authority struct {
	account  string
	observer func(Decision)

	mu       sync.RWMutex
	roles    map[string]string      // ARN by name
	policies map[string][]Statement // by the id of the resource that holds them
	sessions map[string]session     // by access key id
}

type session struct {
	token  string
	caller Caller
}

// New returns the Authority of an account. The observer, unless nil, gets every
// decision; it is called concurrently.
func New(account string, observer func(Decision)) *Authority {
	if observer == nil {
		observer = func(Decision) {}
	}
	return &Authority{account: account, observer: observer, roles: map[string]string{}, policies: map[string][]Statement{}, sessions: map[string]session{}}
}

// PutRole adds or replaces a role, without its policies: see Put.
func (a *Authority) PutRole(name, arn string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roles[name] = arn
}

// DeleteRole removes a role.
func (a *Authority) DeleteRole(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.roles, name)
}

// Put sets the statements of the policy with an id.
func (a *Authority) Put(id string, statements []Statement) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.policies[id] = statements
}

// Delete removes a policy.
func (a *Authority) Delete(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.policies, id)
}

// Remove removes the statement with a source, like a manual edit of a policy.
func (a *Authority) Remove(source string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, statements := range a.policies {
		a.policies[id] = slices.DeleteFunc(slices.Clone(statements), func(s Statement) bool { return s.Source == source })
	}
}

// Policies returns all current statements, in a stable order.
func (a *Authority) Policies() Policies {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var all Policies
	for _, id := range slices.Sorted(maps.Keys(a.policies)) {
		all = append(all, a.policies[id]...)
	}
	return all
}

// Assume starts a session of a role for a service, if the role's trust policy
// allows it.
func (a *Authority) Assume(service, roleARN, name string, context map[string]string) (Credentials, Caller, error) {
	role := roleARN[strings.LastIndexByte(roleARN, '/')+1:]
	a.mu.RLock()
	known := a.roles[role] == roleARN
	a.mu.RUnlock()
	if !known {
		return Credentials{}, Caller{}, fmt.Errorf("role %s does not exist", roleARN)
	}
	if d := a.Judge(Call{Caller: Caller{Service: service}, Action: "sts:AssumeRole", Resource: roleARN, Context: context}); !d.Allowed {
		return Credentials{}, Caller{}, d
	}
	c := Credentials{AccessKeyID: "ASIA" + rand.Text()[:16], SecretAccessKey: rand.Text(), SessionToken: rand.Text()}
	caller := Caller{Role: role, RoleARN: roleARN, Session: name}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions[c.AccessKeyID] = session{c.SessionToken, caller}
	return c, caller, nil
}

// ErrUnknownCaller is the error of a request without credentials of this
// account.
type ErrUnknownCaller struct{}

func (ErrUnknownCaller) Error() string {
	return "The security token included in the request is invalid."
}

// Caller returns the caller of a request by its access key id and session token.
// It does not verify the signature: the local IAM finds missing permissions, it
// does not protect against attackers on this machine.
func (a *Authority) Caller(r *http.Request) (Caller, error) {
	_, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	id, _, scoped := strings.Cut(rest, "/")
	if !ok || !scoped {
		return Caller{}, ErrUnknownCaller{}
	}
	if id == Owner.AccessKeyID {
		return Caller{Owner: true, RoleARN: "arn:aws:iam::" + a.account + ":user/owner"}, nil
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	s, ok := a.sessions[id]
	if !ok || s.token != r.Header.Get("X-Amz-Security-Token") {
		return Caller{}, ErrUnknownCaller{}
	}
	return s.caller, nil
}

// Judge decides one call and reports the decision to the observer.
func (a *Authority) Judge(call Call) Decision {
	d := a.Policies().Judge(call)
	a.observer(d)
	return d
}

// Authorize decides a signed request that performs an action on resources. All
// of them must be allowed: services reject the whole request otherwise. The
// error is a [Decision] or [ErrUnknownCaller].
func (a *Authority) Authorize(r *http.Request, action string, resources ...string) error {
	return a.AuthorizeWith(r, nil, action, resources...)
}

// AuthorizeWith is Authorize for a request with condition keys of its service.
func (a *Authority) AuthorizeWith(r *http.Request, context map[string]string, action string, resources ...string) error {
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}
	if len(resources) == 0 {
		resources = []string{"*"} // an action without a resource needs *
	}
	for _, resource := range resources {
		if d := a.Judge(Call{Caller: caller, Action: action, Resource: resource, Context: Secure(context)}); !d.Allowed {
			return d
		}
	}
	return nil
}

// Secure adds the condition keys of a request over TLS 1.3, which is how AWS's
// SDKs and services call each other. Locally no TLS is needed.
func Secure(context map[string]string) map[string]string {
	all := map[string]string{"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
	maps.Copy(all, context)
	return all
}
