package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"premiumhls/internal/link"
	"premiumhls/internal/premiumpath"
	"premiumhls/signedcookie"
)

// A grant is what a viewer holds: the values of a signed URL, and what its policy
// says. Whether the signature is valid is not known here; CloudFront has checked
// it, or refuses every URI that the function signs with it.
type grant struct {
	host   string // of the policy's resource
	folder string // that the policy opens, with slashes at both ends
	// media and playlist are the queries of URIs: those that CloudFront serves
	// from the bucket, and those of playlists, which come here.
	media, playlist string
}

// readLink reads the link in a query, and checks that it covers a path at a
// time.
func readLink(query, path string, premium premiumpath.Path, now time.Time) (grant, error) {
	value, err := onlyParameter(query)
	if err != nil {
		return grant{}, invalidLink.because(err)
	}
	fields := strings.Split(value, ".")
	if len(fields) != 4 {
		return grant{}, invalidLink.because(fmt.Errorf("%s has %d fields: must have 4", link.Parameter, len(fields)))
	}
	for _, field := range fields {
		if field == "" || strings.Trim(field, signedCharacters) != "" {
			return grant{}, invalidLink.because(fmt.Errorf("a field of %s is empty or has an invalid character", link.Parameter))
		}
	}
	hash, err := signedcookie.ParseHash(fields[3])
	if err != nil {
		return grant{}, invalidLink.because(err)
	}
	raw, err := signedcookie.Decode(fields[0])
	if err != nil {
		return grant{}, invalidLink.because(fmt.Errorf("decoding the policy: %w", err))
	}
	policy, err := signedcookie.ParsePolicy(raw)
	if err != nil {
		return grant{}, invalidLink.because(err)
	}
	var g grant
	g.media, g.playlist = link.Query(fields[0], fields[1], fields[2], hash)
	if g.host, g.folder, err = readResource(policy.Resource, premium); err != nil {
		return grant{}, invalidLink.because(err)
	}
	if !strings.HasPrefix(path, g.folder) {
		return grant{}, invalidLink.because(fmt.Errorf("the policy is for %s", policy.Resource))
	}
	if policy.Ended(now) {
		return grant{}, linkExpired.because(fmt.Errorf("the policy expired at %s", policy.Expires.UTC().Format(time.RFC3339)))
	}
	return g, nil
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
		if name, err = url.QueryUnescape(name); err != nil || name != link.Parameter {
			continue
		}
		// Some clients escape the ~ of CloudFront's base64.
		if value, err = url.QueryUnescape(text); err != nil {
			return "", fmt.Errorf("%s cannot be decoded", link.Parameter)
		}
		found++
	}
	if found != 1 {
		return "", fmt.Errorf("%d parameters %s in the query: must be 1", found, link.Parameter)
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
