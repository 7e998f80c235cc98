package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"premiumhls/internal/deploycheck"
	"premiumhls/internal/link"
	"premiumhls/signedcookie"
)

// A visit checks a distribution and its signer as a viewer meets them.
type visit struct {
	subject
	invoker invoker
	client  *http.Client
	scheme  string   // of requests
	probe   *url.URL // as viewers have it
}

func (c *checker) newVisit(s subject) (*visit, error) {
	probe, err := url.Parse("https://" + s.host + "/" + s.premium + "/" + deploycheck.Folder + "/" + deploycheck.Name)
	if err != nil {
		return nil, fmt.Errorf("making the URL of the probe: %w", err)
	}
	v := &visit{subject: s, invoker: c.signer, probe: probe}
	v.scheme, v.client = c.endpoint.client(s.domain)
	return v, nil
}

func (v *visit) close() { v.client.CloseIdleConnections() }

// check makes all checks and returns the first that fails.
func (v *visit) check(ctx context.Context) *failure {
	if failed := v.checkWithout(ctx); failed != nil {
		return failed
	}
	for _, k := range v.keys {
		if failed := v.checkKey(ctx, k); failed != nil {
			failed.key = k.name
			return failed
		}
	}
	return nil
}

// checkWithout requests the probe without cookies.
func (v *visit) checkWithout(ctx context.Context) *failure {
	got, err := v.get(ctx, v.probe.Path, nil)
	switch {
	case err != nil:
		return unreachable(checkReach, err)
	case got.isPage() || got.status == http.StatusMisdirectedRequest:
		return pageInstead(checkReach, got)
	case !got.bySignatureCheck():
		return servedWithoutCookies(got)
	}
	return nil
}

// checkKey requests the probe with cookies of a key, and what they must not
// open.
func (v *visit) checkKey(ctx context.Context, k key) *failure {
	signed, failed := v.sign(ctx, k)
	if failed != nil {
		return failed
	}
	elsewhere := strings.Replace(v.probe.Path, deploycheck.Folder, deploycheck.Folder+"-elsewhere", 1)
	for _, c := range []struct {
		check   string
		path    string
		cookies cookies
		wrong   func(*response) *failure // nil if the response is right
	}{
		{checkServe, v.probe.Path, signed, func(got *response) *failure { return v.unserved(k, got) }},
		{checkConfine, elsewhere, signed, func(got *response) *failure { return unrefused(checkConfine, got) }},
		{checkVerify, v.probe.Path, signed.withChangedSignature(), func(got *response) *failure { return unrefused(checkVerify, got) }},
	} {
		got, err := v.get(ctx, c.path, c.cookies)
		if err != nil {
			return unreachable(c.check, err)
		}
		if failed := c.wrong(got); failed != nil {
			return failed
		}
	}
	if v.links {
		return v.checkLink(ctx, k, signed)
	}
	return nil
}

// checkLink requests a link to a playlist that does not exist.
func (v *visit) checkLink(ctx context.Context, k key, signed cookies) *failure {
	_, query := link.Query(signed.value(signedcookie.PolicyCookie), signed.value(signedcookie.SignatureCookie), k.id, k.hash)
	playlist := strings.TrimSuffix(v.probe.Path, deploycheck.Name) + deploycheck.NoPlaylist + link.Suffix
	got, err := v.get(ctx, playlist+"?"+query, nil)
	if err != nil {
		return unreachable(checkLink, err)
	}
	return unlinked(k, got)
}

// get requests a path of the viewers' host from the distribution.
func (v *visit) get(ctx context.Context, path string, with cookies) (*response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.scheme+"://"+v.host+path, nil)
	if err != nil {
		return nil, err
	}
	for _, c := range with {
		request.AddCookie(c)
	}
	r, err := v.client.Do(request)
	if err != nil {
		if where, ok := errors.AsType[*url.Error](err); ok {
			err = where.Err // whose URL says nothing new
		}
		return nil, err
	}
	return readResponse(r)
}

// cookies are what a browser sends with a request.
type cookies []*http.Cookie

// browse returns the cookies that a browser sends to a URL of those that a
// response from there sets.
func browse(u *url.URL, set []string) (cookies, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	var parsed cookies
	for _, line := range set {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, c)
	}
	jar.SetCookies(u, parsed)
	return jar.Cookies(u), nil
}

func (c cookies) value(name string) string {
	for _, cookie := range c {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// withChangedSignature returns the cookies with a signature that differs in
// one bit, and has the form of one all the same.
func (c cookies) withChangedSignature() cookies {
	var changed cookies
	for _, cookie := range c {
		if signature, err := signedcookie.Decode(cookie.Value); cookie.Name == signedcookie.SignatureCookie && err == nil && len(signature) > 0 {
			signature[len(signature)-1] ^= 1
			cookie = &http.Cookie{Name: cookie.Name, Value: signedcookie.Encode(signature)}
		}
		changed = append(changed, cookie)
	}
	return changed
}
