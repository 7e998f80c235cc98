package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"premiumhls/signedcookie"
)

// A viewer visits repeatedly. Only one goroutine at a time uses it.
type viewer struct {
	name     string
	both     bool // has bought both courses
	token    string
	signedIn time.Time
	visits   int // starts at a different number for each, so that every kind of request occurs early
}

// newToken is the age at which a viewer signs in again: a token lasts an hour.
const newToken = 45 * time.Minute

// A worker acts as one viewer after the other.
type worker struct {
	site   *site
	shared *shared
	tally  *tally
	buffer bytes.Buffer
}

// shared holds the counters of all workers.
type shared struct {
	left atomic.Int64 // requests
	sent atomic.Int64
	part atomic.Int64 // of a course that was never requested before
}

// errEnough ends a worker: no requests or no time left. errWrong ends a visit: a
// response, which is recorded, was not the expected one.
var (
	errEnough = errors.New("enough")
	errWrong  = errors.New("wrong response")
)

// send sends a request and compares the response with the expected one.
func (w *worker) send(ctx context.Context, r request) (response, error) {
	if ctx.Err() != nil || w.shared.left.Add(-1) < 0 {
		return response{}, errEnough
	}
	made, err := r.make(ctx)
	if err != nil {
		return response{}, w.tally.wrong(r, err.Error())
	}
	began := time.Now()
	received, err := w.site.client.Do(made)
	if err == nil {
		w.buffer.Reset()
		_, err = io.Copy(&w.buffer, received.Body)
		received.Body.Close()
	}
	took := time.Since(began)
	if err != nil {
		if ctx.Err() != nil {
			return response{}, errEnough // interrupted by the end of the run
		}
		return response{}, w.tally.wrong(r, err.Error())
	}
	w.shared.sent.Add(1)
	w.tally.took(r.kind, took)
	got := response{received.StatusCode, received.Header, w.buffer.Bytes()}
	if what := r.want.compare(got, r.from); what != "" {
		return response{}, w.tally.wrong(r, what)
	}
	return got, nil
}

// compare describes what is wrong with a response; it returns an empty string for
// the expected one.
func (d expected) compare(got response, from int) string {
	switch {
	case got.status != d.status:
		return fmt.Sprintf("status %d, want %d: %.200q", got.status, d.status, got.body)
	case d.code != "" && !bytes.Contains(got.body, []byte("<Code>"+d.code+"</Code>")) && !bytes.Contains(got.body, []byte(`"code":"`+d.code+`"`)):
		return fmt.Sprintf("no code %s: %.200q", d.code, got.body)
	case d.status >= 400 && got.header.Get("Set-Cookie") != "":
		return "a refusal sets a cookie"
	case d.content != nil && !bytes.Equal(got.body, d.content[from:]):
		return fmt.Sprintf("%d bytes that differ from the file", len(got.body))
	}
	return ""
}

func bodyOf(text string) io.Reader {
	if text == "" {
		return nil
	}
	return strings.NewReader(text)
}

