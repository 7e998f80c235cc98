package signedcookie

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrMalformedPolicy reports a policy that CloudFront would not take.
var ErrMalformedPolicy = errors.New("malformed policy")

// maxEpoch is the last second that CloudFront takes as an end, 19 January
// 2038. It is also what tells seconds from milliseconds.
const maxEpoch = 1<<31 - 1

// A Policy says what a viewer may fetch, until when, and from where.
type Policy struct {
	// Resource is the URL that may be fetched, with its scheme and host; in
	// it * stands for any characters and ? for one.
	Resource string
	// Expires is the first moment at which requests are refused, in whole
	// seconds, before 2038-01-19.
	Expires time.Time
	// NotBefore is the last moment before requests are accepted. Zero means
	// that there is none.
	NotBefore time.Time
	// SourceIP is the IPv4 address, or block in CIDR notation, that requests
	// must come from. Empty means any.
	SourceIP string
}

// Marshal writes the policy in the form that is signed and sent: one
// statement, no white space. It refuses a policy that CloudFront would refuse,
// and one that grants more than a host's files: a missing resource (every file
// of every distribution that trusts the key) or a wildcard in its host.
func (p Policy) Marshal() ([]byte, error) {
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformedPolicy, err)
	}
	host := authority(p.Resource)
	if strings.ContainsAny(host, "*?") {
		return nil, fmt.Errorf("%w: resource %q has a wildcard in its host", ErrMalformedPolicy, p.Resource)
	}
	b := make([]byte, 0, 160+len(p.Resource))
	b = append(b, `{"Statement":[{"Resource":"`...)
	b = append(b, p.Resource...) // validate has refused what JSON would escape
	b = append(b, `","Condition":{"DateLessThan":{"AWS:EpochTime":`...)
	b = strconv.AppendInt(b, p.Expires.Unix(), 10)
	b = append(b, '}')
	if !p.NotBefore.IsZero() {
		b = append(b, `,"DateGreaterThan":{"AWS:EpochTime":`...)
		b = strconv.AppendInt(b, p.NotBefore.Unix(), 10)
		b = append(b, '}')
	}
	if p.SourceIP != "" {
		b = append(b, `,"IpAddress":{"AWS:SourceIp":"`...)
		b = append(b, p.SourceIP...)
		b = append(b, `"}`...)
	}
	return append(b, `}}]}`...), nil
}

// CannedPolicy returns the bytes that a canned policy's signature covers: one
// exact URL and an end.
func CannedPolicy(resource string, expires time.Time) []byte {
	return fmt.Appendf(nil, `{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%d}}}]}`, resource, expires.Unix())
}

func (p Policy) validate() error {
	for _, c := range []byte(p.Resource) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"\<>`, c) >= 0 {
			return fmt.Errorf("resource %q holds a character that a URL cannot hold", p.Resource)
		}
	}
	if authority(p.Resource) == "" {
		return fmt.Errorf("resource %q does not begin with http:// or https:// and a host", p.Resource)
	}
	if e := p.Expires.Unix(); e <= 0 || e > maxEpoch {
		return fmt.Errorf("end %d is not between 1970 and 2038 in seconds", e)
	}
	if e := p.NotBefore.Unix(); !p.NotBefore.IsZero() && (e < 0 || e > maxEpoch) {
		return fmt.Errorf("start %d is not between 1970 and 2038 in seconds", e)
	}
	if p.SourceIP != "" {
		if _, err := parseSourceIP(p.SourceIP); err != nil {
			return err
		}
	}
	return nil
}

// ParsePolicy reads a policy as it came from a viewer. It is strict where
// CloudFront is undocumented: members other than the documented ones, members
// given twice and a missing resource are refused. The error wraps
// [ErrMalformedPolicy].
func ParsePolicy(raw []byte) (Policy, error) {
	if p, ok := parseMarshaled(raw); ok {
		return p, nil
	}
	p, err := parsePolicy(raw)
	if err == nil {
		err = p.validate()
	}
	if err != nil {
		return Policy{}, fmt.Errorf("%w: %w", ErrMalformedPolicy, err)
	}
	return p, nil
}

