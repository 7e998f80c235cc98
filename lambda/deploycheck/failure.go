package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"premiumhls/internal/link"
	"premiumhls/signedcookie"
)

// The names of the checks, in their order. They appear in CloudFormation's
// events and do not change.
const (
	checkReach   = "reach"
	checkRefuse  = "refuse"
	checkSign    = "sign"
	checkServe   = "serve"
	checkConfine = "confine"
	checkVerify  = "verify"
	checkLink    = "link" // if there are links
)

// A failure is a check that failed. Its text becomes the reason in
// CloudFormation's events.
type failure struct {
	check  string
	key    string // empty if it does not depend on a key
	found  string
	advice string // what to do
	after  time.Duration
	// settled: it cannot be due to a change that has not reached every edge
	// location.
	settled bool
}

// maxText limits the text of a failure, in bytes, as far as it depends on what
// was found: more is unreadable among the events of a deploy.
const maxText = 400

// caller is how AWS begins the message of a denied call: a long name before what
// matters.
var caller = regexp.MustCompile(`User: arn:\S+ is not authorized`)

func (f *failure) Error() string {
	of := ""
	if f.key != "" {
		of = " of key " + f.key
	}
	before := fmt.Sprintf("Deploy check %q%s failed after %v: ", f.check, of, f.after.Round(time.Second))
	found := shortened(caller.ReplaceAllString(f.found, "not authorized"), maxText-len(before)-len(". ")-len(f.advice))
	return before + found + ". " + f.advice
}

// shortened cuts the middle of a text that is too long: an error begins with
// what was tried and ends with why that failed.
func shortened(text string, most int) string {
	const gap = " … "
	if len(text) <= most {
		return text
	}
	room := max(most-len(gap), 0)
	head := strings.ToValidUTF8(text[:room/4], "")
	return head + gap + strings.ToValidUTF8(text[len(text)-(room-room/4):], "")
}

const (
	howToReport  = "Deploy again; if that fails too, compare the versions of the signer and the deploy check."
	howToTurnOff = "or set deployCheck to false."
)

// unreachable is the failure of a request without a response.
func unreachable(check string, err error) *failure {
	f := &failure{check: check, found: "no response: " + err.Error(),
		advice: "The name of a new distribution takes some minutes to resolve; then deploy again."}
	if strings.Contains(err.Error(), "tls: ") {
		f.advice = "The certificate must be trusted by browsers and valid for the first of domainNames, and no other distribution may have that name."
	}
	return f
}

// pageInstead is the failure of a request to which CloudFront responds with a
// page of its own, whatever its cookies.
func pageInstead(check string, got *response) *failure {
	f := &failure{check: check, found: got.String(), settled: true}
	switch {
	case strings.Contains(got.body, "block access from your country"):
		f.found += ": access from this country is blocked"
		f.advice = "The deploy check runs in the region of the stack: allow its country (allowCountries, blockCountries), " + howToTurnOff
	case strings.Contains(got.body, "Request blocked"):
		f.found += ": request blocked"
		f.advice = "A rule of the web ACL blocks the deploy check, whose address is one of AWS Lambda's: allow it, " + howToTurnOff
	case got.status >= http.StatusInternalServerError:
		f.settled = false
		f.advice = "CloudFront got no response from the origin: check that the origin of the premium behavior is the bucket, and deploy again."
	default:
		f.settled = false
		f.advice = "Check that the host is one of domainNames and that no other distribution has it."
	}
	return f
}

// servedWithoutCookies is the failure of a probe that CloudFront does not refuse
// without cookies.
func servedWithoutCookies(got *response) *failure {
	f := &failure{check: checkRefuse, found: got.String() + " without cookies",
		advice: "CloudFront's signature check did not refuse this: check what else responds to the premium path."}
	if got.status == http.StatusOK || got.byBucket() {
		f.advice = "Viewers without cookies are served: the behavior of the premium path must trust the key group, and no behavior before it may match the path."
	}
	return f
}

