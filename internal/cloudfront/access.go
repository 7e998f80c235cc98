package cloudfront

import (
	"crypto/ecdsa"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"premiumhls/internal/link"
	"premiumhls/signedcookie"
)

// A Decision is what the signature check found, and why.
type Decision struct {
	Allowed bool
	// Status, Code and Message are those of the response to a refused viewer.
	// They are zero if the request is allowed.
	Status        int
	Code, Message string
	// Reason is a sentence for a person: what was found, what was expected.
	Reason string
	// Behavior is the behavior whose keys decided; nil if none was needed.
	Behavior *Behavior
	// Checks are the checks that were made. Only the last can have failed.
	Checks []Check
	KeyID  string
	Policy signedcookie.Policy // as sent; verified only if CheckVerification passed
	// Repeated are the credentials that were sent with more than one value.
	Repeated []string
}

// A Check is one link of the chain.
type Check struct {
	Name            string
	Found, Expected string
	OK              bool
}

// The names of the checks, in the order in which they are made. AWS does not
// document an order; this one finds the cause that comes first when cookies
// are made, and looks at a policy's terms only when its signature holds.
const (
	CheckSource       = "source"       // a signed URL, or cookies
	CheckKeyPairID    = "key pair id"  // it is there
	CheckKey          = "key"          // it is one of the behavior's
	CheckSignature    = "signature"    // it decodes
	CheckPolicy       = "policy"       // it decodes and is a policy, or the canned one is made
	CheckHash         = "hash"         // it is one that CloudFront knows
	CheckVerification = "verification" // the signature fits the policy's bytes as they were sent
	CheckResource     = "resource"     // the policy covers the URL
	CheckStart        = "start"        // the policy has begun
	CheckEnd          = "end"          // the policy has not ended
	CheckAddress      = "address"      // the policy is good for the viewer's address
)

// A refusal is why a check fails.
type refusal struct {
	fault
	reason string
}

// A fault is the code and message of a refusal.
type fault struct{ code, message string }

var (
	missingKey         = fault{"MissingKey", "Missing Key-Pair-Id query parameter or cookie value"}
	invalidKey         = fault{"InvalidKey", "Unknown Key"}
	malformedSignature = fault{"MalformedSignature", "Could not unencode Signature"}
	malformedPolicy    = fault{"MalformedPolicy", "Malformed Policy"}
	accessDenied       = fault{"AccessDenied", "Access denied"}
)

func (f fault) because(reason string) *refusal { return &refusal{f, reason} }

// An inspection is one run of the chain over one value of each credential.
type inspection struct {
	credentials
	url      parts // without the credentials
	behavior *Behavior
	request  Request
	cache    *Cache

	key       PublicKey
	claim     claim
	verified  *verified // nil if the claim is not cached
	signature []byte
	raw       []byte // the policy's bytes, which the signature covers
	policy    signedcookie.Policy
	now, end  string // in words
}

var chain = []func(*inspection) (Check, *refusal){
	(*inspection).source,
	(*inspection).hasKeyPairID,
	(*inspection).knowsKey,
	(*inspection).decodesSignature,
	(*inspection).readsPolicy,
	(*inspection).knowsHash,
	(*inspection).verifies,
	(*inspection).coversURL,
	(*inspection).started,
	(*inspection).notEnded,
	(*inspection).allowsAddress,
}

// Decide checks every signature that the distribution requires for a request. The
// route is that of the request's path.
func (d *Distribution) Decide(route Route, request Request, cache *Cache) Decision {
	if route.Behavior == nil {
		return refuse(Decision{}, accessDenied.because("the distribution has no behavior for the path"))
	}
	if len(route.Signed) == 0 {
		return Decision{Allowed: true, Reason: "behavior " + route.Behavior.PathPattern + " needs no signature"}
	}
	var decision Decision
	for _, b := range route.Signed {
		decision = b.Decide(request, cache)
		if decision.Allowed {
			continue
		}
		if b != route.Behavior {
			decision.Reason += " (the path can be read as one of behavior " + b.PathPattern + ", which needs a signature)"
		}
		break
	}
	return decision
}

// Decide checks a request with the behavior's keys. A behavior that is not signed
// counts as one without any key. The cache can be nil.
func (b *Behavior) Decide(request Request, cache *Cache) Decision {
	url := splitURL(request.URL)
	var s sent
	rest, isURL := s.fromQuery(url.query)
	if isURL {
		url.query, url.whole = rest, url.site+url.path+rest
	} else {
		s.fromCookies(request.Cookies)
	}
	decision := b.inspect(&inspection{credentials: s.first, url: url, behavior: b, request: request, cache: cache})
	if decision.Allowed && len(s.repeated) > 0 {
		// Browsers send the cookie with the longest path first, but which one
		// CloudFront takes is undocumented; the stricter reading: both must do.
		decision = b.inspect(&inspection{credentials: s.last, url: url, behavior: b, request: request, cache: cache})
	}
	if len(s.repeated) > 0 {
		decision.Repeated = s.repeated
		names := strings.Join(s.repeated, ", ")
		decision.Checks[0].Found += "; more than one " + names
		if !decision.Allowed {
			decision.Reason += " (more than one " + names + ": the first and the last of each must do)"
		}
	}
	return decision
}

