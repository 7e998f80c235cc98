package cognito

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// code is the state of an authorization code.
type code struct {
	session
	redirectURI string
	challenge   string
	ends        time.Time
	family      string // of the refresh tokens; empty until the code is used
	used        bool
}

// refresh is the state of a refresh token. Rotation adds tokens to its family.
type refresh struct {
	session
	family   string
	expires  time.Time // of the family's first token
	ends     time.Time // earlier than expires once the token is replaced
	replaced bool
}

// session is one sign-in.
type session struct {
	viewer   Viewer
	clientID string
	scope    string
	nonce    string
	at       time.Time
}

// tokenError is an error of RFC 6749, section 5.2.
type tokenError string

const (
	errInvalidRequest   tokenError = "invalid_request"
	errInvalidGrant     tokenError = "invalid_grant"
	errUnsupportedGrant tokenError = "unsupported_grant_type"
)

func (e tokenError) Error() string { return string(e) }

// token exchanges a code or a refresh token (RFC 6749, sections 4.1.3 and 6;
// RFC 7636). Clients are public, so a request with a client secret is rejected.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil || r.Header.Get("Authorization") != "" || repeated(r.PostForm) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": string(errInvalidRequest)})
		return
	}
	var answer map[string]any
	var err error
	form := r.PostForm
	switch form.Get("grant_type") {
	case "authorization_code":
		answer, err = p.redeem(form.Get("code"), form.Get("client_id"), form.Get("redirect_uri"), form.Get("code_verifier"))
	case "refresh_token":
		answer, err = p.renew(form.Get("refresh_token"), form.Get("client_id"))
	default:
		err = errUnsupportedGrant
	}
	if err != nil {
		code, ok := err.(tokenError)
		if !ok {
			writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
			return
		}
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": string(code)})
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// redeem exchanges a code for tokens. The first request with a code uses it up,
// even if the request is invalid; a second one also revokes the refresh tokens of
// the first (RFC 6749, section 4.1.2).
func (p *Provider) redeem(value, clientID, redirectURI, verifier string) (map[string]any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.codes[value]
	if !ok {
		return nil, errInvalidGrant
	}
	if c.used {
		p.endFamily(c.family)
		return nil, errInvalidGrant
	}
	c.used = true
	now := p.options.Now()
	if !now.Before(c.ends) || c.clientID != clientID || c.redirectURI != redirectURI || !verifies(verifier, c.challenge) {
		return nil, errInvalidGrant
	}
	answer, err := p.tokens(c.session)
	if err != nil {
		return nil, err
	}
	c.family = rand.Text()
	answer["refresh_token"] = p.newRefresh(refresh{session: c.session, family: c.family, expires: now.Add(p.options.RefreshLife)})
	return answer, nil
}

// newRefresh stores a new refresh token. The caller holds the lock.
func (p *Provider) newRefresh(r refresh) string {
	now := p.options.Now()
	makeRoom(p.refreshes, func(r *refresh) bool { return now.Before(r.ends) })
	value := rand.Text() + rand.Text()
	r.ends = r.expires
	p.refreshes[value] = &r
	return value
}

// endFamily removes all refresh tokens of one sign-in. The caller holds the
// lock.
func (p *Provider) endFamily(family string) {
	maps.DeleteFunc(p.refreshes, func(_ string, r *refresh) bool { return r.family == family })
}

// renew returns new ID and access tokens. If the client's refresh tokens rotate,
// it also returns a new refresh token, which expires when the first one does; the
// replaced one stays valid for the grace period (Amazon Cognito developer guide,
// "Refresh token rotation").
func (p *Provider) renew(value, clientID string) (map[string]any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.refreshes[value]
	if !ok || r.clientID != clientID || !p.options.Now().Before(r.ends) {
		return nil, errInvalidGrant
	}
	answer, err := p.tokens(r.session)
	grace, rotates := p.options.Rotation[clientID]
	if err != nil || !rotates {
		return answer, err
	}
	answer["refresh_token"] = p.newRefresh(refresh{session: r.session, family: r.family, expires: r.expires})
	if end := p.options.Now().Add(grace); !r.replaced && end.Before(r.ends) {
		r.ends = end
	}
	r.replaced = true
	return answer, nil
}

// revoke revokes a refresh token (RFC 7009). Like Cognito, it accepts refresh
// tokens only, identifies a public client by its client_id, and returns 200 for a
// token that is not valid (Amazon Cognito developer guide, "The token
// revocation endpoint"). Tokens that were issued with it stay valid until they
// expire, since API Gateway checks signatures and times only.
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	problem := ""
	switch err := r.ParseForm(); {
	case err != nil, r.Header.Get("Authorization") != "", repeated(r.PostForm), r.PostForm.Get("token") == "":
		problem = string(errInvalidRequest)
	case !slices.Contains(p.options.ClientIDs, r.PostForm.Get("client_id")):
		problem = "invalid_client"
	case strings.Count(r.PostForm.Get("token"), ".") == 2: // a JWT: an ID or access token
		problem = "unsupported_token_type"
	}
	if problem != "" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": problem})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	token := r.PostForm.Get("token")
	if known, ok := p.refreshes[token]; ok && known.clientID == r.PostForm.Get("client_id") {
		// Undocumented: whether tokens from rotation end too. Stricter
		// reading: they do.
		p.endFamily(known.family)
	}
}

