package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Caller makes a call: a session of a role, or an AWS service.
type Caller struct {
	Role    string // the role's name; empty for a service
	RoleARN string
	Session string // the session's name, for a function its name
	Service string // for example cloudfront.amazonaws.com; empty for a session
	Owner   bool   // the account's administrator: no identity-based policy limits it
}

// ARN returns the caller's ARN, as in AWS's errors.
func (c Caller) ARN() string {
	switch {
	case c.Service != "":
		return c.Service
	case c.Owner:
		return c.RoleARN
	}
	account := "111122223333"
	if parts := strings.SplitN(c.RoleARN, ":", 6); len(parts) == 6 {
		account = parts[4]
	}
	return "arn:aws:sts::" + account + ":assumed-role/" + c.Role + "/" + c.Session
}

// A Call is one action on one resource.
type Call struct {
	Caller   Caller
	Action   string // for example ssm:GetParameters
	Resource string // ARN
	// Context holds the condition keys of the request, case-insensitive.
	Context map[string]string
}

// A Decision is whether a call is allowed, and why.
type Decision struct {
	Call
	Allowed bool
	// Reason completes AWS's error message: "because no identity-based policy
	// allows the ssm:GetParameters action".
	Reason string
	// By is the statement that decided; nil if none applied.
	By *Statement
}

// Error returns AWS's error message (IAM user guide, "Troubleshoot access
// denied error messages").
func (d Decision) Error() string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", d.Caller.ARN(), d.Action, d.Resource, d.Reason)
}

// Policies are all statements that apply in the account.
type Policies []Statement

// Without returns the policies without one statement.
func (p Policies) Without(i int) Policies {
	return slices.Delete(slices.Clone(p), i, i+1)
}

// Judge decides a call within one account (IAM user guide, "Policy evaluation
// logic"): an explicit deny wins; otherwise an identity-based or a
// resource-based policy must allow the call. A KMS key needs a key policy
// that allows the caller or leaves the decision to the account.
func (p Policies) Judge(call Call) Decision {
	d := Decision{Call: call}
	var identity, resource, delegated *Statement
	for i := range p {
		s := &p[i]
		attached := s.attached(call)
		if !attached {
			continue
		}
		who := isCaller
		if s.On != "" {
			who = s.names(call.Caller)
		}
		if who == notCaller || !s.covers(call) {
			continue
		}
		applies := s.holds(call.Context)
		switch {
		case s.Deny && applies != no:
			d.By = s
			d.Reason = "with an explicit deny in " + s.kind()
			return d
		case s.Deny || applies != yes:
		case s.Role != "":
			identity = s
		case who == callersAccount:
			delegated = s
		default:
			resource = s
		}
	}
	isKey := strings.HasPrefix(call.Action, "kms:")
	switch {
	case call.Caller.Owner && (!isKey || delegated != nil):
		d.Allowed, d.By = true, delegated
	case resource != nil:
		d.Allowed, d.By = true, resource
	case identity != nil && (!isKey || delegated != nil):
		d.Allowed, d.By = true, identity
	case call.Caller.Service != "" || isKey && delegated == nil:
		d.Reason = "because no resource-based policy allows the " + call.Action + " action"
	default:
		d.Reason = "because no identity-based policy allows the " + call.Action + " action"
	}
	return d
}

func (s *Statement) kind() string {
	if s.Role != "" {
		return "an identity-based policy"
	}
	return "a resource-based policy"
}

// attached reports whether a statement is in a policy of the caller's role or
// of the resource.
func (s *Statement) attached(call Call) bool {
	if s.Role != "" {
		return s.Role == call.Caller.Role
	}
	return call.Resource == s.On || strings.HasPrefix(call.Resource, s.On+"/") // an object of a bucket
}

// A match says whether a statement's principal is the caller.
type match int

const (
	notCaller match = iota
	callersAccount
	isCaller
)

