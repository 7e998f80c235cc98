package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"premiumhls/internal/premiumpath"
	"premiumhls/internal/strictjson"
	"premiumhls/lambda/internal/entitlement"
	"premiumhls/lambda/internal/keyring"
)

// maxBody is the largest body in bytes.
const maxBody = 4 << 10

// Headers, as payload format 2.0 spells them. The distribution sets them and
// replaces what a viewer sends under these names. That holds only for requests
// that came through it, so the first is checked before the others are read.
const (
	originSecretHeader = "x-origin-secret"
	// Set by the distribution's viewer-request function, and only if cookies are
	// bound to addresses: otherwise it is what a viewer sent.
	viewerAddressHeader = "x-viewer-address"
	forwardedHeader     = "x-forwarded-for"
	edgeRequestHeader   = "x-amz-cf-id" // x-edge-request-id in CloudFront's log
)

// A request is an event and what is known about it so far.
type request struct {
	event    *events.APIGatewayV2HTTPRequest
	snapshot *keyring.Snapshot
	viewer   entitlement.Viewer
	path     premiumpath.Path
	key      *keyring.Key // the one that signed
	expires  int64        // when the cookies or the link expire, in seconds since 1970

	edgeRequest string // CloudFront's id of the request
	address     string // from which the viewer connected to CloudFront
}

// authenticate reads the claims of the token that the authorizer accepted. A
// request without claims bypassed the authorizer and is refused.
func (r *request) authenticate() error {
	authorizer := r.event.RequestContext.Authorizer
	if authorizer == nil || authorizer.JWT == nil {
		return unauthenticated.because(errors.New("the event has no claims"))
	}
	subject := authorizer.JWT.Claims["sub"]
	if subject == "" {
		return unauthenticated.because(errors.New("the claims have no sub"))
	}
	// Cognito's token_use says what a token is for. API Gateway accepts access
	// tokens as well, by their client id; but those are sent to other services
	// too, any of which could then act as the viewer here.
	if use := authorizer.JWT.Claims["token_use"]; use != "" && use != "id" {
		return unauthenticated.because(errors.New("the token is not an ID token"))
	}
	r.viewer = entitlement.Viewer{Subject: subject, Claims: authorizer.JWT.Claims}
	return nil
}

// readPath reads the body of a request for a path.
func (r *request) readPath() error {
	path, _, err := r.readBody("path")
	if err == nil {
		r.path, err = parsePath(path)
	}
	return err
}

func parsePath(text string) (premiumpath.Path, error) {
	path, err := premiumpath.Parse(text)
	if err != nil {
		return path, &invalidPath
	}
	return path, nil
}

// readBody returns the path and the playlist of a body that has no members but
// those listed.
func (r *request) readBody(members ...string) (path, playlist string, err error) {
	body := r.event.Body
	if r.event.IsBase64Encoded {
		if len(body) > base64.StdEncoding.EncodedLen(maxBody) {
			return "", "", &bodyTooLarge
		}
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return "", "", invalidJSON.because(errors.New("invalid base64"))
		}
		body = string(decoded)
	}
	if len(body) > maxBody {
		return "", "", &bodyTooLarge
	}
	return parseBody(body, members...)
}

// parseBody returns the path and the playlist in a JSON object that has no
// members but those listed. An empty body is an empty object.
func parseBody(body string, allowed ...string) (path, playlist string, err error) {
	if body == "" {
		return "", "", nil
	}
	members, err := strictjson.Object([]byte(body))
	if err != nil {
		return "", "", invalidJSON.because(err)
	}
	if err := strictjson.Only(members, allowed...); err != nil {
		return "", "", unknownField.because(err)
	}
	path, ok := stringMember(members, "path")
	if !ok {
		return "", "", invalidPath.because(errors.New("path is not a string"))
	}
	playlist, ok = stringMember(members, "playlist")
	if !ok {
		return "", "", invalidPlaylistPath.because(errors.New("playlist is not a string"))
	}
	return path, playlist, nil
}

// stringMember returns a member of an object, empty if it is missing, and false
// if it is not a string.
func stringMember(members map[string]json.RawMessage, name string) (string, bool) {
	text, ok := members[name]
	if !ok {
		return "", true
	}
	var value *string
	if err := json.Unmarshal(text, &value); err != nil || value == nil {
		return "", false
	}
	return *value, true
}

// viewerAddress returns the IPv4 address from which the viewer connected to
// CloudFront. X-Forwarded-For is not used: a viewer chooses how it begins.
func (r *request) viewerAddress() (netip.Addr, error) {
	text, ok := r.event.Headers[viewerAddressHeader]
	if !ok {
		return netip.Addr{}, addressNotIPv4.because(errors.New("X-Viewer-Address is missing"))
	}
	// A list is invalid: a viewer could have sent a part of it.
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, addressNotIPv4.because(errors.New("X-Viewer-Address is not an address"))
	}
	if address = address.Unmap(); !address.Is4() {
		return netip.Addr{}, addressNotIPv4.because(errors.New("the viewer's address is IPv6, which a policy cannot hold"))
	}
	return address, nil
}

// forwardedAddress returns the address from which the viewer connected to
// CloudFront, for the log; empty if it is unknown. CloudFront appends it to
// X-Forwarded-For, whatever a viewer sent, and API Gateway can append the address
// of the edge location.
func (r *request) forwardedAddress() string {
	hops := strings.Split(r.event.Headers[forwardedHeader], ",")
	for i := range hops {
		hops[i] = strings.TrimSpace(hops[i])
	}
	if n := len(hops); n > 1 && hops[n-1] == r.event.RequestContext.HTTP.SourceIP {
		hops = hops[:n-1]
	}
	address, err := netip.ParseAddr(hops[len(hops)-1])
	if err != nil {
		return ""
	}
	return address.Unmap().WithZone("").String()
}
