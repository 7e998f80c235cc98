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

// NoPlaylist is the name, without its suffix, of a playlist in the probe's folder
// that does not exist.
const NoPlaylist = "none"

// Lifetime is the lifetime of the cookies of a deploy check.
const Lifetime = 5 * time.Minute

// A Request is the event with which the deploy check requests cookies for the
// probe's folder from the signer. It has no other member: the events of API
// Gateway have others, whatever a viewer sends.
type Request struct {
	DeployCheck Parameters `json:"deployCheck"`
}

// Parameters name the key to sign with, which may be one that is not active
// yet.
type Parameters struct {
	Key string `json:"key"`
}

// A Response has cookies as values of Set-Cookie, or says why there are none.
type Response struct {
	Cookies []string `json:"cookies,omitempty"`
	Refusal string   `json:"refusal,omitempty"`
}
