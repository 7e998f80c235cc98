package cognito

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// scopes are those of the hosted login that are known here.
var scopes = []string{"openid", "email", "profile"}

const maxParameter = 2048 // bytes of state and of nonce

// authorization is a request for a code.
type authorization struct {
	clientID, redirectURI, scope, state, nonce, challenge string
}

// readAuthorization checks a request in two steps: as long as client and
// redirect URI are not known to belong together, the viewer is told and goes
// nowhere (problem); after that the client is, by a redirect (code). So no
// request can make this an open redirect (RFC 6749, section 4.1.2.1; RFC 9700,
// section 4.11).
func (p *Provider) readAuthorization(q url.Values) (a authorization, problem, code string) {
	a = authorization{
		clientID: q.Get("client_id"), redirectURI: q.Get("redirect_uri"), scope: q.Get("scope"),
		state: q.Get("state"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge"),
	}
	switch {
	case repeated(q):
		return a, "The page asked for the same thing twice.", ""
	case !slices.Contains(p.options.ClientIDs, a.clientID):
		return a, "The page that sent you here is not known: its client_id is not registered.", ""
	case !slices.Contains(p.options.RedirectURIs, a.redirectURI):
		return a, "The page that sent you here asked to send you to an address (redirect_uri) that is not registered.", ""
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

// repeated reports whether a parameter is there more than once (RFC 6749,
// section 3.1: it must not be).
func repeated(q url.Values) bool {
	for _, values := range q {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

// askViewer shows the page with a button for each viewer.
func (p *Provider) askViewer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a, problem, code := p.readAuthorization(q)
	switch {
	case problem != "":
		p.page(w, http.StatusBadRequest, page{Title: "Sign-in is not possible", Problem: problem})
		return
	case code != "":
		a.redirect(w, r, url.Values{"error": {code}})
		return
	}
	var fields []field
	for _, name := range []string{"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"} {
		if q.Has(name) {
			fields = append(fields, field{name, q.Get(name)})
		}
	}
	p.page(w, http.StatusOK, page{Title: "Sign in", Viewers: p.options.Viewers, Fields: fields})
}

// signIn takes the page's form: the same request, checked again, and a viewer.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		p.page(w, http.StatusBadRequest, page{Title: "Sign-in is not possible", Problem: "The form could not be read."})
		return
	}
	a, problem, code := p.readAuthorization(r.PostForm)
	switch {
	case problem != "":
		p.page(w, http.StatusBadRequest, page{Title: "Sign-in is not possible", Problem: problem})
		return
	case p.ownForms.Check(r) != nil:
		// A form of another page may not choose who signs in.
		p.page(w, http.StatusForbidden, page{Title: "Sign-in is not possible", Problem: "The form came from another page."})
		return
	case code != "":
		a.redirect(w, r, url.Values{"error": {code}})
		return
	}
	v, ok := p.viewer(r.PostForm.Get("viewer"))
	if !ok {
		p.page(w, http.StatusBadRequest, page{Title: "Sign-in is not possible", Problem: "There is no such viewer."})
		return
	}
	value := p.newCode(session{viewer: v, clientID: a.clientID, scope: a.scope, nonce: a.nonce, at: p.options.Now()}, a.redirectURI, a.challenge)
	a.redirect(w, r, url.Values{"code": {value}})
}

// redirect sends the viewer back to the registered redirect URI.
func (a authorization) redirect(w http.ResponseWriter, r *http.Request, q url.Values) {
	u, err := url.Parse(a.redirectURI)
	if err != nil {
		http.Error(w, "The page's address cannot be read.", http.StatusInternalServerError)
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

// logout sends the viewer to a registered address, or says that they are
// signed out. There is no session here to end: each sign-in asks anew.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	target := q.Get("logout_uri") // Cognito's name
	if target == "" {
		target = q.Get("post_logout_redirect_uri") // OpenID Connect RP-Initiated Logout 1.0
	}
	switch {
	case target == "":
		p.page(w, http.StatusOK, page{Title: "You are signed out", Text: "You can close this page."})
	case repeated(q), !slices.Contains(p.options.LogoutURIs, target),
		q.Has("client_id") && !slices.Contains(p.options.ClientIDs, q.Get("client_id")):
		p.page(w, http.StatusBadRequest, page{Title: "You are signed out",
			Problem: "The page asked to send you to an address that is not registered."})
	default:
		u, err := url.Parse(target)
		if err != nil {
			http.Error(w, "The page's address cannot be read.", http.StatusInternalServerError)
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
	p.page(w, http.StatusOK, page{Title: "Local sign-in", Text: "Open the player and choose Sign in there."})
}

type field struct{ Name, Value string }

type page struct {
	Title   string
	Text    string
	Problem string
	Viewers []Viewer
	Fields  []field
}

//go:embed page.html style.css
var files embed.FS

var pageTemplate = template.Must(template.ParseFS(files, "page.html"))

func (p *Provider) page(w http.ResponseWriter, status int, content page) {
	var body strings.Builder
	if err := pageTemplate.Execute(&body, content); err != nil {
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	// Browsers check form-action against redirects as well, so it names where
	// the form may lead in the end.
	targets := []string{"'self'"}
	for _, raw := range p.options.RedirectURIs {
		if u, err := url.Parse(raw); err == nil && !slices.Contains(targets, u.Scheme+"://"+u.Host) {
			targets = append(targets, u.Scheme+"://"+u.Host)
		}
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action "+strings.Join(targets, " ")+
		"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(body.String()))
}

func (p *Provider) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "style.css")
}
