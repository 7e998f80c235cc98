package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"premiumhls/signedcookie"
)

// The names of the checks, in the order in which they are made. They are in
// the events of CloudFormation and do not change.
const (
	checkReach   = "reach"
	checkRefuse  = "refuse"
	checkSign    = "sign"
	checkServe   = "serve"
	checkConfine = "confine"
	checkVerify  = "verify"
)

// A failure is a check that failed. Its text becomes the reason in an event of
// CloudFormation.
type failure struct {
	check  string
	key    string // empty where no key is concerned
	found  string
	advice string // a sentence that says what to do
	after  time.Duration
	// settled says that no change on its way to the edges explains it.
	settled bool
}

// maxText is the longest text of a failure, in bytes, as far as it depends on
// what was found: more is unreadable among the events of a deploy.
const maxText = 400

// whoAsked begins what AWS says of a call that is not allowed; a long name
// before what matters.
var whoAsked = regexp.MustCompile(`User: arn:\S+ is not authorized`)

func (f *failure) Error() string {
	of := ""
	if f.key != "" {
		of = " of key " + f.key
	}
	before := fmt.Sprintf("The proof failed after %v at the check %q%s: ", f.after.Round(time.Second), f.check, of)
	found := shortened(whoAsked.ReplaceAllString(f.found, "not authorized"), maxText-len(before)-len(". ")-len(f.advice))
	return before + found + ". " + f.advice
}

// shortened leaves out what is amid a text that is too long: an error begins
// with what was tried and ends with why that failed.
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
	howToReport  = "Deploy again; if that fails too, compare the versions of signer and prover."
	howToTurnOff = "or set deployCheck to false."
)

// unreachable is the failure of a request without an answer.
func unreachable(check string, err error) *failure {
	f := &failure{check: check, found: "no answer: " + err.Error(),
		advice: "A new distribution's name takes a while to be known; if it is, deploy again."}
	if strings.Contains(err.Error(), "tls: ") {
		f.advice = "The certificate must be one for the first of domainNames that browsers trust, and this distribution must be the one that has the name."
	}
	return f
}

// pageInstead is the failure of a request that CloudFront answers with a page
// of its own, whatever its cookies.
func pageInstead(check string, got *answer) *failure {
	f := &failure{check: check, found: got.String(), settled: true}
	switch {
	case strings.Contains(got.body, "block access from your country"):
		f.found += ": access from this country is blocked"
		f.advice = "The proof comes from the stack's own region: let its country in (allowCountries, blockCountries), " + howToTurnOff
	case strings.Contains(got.body, "Request blocked"):
		f.found += ": request blocked"
		f.advice = "A rule of the web ACL refuses the prover, whose address is one of AWS Lambda's: let it in, " + howToTurnOff
	case got.status >= http.StatusInternalServerError:
		f.settled = false
		f.advice = "CloudFront got no answer from the origin: see that the premium behavior's origin is the bucket, and deploy again."
	default:
		f.settled = false
		f.advice = "See that the host is one of the distribution's domainNames and that no other distribution has it."
	}
	return f
}

// unrefusedWithout is the failure of a probe that is not refused for want of
// cookies.
func unrefusedWithout(got *answer) *failure {
	f := &failure{check: checkRefuse, found: got.String() + " without cookies",
		advice: "This is no refusal by CloudFront's signature check: see what else answers in front of the premium path."}
	if got.status == http.StatusOK || got.byBucket() {
		f.advice = "Viewers without cookies are let in: the behavior of the premium path must trust the key group, and no behavior before it may have the path."
	}
	return f
}

// unserved is the failure of a probe that is not served with cookies, and nil
// where it is.
func (v *visit) unserved(k key, got *answer) *failure {
	f := &failure{check: checkServe, found: got.String() + " with cookies"}
	object := strings.TrimPrefix(v.probe.Path, "/")
	switch {
	case got.isProbe():
		return nil
	case got.isPage():
		return pageInstead(checkServe, got)
	case got.bySignatureCheck():
		f.advice, f.settled = adviseRefused(k, got.code)
	case got.status == http.StatusOK:
		f.advice = fmt.Sprintf("See what else writes the object %s, and that the premium behavior's origin is the bucket.", object)
	case got.byBucket() && got.status == http.StatusForbidden:
		f.advice = "CloudFront lets the cookies through and the bucket refuses CloudFront: its policy must let this distribution read, and the behavior's origin must use the origin access control."
	case got.byBucket():
		f.advice = fmt.Sprintf("CloudFront lets the cookies through and finds no probe: the origin of the premium behavior must have no path, and the bucket the object %s.", object)
	default:
		f.advice = "See that the premium behavior's origin is the bucket, and deploy again."
	}
	return f
}

// adviseRefused says what to do about a refusal by the signature check. What
// was signed is what was deployed, and a key's public half never changes: once
// an edge knows the key, nothing that is on its way can make it take the
// signature.
func adviseRefused(k key, code string) (advice string, settled bool) {
	if code == "InvalidKey" {
		return fmt.Sprintf("CloudFront does not know the key for this behavior: its key group must hold %s. If it does, the edges learn of it late: deploy again.", k.id), false
	}
	if k.kind == signedcookie.ECDSAP256 && k.hash == signedcookie.SHA256 {
		return "CloudFront does not take ECDSA with SHA-256, which AWS does not document: set signatureHash to SHA1, or signingKeyType to RSA_2048 for a new key.", true
	}
	switch code {
	case "MissingKey":
		return "CloudFront saw no cookies, although they were sent: see what is in front of the distribution.", false
	case "AccessDenied":
		return fmt.Sprintf("CloudFront knows the key and not its signature: the public key %s must be the other half of what signs, and the hash one that CloudFront takes with it.", k.id), true
	}
	return "CloudFront cannot read the cookies: see what CloudFront's documentation says of signed cookies with this key type and hash.", true
}

// unrefused is the failure of a request that the signature check must refuse,
// and nil where it does.
func unrefused(check string, got *answer) *failure {
	if got.bySignatureCheck() {
		return nil
	}
	f := &failure{check: check, found: got.String()}
	if check == checkConfine {
		f.found += " outside the policy"
	} else {
		f.found += " with a changed signature"
	}
	f.advice = "CloudFront must refuse this, and lets it through: see which behavior serves the premium path, and that it trusts the key group alone."
	return f
}