// parseMarshaled reads a policy in the very form that Marshal writes, without
// start or address. Nearly all are in it, and JSON is slow. That Marshal writes
// the same bytes again is what makes the reading right.
func parseMarshaled(raw []byte) (p Policy, ok bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(`{"Statement":[{"Resource":"`))
	if !ok {
		return p, false
	}
	resource, rest, ok := bytes.Cut(rest, []byte(`","Condition":{"DateLessThan":{"AWS:EpochTime":`))
	if !ok {
		return p, false
	}
	digits, _, ok := bytes.Cut(rest, []byte("}"))
	if !ok {
		return p, false
	}
	end, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return p, false
	}
	p = Policy{Resource: string(resource), Expires: time.Unix(end, 0)}
	again, err := p.Marshal()
	return p, err == nil && bytes.Equal(raw, again)
}

func parsePolicy(raw []byte) (p Policy, err error) {
	document, err := object(raw, "policy", "Statement")
	if err != nil {
		return p, err
	}
	var statements []json.RawMessage
	if err := json.Unmarshal(document["Statement"], &statements); err != nil {
		return p, errors.New("the member Statement is not a list")
	}
	if len(statements) != 1 {
		return p, fmt.Errorf("%d statements where there must be exactly one", len(statements))
	}
	statement, err := object(statements[0], "statement", "Resource", "Condition")
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(statement["Resource"], &p.Resource); err != nil {
		return p, errors.New("the member Resource is not a string")
	}
	condition, err := object(statement["Condition"], "Condition", "DateLessThan", "DateGreaterThan", "IpAddress")
	if err != nil {
		return p, err
	}
	if p.Expires, err = epoch(condition, "DateLessThan"); err != nil {
		return p, err
	}
	if p.Expires.IsZero() {
		return p, errors.New("DateLessThan is missing")
	}
	if p.NotBefore, err = epoch(condition, "DateGreaterThan"); err != nil {
		return p, err
	}
	if raw, ok := condition["IpAddress"]; ok {
		address, err := object(raw, "IpAddress", "AWS:SourceIp")
		if err != nil {
			return p, err
		}
		if err := json.Unmarshal(address["AWS:SourceIp"], &p.SourceIP); err != nil || p.SourceIP == "" {
			return p, errors.New("AWS:SourceIp is not an address")
		}
	}
	return p, nil
}

// object reads a JSON object that has no members but the named ones, each at
// most once and spelled exactly: encoding/json alone would forgive all three.
func object(raw []byte, what string, names ...string) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("%s is not a JSON object", what)
	}
	members := make(map[string]json.RawMessage, len(names))
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("%s is not JSON: %w", what, err)
		}
		name := token.(string) // a key of an object always is
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("%s has a member %q", what, name)
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("%s has %s twice", what, name)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("%s is not JSON: %w", what, err)
		}
		members[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("%s is not JSON: %w", what, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s is followed by something else", what)
	}
	return members, nil
}

// epoch reads a date condition; a missing one is the zero time.
func epoch(condition map[string]json.RawMessage, name string) (time.Time, error) {
	raw, ok := condition[name]
	if !ok {
		return time.Time{}, nil
	}
	date, err := object(raw, name, "AWS:EpochTime")
	if err != nil {
		return time.Time{}, err
	}
	text := string(date["AWS:EpochTime"])
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > maxEpoch || strconv.FormatInt(seconds, 10) != text { // as -0
		return time.Time{}, fmt.Errorf("%s is %s where there must be unquoted seconds since 1970", name, text)
	}
	return time.Unix(seconds, 0), nil
}

// Started reports whether the policy's start, where it has one, is past.
func (p Policy) Started(now time.Time) bool {
	return p.NotBefore.IsZero() || now.After(p.NotBefore)
}

// Ended reports whether the policy's end has come. That the end itself is
// already too late is undocumented; it is the stricter reading.
func (p Policy) Ended(now time.Time) bool { return !now.Before(p.Expires) }

// AllowsAddress reports whether a viewer at addr may use the policy.
func (p Policy) AllowsAddress(addr netip.Addr) bool {
	if p.SourceIP == "" {
		return true
	}
	prefix, err := parseSourceIP(p.SourceIP)
	return err == nil && prefix.Contains(addr.Unmap())
}

// parseSourceIP reads an IPv4 address or CIDR block. CloudFront documents no
// IPv6 here.
func parseSourceIP(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		s += "/32"
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil || !prefix.Addr().Is4() {
		return netip.Prefix{}, fmt.Errorf("address %q is not an IPv4 address or CIDR block", s)
	}
	return prefix.Masked(), nil
}
