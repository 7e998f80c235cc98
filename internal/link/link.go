// Package link defines links: URLs that play by themselves until they expire, in
// clients that send no cookies. A link is a URL that CloudFront accepts as a
// signed one, of a playlist that the links function rewrites.
package link

import (
	"net/url"
	"strings"

	"premiumhls/signedcookie"
)

// Parameter is the query parameter with what the links function needs of a link:
// POLICY.SIGNATURE.KEYPAIRID.HASH. CloudFront removes its own parameters before
// it asks an origin (developer guide, "Cache content based on query string
// parameters"), so the same values are in this one too.
const Parameter = "l"

// The names of playlists. NAME + Suffix in a link stands for the object NAME +
// PlaylistSuffix; no object may have Suffix. LessonName + Suffix is the lesson's
// playlist, whatever its name is.
const (
	PlaylistSuffix = ".m3u8"
	Suffix         = ".link.m3u8"
	LessonName     = "lesson"
)

// Query returns the queries of a link from the values of its signature, in
// CloudFront's base64: that of URLs which CloudFront serves from the bucket, and
// that of playlists, which the links function rewrites. The names are those of
// a signed URL (CloudFront developer guide, "Create a signed URL using a custom
// policy").
func Query(policy, signature, keyPairID string, hash signedcookie.Hash) (media, playlist string) {
	media = "Policy=" + policy + "&Signature=" + signature + "&Key-Pair-Id=" + keyPairID
	if hash != signedcookie.SHA1 { // which CloudFront assumes
		media += "&Hash-Algorithm=" + string(hash)
	}
	return media, media + "&" + Parameter + "=" + policy + "." + signature + "." + keyPairID + "." + string(hash)
}

// IsReserved reports whether a query has a parameter that makes its URL a signed
// one, or [Parameter]. A query that cannot be read counts as one that has.
func IsReserved(query string) bool {
	return has(query, func(name string, err error) bool {
		switch name {
		case "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm", "Expires", Parameter:
			return true
		}
		return err != nil
	})
}

// Redact returns an address without its query if that is a credential: a
// signature. What is printed, logged or typed has this form.
func Redact(address string) string {
	path, query, _ := strings.Cut(address, "?")
	if has(query, func(name string, _ error) bool {
		return name == "Policy" || name == "Signature" || name == "Key-Pair-Id" || name == Parameter
	}) {
		return path
	}
	return address
}

func has(query string, test func(name string, err error) bool) bool {
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if test(url.QueryUnescape(name)) {
			return true
		}
	}
	return false
}
