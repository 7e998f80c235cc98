package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"premiumhls/internal/explain/cookiejar"
)

// checkViewer goes the whole way of a viewer who has signed in.
func (v *visit) checkViewer(ctx context.Context) {
	const cookies, premium, another = "cookies", "premium with cookies", "another video with these cookies"
	names := []string{cookies, premium, another}
	if v.config.Links {
		names = append(names, checkLink, checkOtherLink)
	}
	if v.options.Token == "" {
		for _, name := range names {
			v.skip(name, "no token is given")
		}
		return
	}
	sold, header, ok := v.buy(ctx, cookies)
	if !ok {
		for _, name := range names[1:] {
			v.skip(name, "there are no cookies")
		}
		return
	}
	if found, err := v.play(ctx, v.url(sold), header); err != nil {
		v.fail(premium, reason(err), "The cookies are set and do not open the video: run premium explain with this URL and fresh cookies for the reason.")
	} else {
		v.ok(premium, found)
	}
	path := "/" + v.config.PremiumPath + "/premiumhls-doctor/none.m3u8"
	a, err := v.get(ctx, path, header)
	switch {
	case err != nil:
		v.fail(another, reason(err), "The site did not respond: run this again.")
	case a.status != http.StatusForbidden || a.byBucket():
		v.fail(another, path+" is "+a.String(), "The cookies for "+sold.Path+" open more than that: see what Resource the signer puts into its policies.")
	default:
		v.ok(another, a.String())
	}
	if v.config.Links {
		v.checkLink(ctx, sold)
	}
}

// buy asks for the cookies of the first premium video that the viewer may
// watch.
func (v *visit) buy(ctx context.Context, name string) (video, http.Header, bool) {
	var refused *answer
	for _, c := range v.catalog {
		if c.Public {
			continue
		}
		body, err := json.Marshal(map[string]string{"path": c.Path})
		if err != nil {
			v.fail(name, err.Error(), "Fix the path of "+c.Title+" in the catalog.")
			return video{}, nil, false
		}
		a, err := v.do(ctx, http.MethodPost, v.site.String()+apiPath[1:], http.Header{
			"Authorization": {"Bearer " + v.options.Token}, "Content-Type": {"application/json"},
		}, string(body))
		if err != nil {
			v.fail(name, reason(err), "The site did not respond: run this again.")
			return video{}, nil, false
		}
		if a.status == http.StatusOK {
			header, ok := v.keep(name, c, a)
			return c, header, ok
		}
		if refused = a; a.code() != "not_entitled" {
			break
		}
	}
	switch {
	case refused == nil:
		v.skip(name, "the catalog has no premium video")
	case refused.status == http.StatusUnauthorized:
		v.fail(name, refused.String(), "The token is refused: give a fresh ID token of the page's own sign-in and client, not an access token.")
	case refused.code() == "not_entitled":
		v.fail(name, refused.String(), "The viewer has no grant for any of the catalog's videos: use the token of a viewer who has one, or see the setting entitlements.")
	case refused.code() == "keys_unavailable":
		v.fail(name, refused.String(), "The signer cannot read its keys: look at its log, and after a deploy wait until the keys are trusted everywhere.")
	default:
		v.fail(name, refused.String(), "The signer refused: look for the request id in its log.")
	}
	return video{}, nil, false
}

// keep stores the cookies of an answer as a browser does, and returns those
// that it would send for a video.
func (v *visit) keep(name string, of video, a *answer) (http.Header, bool) {
	const advice = "A browser would not send these cookies for the video: "
	target, err := v.site.Parse(v.url(of))
	if err != nil {
		v.fail(name, err.Error(), "Fix the path of the video in the catalog.")
		return nil, false
	}
	now := time.Now()
	var stored []cookiejar.Cookie
	for _, header := range a.header.Values("Set-Cookie") {
		c, refused := cookiejar.Store(header, cookiejar.Response{URL: a.url, Page: v.site, Time: now})
		if refused != nil {
			v.fail(name, refused.Name+": "+refused.Reason, advice+refused.Remedy+".")
			return nil, false
		}
		if !c.Expires.IsZero() && !c.Expires.After(now) {
			continue // cleared
		}
		if !c.Secure || !strings.Contains(strings.ToLower(header), "httponly") {
			v.fail(name, c.Name+" is not Secure and HttpOnly", "Set the cookies Secure and HttpOnly: everyone who has them can watch.")
			return nil, false
		}
		stored = append(stored, c)
	}
	sent, withheld := cookiejar.Send(stored, cookiejar.Request{URL: target, Page: v.site, Time: now})
	if len(withheld) > 0 {
		v.fail(name, withheld[0].Name+": "+withheld[0].Reason, advice+withheld[0].Remedy+".")
		return nil, false
	}
	var pairs, names []string
	for _, c := range sent {
		pairs, names = append(pairs, c.Name+"="+c.Value), append(names, c.Name)
	}
	if len(sent) < 3 {
		v.fail(name, fmt.Sprintf("%d cookies: %s", len(sent), strings.Join(names, ", ")), "The response must set the policy, the signature and the key pair id. Check that the behavior /api/* forwards cookies; otherwise CloudFront drops Set-Cookie.")
		return nil, false
	}
	v.ok(name, strings.Join(names, ", "))
	return http.Header{"Cookie": {strings.Join(pairs, "; ")}}, true
}