func (b *Behavior) inspect(in *inspection) Decision {
	d := Decision{Behavior: b, Checks: make([]Check, 0, len(chain))}
	for _, step := range chain {
		check, refused := step(in)
		check.OK = refused == nil
		d.Checks = append(d.Checks, check)
		d.KeyID, d.Policy = in.key.ID, in.policy
		if refused != nil {
			return refuse(d, refused)
		}
	}
	d.Allowed = true
	d.Reason = "key " + d.KeyID + " opens " + d.Policy.Resource + " until " + in.end
	return d
}

func refuse(d Decision, r *refusal) Decision {
	d.Allowed, d.Status, d.Code, d.Message, d.Reason = false, http.StatusForbidden, r.code, r.message, r.reason
	return d
}

// source never fails: a query with any of CloudFront's parameters makes the
// request a signed URL, and its cookies are not looked at.
func (in *inspection) source() (Check, *refusal) {
	if in.credentials.url {
		return Check{Name: CheckSource, Found: "signed URL", Expected: "signed URL or cookies"}, nil
	}
	return Check{Name: CheckSource, Found: "cookies", Expected: "signed URL or cookies"}, nil
}

func (in *inspection) hasKeyPairID() (Check, *refusal) {
	id := in.fields[keyPairID]
	check := Check{Name: CheckKeyPairID, Found: id.value, Expected: "the id of a public key"}
	switch {
	case !id.given:
		check.Found = "none"
		return check, missingKey.because("the request has no " + in.name(keyPairID))
	case id.value == "":
		check.Found = "an empty one"
		return check, missingKey.because("the " + in.name(keyPairID) + " is empty")
	}
	return check, nil
}

func (in *inspection) knowsKey() (Check, *refusal) {
	id := in.fields[keyPairID].value
	key, ok := in.behavior.PublicKeys[id]
	check := Check{Name: CheckKey, Found: id, Expected: "a key of behavior " + in.behavior.PathPattern}
	if !ok || key.key == nil || !in.behavior.Signed {
		return check, invalidKey.because("the key " + strconv.Quote(id) + " is in no key group of behavior " + in.behavior.PathPattern)
	}
	key.ID = id
	in.key = key
	in.recall()
	return check, nil
}

// recall finds out whether what the viewer sent has verified before. What
// follows then takes the policy from there; it judges all the same.
func (in *inspection) recall() {
	in.claim = claim{key: in.key.key, policy: in.fields[policy].value, signature: in.fields[signature].value}
	custom, end := in.fields[policy].given, in.fields[expires].given
	if custom == end {
		return // a policy that cannot be used
	}
	if end {
		raw, err := in.canned()
		if err != nil {
			return
		}
		in.claim.policy, in.claim.canned = string(raw), true
	}
	hash, err := in.hash()
	if err != nil {
		return
	}
	in.claim.hash = hash
	in.verified = in.cache.get(in.claim)
}

// decodesSignature treats a missing signature as one that does not decode:
// undocumented, and the nearest of the documented refusals.
func (in *inspection) decodesSignature() (Check, *refusal) {
	sent := in.fields[signature]
	check := Check{Name: CheckSignature, Found: "none", Expected: "base64 with - _ ~ for + = /"}
	if !sent.given {
		return check, malformedSignature.because("the request has no " + in.name(signature))
	}
	if sent.value == "" {
		return check, malformedSignature.because("the " + in.name(signature) + " is empty")
	}
	if in.verified != nil {
		check.Found = strconv.Itoa(in.verified.signature) + " bytes"
		return check, nil
	}
	b, err := signedcookie.Decode(sent.value)
	if err != nil {
		check.Found = err.Error()
		return check, malformedSignature.because("the " + in.name(signature) + " does not decode: " + err.Error())
	}
	in.signature = b
	check.Found = strconv.Itoa(len(b)) + " bytes"
	return check, nil
}

// readsPolicy refuses a request with both a policy and an Expires parameter: which
// of them CloudFront uses is undocumented; this is the stricter reading.
func (in *inspection) readsPolicy() (Check, *refusal) {
	custom, end := in.fields[policy], in.fields[expires]
	check := Check{Name: CheckPolicy, Expected: "a policy with one statement, or an end in seconds"}
	switch {
	case custom.given && end.given:
		check.Found = "both"
		return check, malformedPolicy.because("the request has both the " + in.name(policy) + " and the " + in.name(expires))
	case !custom.given && !end.given:
		check.Found = "none"
		return check, malformedPolicy.because("the request has neither a " + in.name(policy) + " nor a " + in.name(expires))
	case in.verified != nil:
		check.Found, in.policy, in.end = in.verified.raw, in.verified.policy, in.verified.expires
		return check, nil
	}
	var err error
	if custom.given {
		in.raw, err = signedcookie.Decode(custom.value)
		check.Found = custom.value
	} else {
		in.raw, err = in.canned()
		check.Found = end.value
	}
	if err == nil {
		check.Found = string(in.raw)
		in.policy, err = signedcookie.ParsePolicy(in.raw)
	}
	if err != nil {
		return check, malformedPolicy.because("the policy cannot be used: " + err.Error())
	}
	in.end = stamp(in.policy.Expires)
	return check, nil
}