func (p *Provider) tokens(s session) (map[string]any, error) {
	id, err := p.sign(p.idClaims(s))
	if err != nil {
		return nil, err
	}
	access, err := p.sign(p.accessClaims(s))
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id_token": id, "access_token": access, "token_type": "Bearer",
		"expires_in": int(p.options.TokenLife.Seconds()),
	}, nil
}

// verifies checks a code verifier against its S256 challenge (RFC 7636,
// sections 4.1 and 4.6).
func verifies(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 || strings.Trim(verifier, pkceCharacters) != "" {
		return false
	}
	digest := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(digest[:])), []byte(challenge)) == 1
}

const pkceCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// newCode stores a new code for a minute.
func (p *Provider) newCode(s session, redirectURI, challenge string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	value := rand.Text() + rand.Text()
	makeRoom(p.codes, func(c *code) bool { return s.at.Before(c.ends) })
	p.codes[value] = &code{session: s, redirectURI: redirectURI, challenge: challenge, ends: s.at.Add(codeLife)}
	return value
}

// makeRoom removes expired entries, and arbitrary ones above the limit.
func makeRoom[T any](m map[string]T, alive func(T) bool) {
	maps.DeleteFunc(m, func(_ string, v T) bool { return !alive(v) })
	for k := range m {
		if len(m) < maxGrants {
			return
		}
		delete(m, k)
	}
}

// idClaims returns the claims of a Cognito ID token (Amazon Cognito developer guide,
// "Understanding the identity (ID) token").
func (p *Provider) idClaims(s session) jwt.MapClaims {
	claims := p.claims(s, "id")
	claims["aud"] = s.clientID
	claims["cognito:username"] = s.viewer.Username
	if s.viewer.Email != "" {
		claims["email"], claims["email_verified"] = s.viewer.Email, true
	}
	if s.nonce != "" {
		claims["nonce"] = s.nonce
	}
	for name, value := range s.viewer.Claims {
		claims[name] = value
	}
	return claims
}

// accessClaims returns the claims of a Cognito access token ("Understanding the access
// token"): groups, but no custom attributes and no aud.
func (p *Provider) accessClaims(s session) jwt.MapClaims {
	claims := p.claims(s, "access")
	claims["client_id"] = s.clientID
	claims["username"] = s.viewer.Username
	claims["scope"] = s.scope
	if groups, ok := s.viewer.Claims["cognito:groups"]; ok {
		claims["cognito:groups"] = groups
	}
	return claims
}

func (p *Provider) claims(s session, use string) jwt.MapClaims {
	now := p.options.Now()
	return jwt.MapClaims{
		"iss": p.options.Issuer, "sub": s.viewer.Subject, "token_use": use, "jti": rand.Text(),
		"auth_time": s.at.Unix(), "iat": now.Unix(), "exp": now.Add(p.options.TokenLife).Unix(),
	}
}

func (p *Provider) sign(claims jwt.MapClaims) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header = map[string]any{"alg": "RS256", "kid": p.keyID}
	signed, err := t.SignedString(p.key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}

// Mint returns an ID token as if the viewer had just signed in, for tests. edit,
// unless nil, can change the claims first: to expired ones, to another issuer.
func (p *Provider) Mint(username string, edit func(claims map[string]any)) (string, error) {
	return p.mint(username, edit, p.idClaims)
}

// MintAccess returns an access token in the same way.
func (p *Provider) MintAccess(username string, edit func(claims map[string]any)) (string, error) {
	return p.mint(username, edit, p.accessClaims)
}

func (p *Provider) mint(username string, edit func(map[string]any), make func(session) jwt.MapClaims) (string, error) {
	v, ok := p.viewer(username)
	if !ok {
		return "", fmt.Errorf("mint token: no viewer %q", username)
	}
	claims := make(session{viewer: v, clientID: p.options.ClientIDs[0], scope: strings.Join(scopes, " "), at: p.options.Now()})
	if edit != nil {
		edit(claims)
	}
	return p.sign(claims)
}

// userInfo returns the claims of an access token's viewer.
func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return p.PublicKey(), nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(p.options.Now), jwt.WithIssuer(p.options.Issuer), jwt.WithExpirationRequired())
	name, _ := claims["username"].(string)
	v, known := p.viewer(name)
	if !ok || err != nil || claims["token_use"] != "access" || !known {
		w.Header().Set("Www-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"sub": v.Subject, "username": v.Username, "email": v.Email})
}
