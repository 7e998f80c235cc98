// Package cognito is an OpenID provider for this machine. It stands in for a
// Cognito user pool with its hosted login: the same endpoints, the code grant
// with PKCE, and tokens with the claims that Cognito puts in them. There are no
// passwords: everyone who opens its page can sign in as any of its viewers.
package cognito

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	codeLife           = time.Minute
	defaultTokenLife   = time.Hour
	defaultRefreshLife = 30 * 24 * time.Hour
	maxGrants          = 10000 // codes and refresh tokens kept, each
)

// Options are the options of a provider. URL, ClientIDs, Viewers and
// RedirectURIs are required.
type Options struct {
	URL    string // of the provider, for example "http://localhost:8081"
	Issuer string // iss of the tokens; URL when empty

	ClientIDs    []string
	Viewers      []Viewer
	RedirectURIs []string // compared exactly; https, or http on this machine
	LogoutURIs   []string // likewise
	Origins      []string // of pages that may call; those of RedirectURIs when nil

	TokenLife   time.Duration // of ID and access tokens; one hour when zero
	RefreshLife time.Duration // 30 days when zero
	// Rotation has the clients whose refresh tokens rotate, by client id, with
	// the time for which a replaced token stays valid.
	Rotation map[string]time.Duration
	// SendCode, unless nil, lets viewers create accounts: it gets the code that
	// Cognito would send to the address.
	SendCode func(address, code string)
	Now      func() time.Time
	Key      *rsa.PrivateKey // signs the tokens; a new one when nil
}

// Viewer is a user of the pool.
type Viewer struct {
	Username    string
	Subject     string
	Email       string
	Description string         // on the sign-in page
	Claims      map[string]any // additional claims of the ID token, for example "cognito:groups" or "custom:courses"
}

// Provider is the http.Handler of the issuer's endpoints.
type Provider struct {
	options Options
	base    *url.URL
	key     *rsa.PrivateKey
	keyID   string
	mux     *http.ServeMux

	ownForms *http.CrossOriginProtection

	mu        sync.Mutex
	codes     map[string]*code
	refreshes map[string]*refresh
	pending   map[string]*pending // by address in lower case
}

// New returns a provider. Without Options.Key it creates an RSA key of 2048 bits.
func New(options Options) (*Provider, error) {
	p := &Provider{options: options, ownForms: http.NewCrossOriginProtection(),
		codes: map[string]*code{}, refreshes: map[string]*refresh{}, pending: map[string]*pending{}}
	if err := p.configure(); err != nil {
		return nil, fmt.Errorf("configure issuer: %w", err)
	}
	if p.key = options.Key; p.key == nil {
		var err error
		if p.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, fmt.Errorf("make the issuer's key: %w", err)
		}
	}
	digest := sha256.Sum256(p.key.N.Bytes())
	p.keyID = base64.RawURLEncoding.EncodeToString(digest[:])

	p.mux = http.NewServeMux()
	p.mux.HandleFunc("GET /.well-known/openid-configuration", p.shared(p.discovery))
	p.mux.HandleFunc("GET /.well-known/jwks.json", p.shared(p.jwks))
	p.mux.HandleFunc("GET /oauth2/authorize", p.askViewer)
	p.mux.HandleFunc("POST /oauth2/authorize", p.signIn)
	if options.SendCode != nil {
		p.mux.HandleFunc("GET /signup", p.askAddress)
		p.mux.HandleFunc("POST /signup", p.signUp)
		p.mux.HandleFunc("POST /confirmUser", p.confirm)
	}
	p.mux.HandleFunc("POST /oauth2/token", p.shared(p.token))
	p.mux.HandleFunc("POST /oauth2/revoke", p.shared(p.revoke))
	p.mux.HandleFunc("GET /oauth2/userInfo", p.shared(p.userInfo))
	p.mux.HandleFunc("GET /logout", p.logout)
	p.mux.HandleFunc("GET /style.css", p.file)
	p.mux.HandleFunc("GET /icon.svg", p.file)
	p.mux.HandleFunc("GET /{$}", p.home)
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json", "/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"} {
		p.mux.HandleFunc("OPTIONS "+path, p.shared(preflight))
	}
	return p, nil
}