// canned makes the policy that a viewer did not send: it is for the very URL
// that was asked for, until the end that was sent (CloudFront developer guide,
// "Create a signed URL using a canned policy").
func (in *inspection) canned() ([]byte, error) {
	end := in.fields[expires].value
	seconds, err := strconv.ParseInt(end, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != end {
		return nil, fmt.Errorf("the %s is %q, not seconds since 1970", in.name(expires), end)
	}
	return signedcookie.CannedPolicy(in.resource(in.url.path), time.Unix(seconds, 0)), nil
}

// hash is SHA-1 where none is named (CloudFront developer guide, "Set signed
// cookies using a custom policy").
func (in *inspection) hash() (signedcookie.Hash, error) {
	if h := in.fields[hashAlgorithm]; h.given {
		return signedcookie.ParseHash(h.value)
	}
	return signedcookie.SHA1, nil
}

// knowsHash refuses an unknown hash as a signature that does not verify:
// undocumented; no hash is guessed in its place.
func (in *inspection) knowsHash() (Check, *refusal) {
	check := Check{Name: CheckHash, Found: "none, which means SHA1", Expected: "SHA1 or SHA256"}
	if h := in.fields[hashAlgorithm]; h.given {
		check.Found = h.value
	}
	hash, err := in.hash()
	if err != nil {
		return check, accessDenied.because("the " + in.name(hashAlgorithm) + " is not known: " + err.Error())
	}
	if _, isECDSA := in.key.key.(*ecdsa.PublicKey); isECDSA && hash == signedcookie.SHA256 && in.behavior.RefuseECDSASHA256 {
		return check, accessDenied.because("this edge takes ECDSA with SHA1 only")
	}
	return check, nil
}

func (in *inspection) verifies() (Check, *refusal) {
	check := Check{Name: CheckVerification, Found: "a signature that fits", Expected: "a signature of these bytes by key " + in.key.ID}
	if in.verified != nil {
		return check, nil
	}
	hash := in.claim.hash
	if err := signedcookie.Verify(in.key.key, hash, in.raw, in.signature); err != nil {
		check.Found = err.Error()
		return check, accessDenied.because("with " + string(hash) + " the signature does not fit the policy and key " + in.key.ID)
	}
	if in.cache != nil {
		in.cache.put(in.claim, &verified{in.policy, string(in.raw), len(in.signature), in.end})
	}
	return check, nil
}

// resource is the URL for one reading of its path.
func (in *inspection) resource(path string) string {
	if path == in.url.path {
		return in.url.whole
	}
	return in.url.site + path + in.url.query
}

func (in *inspection) coversURL() (Check, *refusal) {
	check := Check{Name: CheckResource, Expected: in.policy.Resource}
	for _, path := range resourceReadings(in.url.path) {
		url := in.resource(path)
		matches := in.policy.MatchesURL(url)
		url = link.Redact(url)
		if !matches {
			check.Found = url
			return check, accessDenied.because("the policy is for " + in.policy.Resource + ", the request for " + url)
		}
		if check.Found == "" {
			check.Found = url // as it came
		}
	}
	return check, nil
}

func (in *inspection) started() (Check, *refusal) {
	in.now = stamp(in.request.Time)
	check := Check{Name: CheckStart, Found: in.now, Expected: "any time"}
	if in.policy.NotBefore.IsZero() {
		return check, nil
	}
	start := stamp(in.policy.NotBefore)
	check.Expected = "after " + start
	if !in.policy.Started(in.request.Time) {
		return check, accessDenied.because("the policy begins after " + start + ", and it is " + in.now)
	}
	return check, nil
}

func (in *inspection) notEnded() (Check, *refusal) {
	check := Check{Name: CheckEnd, Found: in.now, Expected: "before " + in.end}
	if in.policy.Ended(in.request.Time) {
		return check, accessDenied.because("the policy expired at " + in.end + ", and it is " + in.now)
	}
	return check, nil
}

func (in *inspection) allowsAddress() (Check, *refusal) {
	check := Check{Name: CheckAddress, Found: in.request.Viewer.String(), Expected: "any address"}
	if in.policy.SourceIP == "" {
		return check, nil
	}
	check.Expected = in.policy.SourceIP
	if !in.policy.AllowsAddress(in.request.Viewer) {
		return check, accessDenied.because("the policy is for " + in.policy.SourceIP + ", the viewer is at " + check.Found)
	}
	return check, nil
}

// stamp writes a moment to the millisecond, enough to see which side of a
// second it is on. The layout is one that package time writes without reading
// it first.
func stamp(t time.Time) string { return t.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano) }
