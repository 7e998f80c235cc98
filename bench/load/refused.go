package main

import (
	"context"
	"strings"
	"time"

	"premiumhls/signedcookie"
)

// refusedByEdge tries one way to get past the edge.
func (w *worker) refusedByEdge(ctx context.Context, c cookies, course, other *video, n int) error {
	r := request{kind: refusedAtEdge, method: "GET", url: course.playlists[0].url, want: expected{status: 403, code: "AccessDenied"}}
	switch n % 6 {
	case 0: // without cookies
		r.want.code = "MissingKey"
	case 1: // another course
		r.url, r.cookies = other.playlists[0].url, c.header()
	case 2: // another course through this one
		r.url, r.cookies = w.site.origin+"/premium/"+course.name+"/%2e%2e/"+other.name+"/sample/master.m3u8", c.header()
	case 3: // a changed signature
		signature := []byte(c[signedcookie.SignatureCookie])
		if signature[len(signature)/2] ^= 1; !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", rune(signature[len(signature)/2])) {
			signature[len(signature)/2] = 'x'
		}
		r.cookies = c.header(signedcookie.SignatureCookie, string(signature))
	case 4: // a wider policy
		policy, err := signedcookie.Policy{Resource: "https" + strings.TrimPrefix(w.site.origin, "http") + "/*", Expires: time.Now().Add(time.Hour)}.Marshal()
		if err != nil {
			return w.tally.wrong(r, err.Error())
		}
		r.cookies = c.header(signedcookie.PolicyCookie, signedcookie.Encode(policy))
	case 5: // another key
		r.cookies, r.want.code = c.header(signedcookie.KeyPairIDCookie, "K2FOREIGN00000"), "InvalidKey"
	}
	_, err := w.send(ctx, r)
	return err
}

// refusedByAPI tries one way to get cookies that the viewer may not have.
func (w *worker) refusedByAPI(ctx context.Context, v *viewer, n int) error {
	r := request{kind: refusedByAPI, method: "POST", url: w.site.origin + "/api/cookies", token: v.token, body: bodyFor("course-1")}
	switch n % 8 {
	case 0:
		r.token, r.want = "", expected{status: 401}
	case 1:
		r.token, r.want = forge(v.token), expected{status: 401}
	case 2:
		r.body, r.want = bodyFor("course-1/../course-2"), expected{status: 400, code: "invalid_path"}
	case 3:
		r.body, r.want = bodyFor("course-*"), expected{status: 400, code: "invalid_path"}
	case 4:
		r.body, r.want = bodyFor("course-3"), expected{status: 403, code: "not_entitled"}
	case 5:
		r.body, r.want = "", expected{status: 403, code: "not_entitled"}
	case 6:
		r.body, r.want = `{"path":"course-1","host":"example.com"}`, expected{status: 400, code: "unknown_field"}
	case 7:
		r.body, r.want = bodyFor(strings.Repeat("a", 5000)), expected{status: 400, code: "body_too_large"}
	}
	_, err := w.send(ctx, r)
	return err
}
