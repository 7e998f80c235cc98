package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"premiumhls/internal/issuance"
	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/signedcookie"
)

// cookiesFor is what a set of cookies depends on. Viewers with the same value share
// one signature.
type cookiesFor struct {
	key     *keyring.Key
	host    string
	path    premiumpath.Path
	end     int64      // seconds since 1970
	address netip.Addr // the zero value: any
}

// A cookieSet is a response without the parts that depend on the remaining time.
// It is shared and does not change.
type cookieSet struct {
	end     int64    // seconds since 1970
	cookies []string // values of Set-Cookie, without Max-Age
	body    string   // the JSON object without its last members and brace
	link    linkBase // if there are links
}

// setCookies returns the values of Set-Cookie for cookies that expire in left
// seconds. Max-Age makes the browser drop them then: an expired set would
// otherwise shadow a valid one of a shorter path. AWS advises against Max-Age
// (CloudFront developer guide, "Use signed cookies"), because the browser then
// keeps the cookies when it is closed.
func (s *cookieSet) setCookies(left int64) []string {
	maxAge := "; Max-Age=" + strconv.FormatInt(left, 10)
	cookies := make([]string, len(s.cookies))
	for i, cookie := range s.cookies {
		if strings.HasSuffix(cookie, removed) {
			cookies[i] = cookie
			continue
		}
		cookies[i] = cookie + maxAge
	}
	return cookies
}

// cookieSet returns cookies, cached or new. If signing fails, it returns cached
// ones that expire earlier.
func (h *handler) cookieSet(ctx context.Context, want cookiesFor) (*cookieSet, error) {
	if set, ok := h.cookieSets.Get(want); ok {
		return set, nil
	}
	set, err := h.cookieSets.Make(ctx, want, func(ctx context.Context) (*cookieSet, error) {
		return h.makeCookieSet(ctx, want)
	})
	if unavailable, ok := errors.AsType[*keyring.UnavailableError](err); ok {
		if set := h.earlierSet(want); set != nil {
			h.logger.WarnContext(ctx, "signing failed: returning cached cookies",
				"key", want.key.Name, "seconds_less", want.end-set.end, "cause", unavailable.Error())
			return set, nil
		}
	}
	return set, err
}

// earlierSet returns cached cookies that differ from want only in that they expire
// some steps earlier. They are valid for at least a step.
func (h *handler) earlierSet(want cookiesFor) *cookieSet {
	step := int64(h.settings.step / time.Second)
	earliest := max(h.time().Unix()+step, want.end-2*issuance.CachedSets*step)
	for want.end = (want.end - 1) / step * step; want.end > earliest; want.end -= step {
		if set, ok := h.cookieSets.Get(want); ok {
			return set
		}
	}
	return nil
}

func (h *handler) makeCookieSet(ctx context.Context, want cookiesFor) (*cookieSet, error) {
	policy := signedcookie.Policy{
		Resource: want.path.Resource(want.host, h.settings.premium),
		Expires:  time.Unix(want.end, 0),
	}
	if want.address.IsValid() {
		policy.SourceIP = want.address.String()
	}
	document, err := policy.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encoding the policy: %w", err)
	}
	signature, err := want.key.Sign(ctx, document)
	if err != nil {
		return nil, fmt.Errorf("signing the policy: %w", err)
	}
	values := cookieValues{
		Policy:    signedcookie.Encode(document),
		Signature: signedcookie.Encode(signature),
		KeyPairID: want.key.ID,
	}
	if want.key.Hash != signedcookie.SHA1 {
		values.HashAlgorithm = string(want.key.Hash)
	}
	path := want.path.Below(h.settings.premium)
	set := &cookieSet{end: want.end, cookies: append(h.unpartitioned(path), values.set(h.attributes(path))...)}

	issued := issued{Domain: want.host, Resource: policy.Resource, Path: path, Expires: want.end}
	if h.settings.CookieDomain != "" {
		issued.Domain = h.settings.CookieDomain
	}
	if h.settings.CookieValuesInBody {
		issued.cookieValues = values
	}
	body, err := json.Marshal(issued)
	if err != nil {
		return nil, fmt.Errorf("encoding the response: %w", err)
	}
	set.body = strings.TrimSuffix(string(body), "}")
	if h.settings.links > 0 {
		set.link = newLinkBase(policy.Resource, path, values, want.key.Hash)
	}
	return set, nil
}