func (p *Provider) configure() error {
	o := &p.options
	base, err := url.Parse(o.URL)
	if err != nil || !isLocalOrHTTPS(base) || base.Path != "" || base.RawQuery != "" || base.Fragment != "" {
		return fmt.Errorf("invalid URL %q: must be a scheme and a host only", o.URL)
	}
	p.base = base
	if o.Issuer == "" {
		o.Issuer = o.URL
	}
	if len(o.ClientIDs) == 0 || slices.Contains(o.ClientIDs, "") {
		return errors.New("no client id")
	}
	if len(o.Viewers) == 0 {
		return errors.New("no viewers")
	}
	names := map[string]bool{}
	for _, v := range o.Viewers {
		if v.Username == "" || v.Subject == "" || names[v.Username] {
			return fmt.Errorf("viewer %q: must have a unique name and a subject", v.Username)
		}
		names[v.Username] = true
		if _, err := json.Marshal(v.Claims); err != nil {
			return fmt.Errorf("viewer %q: claims: %w", v.Username, err)
		}
	}
	if len(o.RedirectURIs) == 0 {
		return errors.New("no redirect URI")
	}
	if o.Origins == nil {
		for _, raw := range o.RedirectURIs {
			if u, err := url.Parse(raw); err == nil {
				o.Origins = append(o.Origins, u.Scheme+"://"+u.Host)
			}
		}
	}
	for _, raw := range slices.Concat(o.RedirectURIs, o.LogoutURIs) {
		if u, err := url.Parse(raw); err != nil || !isLocalOrHTTPS(u) || u.Fragment != "" {
			return fmt.Errorf("invalid redirect or logout URI %q: must be https, or http on this machine", raw)
		}
	}
	if o.TokenLife == 0 {
		o.TokenLife = defaultTokenLife
	}
	if o.RefreshLife == 0 {
		o.RefreshLife = defaultRefreshLife
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func isLocalOrHTTPS(u *url.URL) bool {
	return u.Host != "" && u.User == nil && u.Opaque == "" &&
		(u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()))
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ServeHTTP handles requests for this host only. This blocks DNS rebinding: a
// page of another site could otherwise sign in, because there are no passwords.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: that would make the Origin of the page's own form null.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if host := (&url.URL{Host: r.Host}).Hostname(); host != p.base.Hostname() && !isLoopback(host) {
		http.Error(w, "This issuer is at "+p.base.String()+".", http.StatusMisdirectedRequest)
		return
	}
	p.mux.ServeHTTP(w, r)
}

// PublicKey returns the key that verifies the tokens.
func (p *Provider) PublicKey() *rsa.PublicKey { return &p.key.PublicKey }

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                p.options.Issuer,
		"authorization_endpoint":                p.options.URL + "/oauth2/authorize",
		"token_endpoint":                        p.options.URL + "/oauth2/token",
		"revocation_endpoint":                   p.options.URL + "/oauth2/revoke",
		"userinfo_endpoint":                     p.options.URL + "/oauth2/userInfo",
		"end_session_endpoint":                  p.options.URL + "/logout",
		"jwks_uri":                              p.options.URL + "/.well-known/jwks.json",
		"response_types_supported":              []string{"code"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      scopes,
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"none"},
	})
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	encode := base64.RawURLEncoding.EncodeToString
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": p.keyID,
		"n": encode(p.key.N.Bytes()), "e": encode(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

// shared allows pages of registered origins to read next's responses (CORS).
func (p *Provider) shared(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); slices.Contains(p.options.Origins, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
		}
		next(w, r)
	}
}

func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "authorization, content-type")
	}
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (p *Provider) viewer(username string) (Viewer, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.options.Viewers, func(v Viewer) bool { return v.Username == username })
	if i < 0 {
		return Viewer{}, false
	}
	return p.options.Viewers[i], true
}
