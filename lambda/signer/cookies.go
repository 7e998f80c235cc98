package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"premiumhls/internal/issuance"
	"premiumhls/internal/premiumpath"
	"premiumhls/lambda/internal/keyring"
	"premiumhls/signedcookie"
)

// cookiesFor is what a set of cookies depends on. Viewers for whom it is the
// same share one signature.
type cookiesFor struct {
	key     *keyring.Key
	host    string
	path    premiumpath.Path
	end     int64      // seconds since 1970
	address netip.Addr // the zero value: any
}

// A cookieSet is an answer but for the time that is left. It is shared, and
// does not change.
type cookieSet struct {
	end     int64    // seconds since 1970
	cookies []string // values of Set-Cookie
	body    string   // the JSON object without its last member and brace
}

// cookieSet returns the cookies for what is asked for, made now or kept. Where
// they cannot be signed just now, they are some that were kept and end earlier.
func (h *handler) cookieSet(ctx context.Context, want cookiesFor) (*cookieSet, error) {
	if set, ok := h.cookieSets.Get(want); ok {
		return set, nil
	}
	set, err := h.cookieSets.Make(ctx, want, func(ctx context.Context) (*cookieSet, error) {
		return h.makeCookieSet(ctx, want)
	})
	if unavailable, ok := errors.AsType[*keyring.UnavailableError](err); ok {
		if set := h.earlierSet(want); set != nil {
			h.logger.WarnContext(ctx, "cookies cannot be signed; kept ones are given",
				"key", want.key.Name, "seconds_less", want.end-set.end, "cause", unavailable.Error())
			return set, nil
		}
	}
	return set, err
}

// earlierSet returns the kept cookies that differ from what is asked for only
// in that they end some steps earlier, and last for a step at least.
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
		return nil, fmt.Errorf("writing the policy: %w", err)
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
	set := &cookieSet{end: want.end, cookies: values.set(h.attributes(path))}

	answer := answer{Domain: want.host, Resource: policy.Resource, Path: path, Expires: want.end}
	if h.settings.CookieDomain != "" {
		answer.Domain = h.settings.CookieDomain
	}
	if h.settings.CookieValuesInBody {
		answer.cookieValues = values
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	set.body = strings.TrimSuffix(string(body), "}")
	return set, nil
}

// An answer is the body of a 200, but for ExpiresIn, which changes from one
// second to the next and is added last.
type answer struct {
	cookieValues
	Domain   string // where the cookies are to be sent
	Resource string // what the policy covers
	Path     string // the cookies' Path
	Expires  int64  // when they end, in seconds since 1970
}

// cookieValues are the values by the names of their cookies.
type cookieValues struct {
	Policy    string `json:"CloudFront-Policy,omitempty"`
	Signature string `json:"CloudFront-Signature,omitempty"`
	KeyPairID string `json:"CloudFront-Key-Pair-Id,omitempty"`
	// HashAlgorithm is empty for SHA-1, which CloudFront assumes.
	HashAlgorithm string `json:"CloudFront-Hash-Algorithm,omitempty"`
}

// set returns values of Set-Cookie. Where no hash is named, a cookie that
// names one is cleared: it would be left over from a key with another hash,
// and make the edge refuse these.
func (v cookieValues) set(attributes string) []string {
	hash := signedcookie.HashAlgorithmCookie + "=" + v.HashAlgorithm + attributes
	if v.HashAlgorithm == "" {
		hash += cleared
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
	attributes := h.attributes(path.Below(h.settings.premium)) + cleared
	return []string{
		signedcookie.PolicyCookie + "=" + attributes,
		signedcookie.SignatureCookie + "=" + attributes,
		signedcookie.KeyPairIDCookie + "=" + attributes,
		signedcookie.HashAlgorithmCookie + "=" + attributes,
	}
}

const cleared = "; Max-Age=0"

// attributes returns what follows a cookie's value. There is no end: the
// policy has one, and AWS advises to leave out Expires and Max-Age (CloudFront
// developer guide, "Use signed cookies").
func (h *handler) attributes(path string) string {
	domain := ""
	if h.settings.CookieDomain != "" {
		domain = "; Domain=" + h.settings.CookieDomain
	}
	return "; Path=" + path + domain + "; Secure; HttpOnly; SameSite=" + h.settings.CookieSameSite
}