// issued is the body of a 200 to POST /api/cookies without its last members,
// expiresIn and renewAfter, which differ between viewers.
type issued struct {
	cookieValues
	Domain   string // the cookies' domain
	Resource string `json:"resource"` // what the policy covers
	Path     string `json:"path"`     // the cookies' path
	Expires  int64  `json:"expires"`  // in seconds since 1970
}

// complete returns the whole body.
func (s *cookieSet) complete(left int64, renewAfter int64) string {
	body := make([]byte, 0, len(s.body)+64)
	body = append(body, s.body...)
	body = append(body, `,"expiresIn":`...)
	body = strconv.AppendInt(body, left, 10)
	body = append(body, `,"renewAfter":`...)
	body = strconv.AppendInt(body, renewAfter, 10)
	return string(append(body, '}'))
}

// cookieValues are the values of cookies by name.
type cookieValues struct {
	Policy    string `json:"CloudFront-Policy,omitempty"`
	Signature string `json:"CloudFront-Signature,omitempty"`
	KeyPairID string `json:"CloudFront-Key-Pair-Id,omitempty"`
	// HashAlgorithm is empty for SHA-1, which CloudFront assumes.
	HashAlgorithm string `json:"CloudFront-Hash-Algorithm,omitempty"`
}

// set returns values of Set-Cookie. Without a hash it clears the cookie that names
// one: a cookie left over from a key with another hash would make the edge refuse
// these.
func (v cookieValues) set(attributes string) []string {
	hash := signedcookie.HashAlgorithmCookie + "=" + v.HashAlgorithm + attributes
	if v.HashAlgorithm == "" {
		hash += removed
	}
	return []string{
		signedcookie.PolicyCookie + "=" + v.Policy + attributes,
		signedcookie.SignatureCookie + "=" + v.Signature + attributes,
		signedcookie.KeyPairIDCookie + "=" + v.KeyPairID + attributes,
		hash,
	}
}

// clearedCookies returns values of Set-Cookie that remove the cookies of path.
func (h *handler) clearedCookies(path premiumpath.Path) []string {
	below := path.Below(h.settings.premium)
	return append(h.unpartitioned(below), cleared(h.attributes(below))...)
}

// unpartitioned returns values of Set-Cookie that remove cookies without
// Partitioned, which were issued before this attribute or for another
// cookieSameSite, if those of now have it: a browser would send both, and which
// one CloudFront takes is undocumented. Browsers that ignore the attribute
// remove the cookies that the next lines set, so these come first.
func (h *handler) unpartitioned(path string) []string {
	if h.settings.CookieSameSite != "None" {
		return nil
	}
	return cleared(h.unpartitionedAttributes(path))
}

const removed = "; Max-Age=0"

// cleared returns values of Set-Cookie that remove cookies with these attributes.
func cleared(attributes string) []string {
	attributes += removed
	return []string{
		signedcookie.PolicyCookie + "=" + attributes,
		signedcookie.SignatureCookie + "=" + attributes,
		signedcookie.KeyPairIDCookie + "=" + attributes,
		signedcookie.HashAlgorithmCookie + "=" + attributes,
	}
}

// attributes returns the attributes of a cookie without Max-Age. Cookies for
// pages of other sites are Partitioned: browsers that block third-party cookies
// keep these apart for each site that shows the page, and send them (CHIPS,
// draft-ietf-httpbis-layered-cookies).
func (h *handler) attributes(path string) string {
	if h.settings.CookieSameSite == "None" {
		return h.unpartitionedAttributes(path) + "; Partitioned"
	}
	return h.unpartitionedAttributes(path)
}

func (h *handler) unpartitionedAttributes(path string) string {
	domain := ""
	if h.settings.CookieDomain != "" {
		domain = "; Domain=" + h.settings.CookieDomain
	}
	return "; Path=" + path + domain + "; Secure; HttpOnly; SameSite=" + h.settings.CookieSameSite
}
