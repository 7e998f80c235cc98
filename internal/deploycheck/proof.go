// Package proof is what stack, signer and prover agree on: the object by which
// a deploy proves that premium videos are served to viewers with cookies and
// to nobody else, and the prover's question to the signer.
package deploycheck

import "time"

// The probe is an object in a folder of its own below the premium path, which
// a deploy puts there.
const (
	Folder  = ".proof"
	Name    = "probe.txt"
	Content = "Only viewers with signed cookies read this.\n"
)

// Life is how long the cookies of a proof last.
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