// unserved is the failure of a probe that is not served with cookies, or nil.
func (v *visit) unserved(k key, got *response) *failure {
	f := &failure{check: checkServe, found: got.String() + " with cookies"}
	object := strings.TrimPrefix(v.probe.Path, "/")
	switch {
	case got.isProbe():
		return nil
	case got.isPage():
		return pageInstead(checkServe, got)
	case got.bySignatureCheck():
		f.advice, f.settled = adviseRefused(k, got.Code)
	case got.status == http.StatusOK:
		f.advice = fmt.Sprintf("Check what else writes the object %s, and that the origin of the premium behavior is the bucket.", object)
	case got.byBucket() && got.status == http.StatusForbidden:
		f.advice = "CloudFront accepts the cookies and the bucket denies CloudFront: the bucket policy must allow this distribution to read, and the origin must use the origin access control."
	case got.byBucket():
		f.advice = fmt.Sprintf("CloudFront accepts the cookies and finds no probe: the origin of the premium behavior must have no path, and the bucket must have the object %s.", object)
	default:
		f.advice = "Check that the origin of the premium behavior is the bucket, and deploy again."
	}
	return f
}

// adviseRefused says what to do about a refusal by the signature check. What
// was signed is what was deployed, and a public key never changes: once an edge
// location knows the key, no change that is yet to arrive makes it accept the
// signature.
func adviseRefused(k key, code string) (advice string, settled bool) {
	if code == "InvalidKey" {
		return fmt.Sprintf("CloudFront does not know the key for this behavior: the key group must contain %s. If it does, the change is slow to reach edge locations: deploy again.", k.id), false
	}
	if k.kind == signedcookie.ECDSAP256 {
		return fmt.Sprintf("CloudFront does not accept ECDSA with %s here: set the type of this key to RSA_2048 under a new name.", k.hash), true
	}
	switch code {
	case "MissingKey":
		return "CloudFront got no cookies, although they were sent: check what is in front of the distribution.", false
	case "AccessDenied":
		return fmt.Sprintf("CloudFront knows the key and rejects its signature: the public key %s must match the private key that signs, and CloudFront must support the hash with it.", k.id), true
	}
	return "CloudFront cannot read the cookies: check CloudFront's documentation on signed cookies for this key type and hash.", true
}

// unrefused is the failure of a request that the signature check must refuse, or
// nil.
func unrefused(check string, got *response) *failure {
	if got.bySignatureCheck() {
		return nil
	}
	f := &failure{check: check, found: got.String()}
	if check == checkConfine {
		f.found += " outside the policy"
	} else {
		f.found += " with a changed signature"
	}
	f.advice = "CloudFront must refuse this: check which behavior serves the premium path, and that it trusts the key group only."
	return f
}

// unlinked is the failure of a link to a playlist that does not exist, or nil:
// the links function must say so, which it can only if CloudFront has accepted
// the signature, if the function knows the origin secret and may read the
// bucket.
func unlinked(k key, got *response) *failure {
	code := got.refusal()
	f := &failure{check: checkLink, found: strings.TrimSpace(got.String()+" "+code) + " for a link",
		advice: "Check that the behavior of *" + link.Suffix + " comes before that of the premium path and that its origin is the API, and deploy again."}
	switch {
	case got.status == http.StatusNotFound && code == "not_found":
		return nil
	case got.isPage():
		return pageInstead(checkLink, got)
	case got.bySignatureCheck():
		f.advice, f.settled = adviseRefused(k, got.Code)
	case code == "bucket_unavailable":
		f.advice = "The links function cannot read the bucket: its log has the cause. Check its role, and the bucket's policy and encryption."
	case code == "keys_unavailable" || code == "not_through_distribution":
		f.advice = "The links function does not know the origin secret: its log has the cause. Deploy again."
	case code != "":
		f.advice = "The links function refused the link: its log has the cause."
	}
	return f
}
