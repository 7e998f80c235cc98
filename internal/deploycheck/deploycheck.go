// Package deploycheck defines what the stack, the signer and the deploy check
// agree on: the object that a deploy requests with and without cookies, to
// check that premium videos are served with cookies only, and how the deploy
// check requests cookies from the signer.
package deploycheck

import "time"

// The probe is an object that a deploy uploads, in a folder of its own below the
// premium path.
const (
	Folder  = ".deploy-check"
	Name    = "probe.txt"
	Content = "Only viewers with signed cookies read this.\n"
)

// Life is the lifetime of the cookies of a deploy check.
const Life = 5 * time.Minute

// A Request is the event that asks the signer for the cookies of the probe's
// folder. It is all of the event: what comes from API Gateway has other
// members, whatever a viewer sends.
type Request struct {
	Proof Question `json:"proof"`
}

// A Question names the key to sign with, also one that still waits for its
// turn.
type Question struct {
	Key string `json:"key"`
}

// An Answer holds cookies as values of Set-Cookie, or says why there are none.
type Answer struct {
	Cookies []string `json:"cookies,omitempty"`
	Refusal string   `json:"refusal,omitempty"`
}