func (s *Statement) names(c Caller) match {
	best := notCaller
	for _, p := range s.Principals {
		switch {
		case p.Kind == "AWS" && p.Value == "*":
			return isCaller
		case p.Kind == "Service" && c.Service != "" && p.Value == c.Service:
			return isCaller
		case p.Kind == "AWS" && c.Service == "" && (p.Value == c.RoleARN || p.Value == c.ARN()):
			return isCaller
		case p.Kind == "AWS" && c.Service == "" && isAccount(p.Value, c.RoleARN):
			best = callersAccount
		}
	}
	return best
}

// isAccount reports whether a principal is the account of a role: its id, or
// the ARN of its root.
func isAccount(principal, roleARN string) bool {
	parts := strings.SplitN(roleARN, ":", 6)
	if len(parts) != 6 {
		return false
	}
	return principal == parts[4] || principal == "arn:"+parts[1]+":iam::"+parts[4]+":root"
}

func (s *Statement) covers(call Call) bool {
	if !slices.ContainsFunc(s.Actions, func(pattern string) bool {
		return Match(strings.ToLower(pattern), strings.ToLower(call.Action))
	}) {
		return false
	}
	if len(s.Resources) == 0 {
		return s.On != ""
	}
	return slices.ContainsFunc(s.Resources, func(pattern string) bool { return matchARN(pattern, call.Resource) })
}

// An answer is whether conditions hold. A condition that this package does not
// support is unknown: it fails an Allow and applies a Deny.
type answer int

const (
	no answer = iota
	yes
	unknown
)

// knownKeys are the condition keys that callers of this package put into a
// call's context where they apply. Any other key is unknown.
var knownKeys = map[string]bool{
	"aws:securetransport":         true,
	"aws:sourceaccount":           true,
	"aws:sourcearn":               true,
	"dynamodb:enclosingoperation": true,
	"dynamodb:leadingkeys":        true,
	"iam:passedtoservice":         true,
	"s3:tlsversion":               true,
	"sts:externalid":              true,
}

// holds reports whether all of a statement's conditions hold.
func (s *Statement) holds(context map[string]string) answer {
	result := yes
	for _, c := range s.Conditions {
		switch c.holds(context) {
		case no:
			return no
		case unknown:
			result = unknown
		}
	}
	return result
}

// holds compares the value of a key in the request with those of the policy,
// of which one must match. A key that is not in the request matches nothing,
// except with ForAllValues (IAM user guide, "IAM JSON policy elements: Condition
// operators" and "Set operators for multivalued context keys"). A key has one
// value here, so that both set operators are otherwise the plain one.
func (c Condition) holds(context map[string]string) answer {
	operator, forAll := strings.CutPrefix(c.Operator, "ForAllValues:")
	operator = strings.TrimPrefix(operator, "ForAnyValue:")
	compare, ok := operators[operator]
	if !ok || !knownKeys[strings.ToLower(c.Key)] {
		return unknown
	}
	for key, value := range context {
		if !strings.EqualFold(key, c.Key) {
			continue
		}
		if slices.ContainsFunc(c.Values, func(want string) bool { return compare(want, value) }) {
			return yes
		}
		return no
	}
	if forAll {
		return yes
	}
	return no
}

// operators are the condition operators that the templates use, and those of
// the same kind. The first argument is the policy's value.
var operators = map[string]func(want, got string) bool{
	"StringEquals":    func(want, got string) bool { return want == got },
	"StringLike":      Match,
	"ArnEquals":       matchARN,
	"ArnLike":         matchARN,
	"Bool":            strings.EqualFold,
	"NumericLessThan": lessThan,
}

func lessThan(want, got string) bool {
	limit, err := strconv.ParseFloat(want, 64)
	if err != nil {
		return false
	}
	n, err := strconv.ParseFloat(got, 64)
	return err == nil && n < limit
}

// matchARN compares ARNs part by part: a wildcard matches within its part only,
// except in the last (IAM user guide, "IAM JSON policy elements: Resource").
func matchARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	want, got := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(want) != 6 || len(got) != 6 {
		return false
	}
	for i := range want {
		if !Match(want[i], got[i]) {
			return false
		}
	}
	return true
}

// Match reports whether a string matches a pattern, in which * matches any
// characters and ? exactly one.
func Match(pattern, text string) bool {
	star, from := -1, 0 // the last *, and the possible end of its match
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
