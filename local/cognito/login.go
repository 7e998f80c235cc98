package cognito

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// scopes are the supported scopes of Cognito's managed login.
var scopes = []string{"openid", "email", "profile"}

const maxParameter = 2048 // bytes of state and of nonce

// authorization is a request for a code.
type authorization struct {
	clientID, redirectURI, scope, state, nonce, challenge string
}

// readAuthorization checks a request in two steps. Until client and redirect URI
// are known to belong together, an error is shown to the viewer (problem); after
// that it is sent to the client in a redirect (code). So no request can make
// this an open redirect (RFC 6749, section 4.1.2.1; RFC 9700, section 4.11).
func (p *Provider) readAuthorization(q url.Values) (a authorization, problem, code string) {
	a = authorization{
		clientID: q.Get("client_id"), redirectURI: q.Get("redirect_uri"), scope: q.Get("scope"),
		state: q.Get("state"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"),
	}
	switch {
	case repeated(q):
		return a, "The request has a parameter more than once.", ""
	case !slices.Contains(p.options.ClientIDs, a.clientID):
		return a, "client_id: not registered with this sign-in service.", ""
	case !slices.Contains(p.options.RedirectURIs, a.redirectURI):
		return a, "redirect_uri: not registered with this sign-in service.", ""
	}
	if len(a.state) > maxParameter {
		a.state = ""
		return a, "", string(errInvalidRequest)
	}
	switch {
	case q.Get("response_type") != "code":
		return a, "", "unsupported_response_type"
	case q.Get("code_challenge_method") != "S256", len(a.challenge) != 43, strings.Trim(a.challenge, pkceCharacters) != "", len(a.nonce) > maxParameter:
		return a, "", string(errInvalidRequest)
	}
	asked := strings.Fields(a.scope)
	if !slices.Contains(asked, "openid") || slices.ContainsFunc(asked, func(s string) bool { return !slices.Contains(scopes, s) }) {
		return a, "", "invalid_scope"
	}
	return a, "", ""
}

// repeated reports whether any parameter occurs more than once, which RFC 6749,
// section 3.1, forbids.
func repeated(q url.Values) bool {
	for _, values := range q {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

// askViewer shows a page with a button for each viewer.
func (p *Provider) askViewer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a, problem, code := p.readAuthorization(q)
	switch {
	case problem != "":
		p.page(w, http.StatusBadRequest, page{Title: "Sign-in failed", Problem: problem})
		return
	case code != "":
		a.redirect(w, r, url.Values{"error": {code}})
		return
	}
	p.page(w, http.StatusOK, page{Title: "Sign in", Viewers: p.Viewers(), Fields: fieldsOf(q), MaySignUp: p.options.SendCode != nil, Query: template.URL(q.Encode())})
}

// signIn handles the form: the same parameters, checked again, and a viewer.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	a, ok := p.readForm(w, r)
	if !ok {
		return
	}
	v, ok := p.viewer(r.PostForm.Get("viewer"))
	if !ok {
		p.page(w, http.StatusBadRequest, page{Title: "Sign-in failed", Problem: "Unknown viewer. Choose one on the sign-in page."})
		return
	}
	value := p.newCode(session{viewer: v, clientID: a.clientID, scope: a.scope, nonce: a.nonce, at: p.options.Now()}, a.redirectURI, a.challenge)
	a.redirect(w, r, url.Values{"code": {value}})
}

// redirect sends the viewer back to the registered redirect URI.
func (a authorization) redirect(w http.ResponseWriter, r *http.Request, q url.Values) {
	u, err := url.Parse(a.redirectURI)
	if err != nil {
		http.Error(w, "redirect_uri: not a valid URL.", http.StatusInternalServerError)
		return
	}
	all := u.Query()
	for name, values := range q {
		all[name] = values
	}
	if a.state != "" {
		all.Set("state", a.state)
	}
	u.RawQuery = all.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}

// logout redirects to a registered URI, or shows that the viewer is signed out.
// There is no session to end: each sign-in asks for the viewer again.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	target := q.Get("logout_uri") // Cognito's name
	if target == "" {
		target = q.Get("post_logout_redirect_uri") // OpenID Connect RP-Initiated Logout 1.0
	}
	switch {
	case target == "":
		p.page(w, http.StatusOK, page{Title: "You are signed out", Text: "You can close this tab."})
	case repeated(q), !slices.Contains(p.options.LogoutURIs, target),
		q.Has("client_id") && !slices.Contains(p.options.ClientIDs, q.Get("client_id")):
		p.page(w, http.StatusBadRequest, page{Title: "You are signed out",
			Problem: "logout_uri: not registered with this sign-in service."})
	default:
		u, err := url.Parse(target)
		if err != nil {
			http.Error(w, "logout_uri: not a valid URL.", http.StatusInternalServerError)
			return
		}
		if state := q.Get("state"); state != "" && len(state) <= maxParameter {
			all := u.Query()
			all.Set("state", state)
			u.RawQuery = all.Encode()
		}
		http.Redirect(w, r, u.String(), http.StatusSeeOther)
	}
}

func (p *Provider) home(w http.ResponseWriter, _ *http.Request) {
	p.page(w, http.StatusOK, page{Title: "Local sign-in", Text: "Open the player and choose Sign in."})
}

type field struct{ Name, Value string }

type page struct {
	Title   string
	Text    string
	Problem string
	Viewers []Viewer
	Fields  []field

	MaySignUp bool
	Query     template.URL // of the request, for the link to the form
	SignUp    bool         // the form for a new account
	Confirm   string       // the address whose code is asked for
}

//go:embed page.html style.css icon.svg
var files embed.FS

var pageTemplate = template.Must(template.ParseFS(files, "page.html"))

func (p *Provider) page(w http.ResponseWriter, status int, content page) {
	var body strings.Builder
	if err := pageTemplate.Execute(&body, content); err != nil {
		http.Error(w, "Failed to render the page.", http.StatusInternalServerError)
		return
	}
	// Browsers check form-action against redirects as well, so it lists the
	// redirect URIs' origins.
	targets := []string{"'self'"}
	for _, raw := range p.options.RedirectURIs {
		if u, err := url.Parse(raw); err == nil && !slices.Contains(targets, u.Scheme+"://"+u.Host) {
			targets = append(targets, u.Scheme+"://"+u.Host)
		}
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action "+strings.Join(targets, " ")+
		"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(body.String()))
}

// file serves the page's style sheet and icon.
func (p *Provider) file(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, path.Base(r.URL.Path))
}
