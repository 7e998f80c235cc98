package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"premiumhls/internal/premiumpath"
	"premiumhls/signedcookie"
)

// parameter is the query parameter with what the function needs of a link:
// POLICY.SIGNATURE.KEYPAIRID.HASH. CloudFront removes its own parameters before
// it asks an origin (developer guide, "Cache content based on query string
// parameters"), so the same values are in this one too.
const parameter = "l"

// reserved are the query parameters that make a URL a signed one, and our own.
// A URI that has one is left as it is.
var reserved = map[string]bool{
	"Policy": true, "Signature": true, "Key-Pair-Id": true, "Expires": true, "Hash-Algorithm": true, parameter: true,
}

// A link is what a viewer holds: the values of a signed URL, and what its policy
// says. Whether the signature is valid is not known here; CloudFront has checked
// it, or refuses every URI that the function signs with it.
type link struct {
	host   string // of the policy's resource
	folder string // that the policy opens, with slashes at both ends
	// media and playlist are the queries of URIs: those that CloudFront serves
	// from the bucket, and those of playlists, which come here.
	media, playlist string
}

// readLink reads the link in a query, and checks that it covers a path at a
// time.
func readLink(query, path string, premium premiumpath.Path, now time.Time) (link, error) {
	value, err := onlyParameter(query)
	if err != nil {
		return link{}, invalidLink.because(err)
	}
	fields := strings.Split(value, ".")
	if len(fields) != 4 {
		return link{}, invalidLink.because(fmt.Errorf("%s has %d fields: must have 4", parameter, len(fields)))
	}
	for _, field := range fields {
		if field == "" || strings.Trim(field, signedCharacters) != "" {
			return link{}, invalidLink.because(fmt.Errorf("a field of %s is empty or has an invalid character", parameter))
		}
	}
	hash, err := signedcookie.ParseHash(fields[3])
	if err != nil {
		return link{}, invalidLink.because(err)
	}
	raw, err := signedcookie.Decode(fields[0])
	if err != nil {
		return link{}, invalidLink.because(fmt.Errorf("decoding the policy: %w", err))
	}
	policy, err := signedcookie.ParsePolicy(raw)
	if err != nil {
		return link{}, invalidLink.because(err)
	}
	l := link{media: "Policy=" + fields[0] + "&Signature=" + fields[1] + "&Key-Pair-Id=" + fields[2]}
	if hash != signedcookie.SHA1 { // which is what no hash means
		l.media += "&Hash-Algorithm=" + fields[3]
	}
	l.playlist = l.media + "&" + parameter + "=" + value
	if l.host, l.folder, err = readResource(policy.Resource, premium); err != nil {
		return link{}, invalidLink.because(err)
	}
	if !strings.HasPrefix(path, l.folder) {
		return link{}, invalidLink.because(fmt.Errorf("the policy is for %s", policy.Resource))
	}
	if policy.Ended(now) {
		return link{}, linkExpired.because(fmt.Errorf("the policy ended at %s", policy.Expires.UTC().Format(time.RFC3339)))
	}
	return l, nil
}

// signedCharacters are those of the values of a signed URL: CloudFront's base64
// (without =, + and /) and the id of a key.
const signedCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~"

// onlyParameter returns the decoded value of our parameter, which must be in a
// query once.
func onlyParameter(query string) (value string, err error) {
	found := 0
	for pair := range strings.SplitSeq(query, "&") {
		name, text, _ := strings.Cut(pair, "=")
		if name, err = url.QueryUnescape(name); err != nil || name != parameter {
			continue
		}
		// Some clients escape the ~ of CloudFront's base64.
		if value, err = url.QueryUnescape(text); err != nil {
			return "", fmt.Errorf("%s cannot be decoded", parameter)
		}
		found++
	}
	if found != 1 {
		return "", fmt.Errorf("%d parameters %s in the query: must be 1", found, parameter)
	}
	return value, nil
}

// readResource reads a policy's resource, https://HOST/PREMIUM/SEGMENTS/*, as
// the signer writes it. A policy for everything premium is not for a link.
func readResource(resource string, premium premiumpath.Path) (host, folder string, err error) {
	rest, ok := strings.CutPrefix(resource, "https://")
	host, below, found := strings.Cut(rest, "/")
	if !ok || !found || host == "" {
		return "", "", errors.New("the policy's resource is not a URL with https")
	}
	below, ok = strings.CutSuffix("/"+below, "/*")
	path, inside := strings.CutPrefix(below, premium.Below(premiumpath.Path{}))
	if !ok || !inside {
		return "", "", errors.New("the policy's resource is not a folder of premium videos")
	}
	granted, err := premiumpath.Parse(path)
	if err != nil || granted.String() == "" {
		return "", "", errors.New("the policy's resource is not a course or a folder in it")
	}
	return host, granted.Below(premium), nil
}