// visit is one visit of a viewer: they sign in once, open the page, request the
// cookies of a course and watch some of it, and try what must be refused.
func (w *worker) visit(ctx context.Context, v *viewer) error {
	n := v.visits
	v.visits++
	if v.token == "" || time.Since(v.signedIn) > newToken {
		if err := w.signIn(ctx, v); err != nil {
			return err
		}
	}
	course, other := &w.site.courses[0], &w.site.courses[1]
	if v.both && n%2 == 1 {
		course, other = other, course
	}
	steps := []func() error{
		func() error { return w.get(ctx, pages, w.site.page, "", 0) },
		func() error { return w.get(ctx, pages, w.site.trailer.playlists[0], "", 0) },
		func() error { return w.get(ctx, pages, w.site.trailer.segments[n%len(w.site.trailer.segments)], "", 0) },
		func() error { return w.watch(ctx, v, course, other, n) },
		func() error { return w.refusedByAPI(ctx, v, n) },
	}
	if n%2 == 0 {
		steps = append(steps, func() error {
			_, err := w.send(ctx, request{kind: entitlements, method: "GET", url: w.site.origin + "/api/entitlements", token: v.token, want: expected{status: 200}})
			return err
		})
	}
	if n%4 == 1 {
		steps = append(steps, func() error { return w.openPart(ctx, v, course) })
	}
	if n%8 == 3 {
		steps = append(steps, func() error {
			_, err := w.send(ctx, request{kind: cleared, method: "DELETE", url: w.site.origin + "/api/cookies", token: v.token,
				body: bodyFor(course.name), want: expected{status: 204}})
			return err
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// signIn signs in at the issuer as the page does, with the code flow and PKCE.
func (w *worker) signIn(ctx context.Context, v *viewer) error {
	verifier := rand.Text() + rand.Text()
	digest := sha256.Sum256([]byte(verifier))
	known, back := w.site.signIn, w.site.origin+"/"
	got, err := w.send(ctx, request{kind: signIns, method: "POST", url: known.AuthorizationEndpoint, form: true, want: expected{status: http.StatusSeeOther}, body: url.Values{
		"response_type": {"code"}, "client_id": {known.ClientID}, "redirect_uri": {back}, "scope": {known.Scope}, "state": {rand.Text()}, "nonce": {rand.Text()},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(digest[:])}, "viewer": {v.name},
	}.Encode()})
	if err != nil {
		return err
	}
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil {
		return w.tally.wrong(request{kind: signIns}, err.Error())
	}
	exchange := request{kind: signIns, method: "POST", url: known.TokenEndpoint, form: true, want: expected{status: 200}, body: url.Values{
		"grant_type": {"authorization_code"}, "code": {to.Query().Get("code")}, "client_id": {known.ClientID}, "redirect_uri": {back}, "code_verifier": {verifier},
	}.Encode()}
	if got, err = w.send(ctx, exchange); err != nil {
		return err
	}
	var tokens struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal(got.body, &tokens); err != nil || tokens.IDToken == "" {
		return w.tally.wrong(exchange, "no token")
	}
	v.token, v.signedIn = tokens.IDToken, time.Now()
	return nil
}

func (w *worker) get(ctx context.Context, k kind, f file, cookies string, from int) error {
	d := expected{status: 200, content: f.content}
	if from > 0 {
		d.status = http.StatusPartialContent
	}
	_, err := w.send(ctx, request{kind: k, method: "GET", url: f.url, cookies: cookies, from: from, want: d})
	return err
}

// watch requests the cookies of a course and plays some of it, and then tries
// requests that the cookies do not cover.
func (w *worker) watch(ctx context.Context, v *viewer, course, other *video, n int) error {
	cookies, err := w.ask(ctx, v, course.name)
	if err != nil {
		return err
	}
	for _, f := range course.playlists {
		if err := w.get(ctx, playlists, f, cookies.header(), 0); err != nil {
			return err
		}
	}
	for i := range 6 {
		from := 0
		if i == 5 {
			from = 188 // a player that resumes in the middle
		}
		if err := w.get(ctx, segments, course.segments[(n+i)%len(course.segments)], cookies.header(), from); err != nil {
			return err
		}
	}
	return w.refusedByEdge(ctx, cookies, course, other, n)
}

// openPart requests cookies for a path that was never requested before, so that
// a new signature is needed, and a file that does not exist there.
func (w *worker) openPart(ctx context.Context, v *viewer, course *video) error {
	part := fmt.Sprintf("%s/part-%d", course.name, w.shared.part.Add(1))
	cookies, err := w.ask(ctx, v, part)
	if err != nil {
		return err
	}
	_, err = w.send(ctx, request{kind: missing, method: "GET", url: w.site.origin + "/premium/" + part + "/index.m3u8",
		cookies: cookies.header(), want: expected{status: 404, code: "NoSuchKey"}})
	return err
}

func bodyFor(path string) string { return `{"path":"` + path + `"}` }

// ask requests the cookies of a path.
func (w *worker) ask(ctx context.Context, v *viewer, path string) (cookies, error) {
	r := request{kind: asked, method: "POST", url: w.site.origin + "/api/cookies", token: v.token, body: bodyFor(path), want: expected{status: 200}}
	got, err := w.send(ctx, r)
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(got.body, []byte(`"path":"/premium/`+path+`/"`)) {
		return nil, w.tally.wrong(r, fmt.Sprintf("cookies of another path: %.200q", got.body))
	}
	set := cookies{}
	for _, c := range (&http.Response{Header: got.header}).Cookies() {
		if c.MaxAge >= 0 {
			set[c.Name] = c.Value
		}
	}
	if set[signedcookie.PolicyCookie] == "" || set[signedcookie.SignatureCookie] == "" || set[signedcookie.KeyPairIDCookie] == "" {
		return nil, w.tally.wrong(r, "a cookie is missing")
	}
	return set, nil
}

// cookies are values by name.
type cookies map[string]string

// header returns the Cookie header, with some values changed.
func (c cookies) header(changes ...string) string {
	changed := map[string]string{}
	for i := 0; i < len(changes); i += 2 {
		changed[changes[i]] = changes[i+1]
	}
	var b strings.Builder
	for name, value := range c {
		if other, ok := changed[name]; ok {
			value = other
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(name + "=" + value)
	}
	return b.String()
}
