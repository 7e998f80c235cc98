package doctor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// checkSignIn checks that a viewer can reach the sign-in.
func (v *visit) checkSignIn(ctx context.Context) {
	const name = "sign-in"
	issuer := strings.TrimSuffix(v.config.SignIn.Issuer, "/")
	if issuer == "" {
		v.skip(name, "the issuer is not known")
		return
	}
	a, err := v.do(ctx, http.MethodGet, issuer+"/.well-known/openid-configuration", nil, "")
	if err != nil {
		v.fail(name, reason(err), "The issuer "+issuer+" does not respond: check that the setting jwtIssuer is right, and that the issuer is up.")
		return
	}
	var discovery struct {
		Issuer                string
		AuthorizationEndpoint string `json:"authorization_endpoint"`
		JWKS                  string `json:"jwks_uri"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &discovery) != nil {
		v.fail(name, "the issuer's discovery document is "+a.String(), "The issuer must answer at "+issuer+"/.well-known/openid-configuration: check that the setting jwtIssuer is exactly its address.")
		return
	}
	if strings.TrimSuffix(discovery.Issuer, "/") != issuer {
		v.fail(name, "the issuer calls itself "+discovery.Issuer, "Set jwtIssuer to "+discovery.Issuer+": tokens name it, and must be the same to the letter.")
		return
	}
	v.jwks = discovery.JWKS
	endpoint := v.config.SignIn.AuthorizationEndpoint
	if endpoint == "" {
		endpoint = discovery.AuthorizationEndpoint
	}
	v.authorization = endpoint
	v.checkAuthorization(ctx, name, v.site.String())
}

// checkAuthorization begins a sign-in as one of the site's pages does.
func (v *visit) checkAuthorization(ctx context.Context, name, page string) {
	endpoint := v.authorization
	challenge := sha256.Sum256([]byte(rand.Text()))
	scope := v.config.SignIn.Scope
	if scope == "" {
		scope = "openid"
	}
	address, err := url.Parse(endpoint)
	if err != nil || address.Host == "" {
		v.fail(name, "no authorization endpoint", "The issuer must name its authorization_endpoint in its discovery document, or the page in config.json: deploy the stack again.")
		return
	}
	query := address.Query()
	for parameter, value := range map[string]string{
		"response_type": "code", "client_id": v.config.SignIn.ClientID, "redirect_uri": page, "scope": scope,
		"state": rand.Text(), "nonce": rand.Text(), "code_challenge_method": "S256",
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]),
	} {
		query.Set(parameter, value)
	}
	address.RawQuery = query.Encode()
	a, err := v.do(ctx, http.MethodGet, address.String(), nil, "")
	advice := "The sign-in must take a request of the page: check that the client's callback URLs have exactly " + page + ", and that it may use the code flow and the page's scopes."
	switch {
	case err != nil:
		v.fail(name, reason(err), "The sign-in at "+endpoint+" does not respond: check that the user pool's domain, or the issuer, is up.")
	case a.status >= 400:
		v.fail(name, "a request of the page is "+a.String(), advice)
	case strings.Contains(a.header.Get("Location"), "error="):
		v.fail(name, "a request of the page returns an error", advice)
	default:
		v.ok(name, endpoint+" takes the page's request")
	}
}

// checkIssuerKeys checks that the issuer signs with RSA: the JWT authorizers of
// HTTP APIs accept no other signatures (API Gateway developer guide, "Control
// access to HTTP APIs with JWT authorizers").
func (v *visit) checkIssuerKeys(ctx context.Context) {
	const name = "sign-in keys"
	if v.jwks == "" {
		v.skip(name, "the issuer names no jwks_uri")
		return
	}
	a, err := v.do(ctx, http.MethodGet, v.jwks, nil, "")
	if err != nil {
		v.fail(name, reason(err), "The issuer's keys at "+v.jwks+" cannot be read, so API Gateway cannot check tokens: check that the issuer is up.")
		return
	}
	var set struct {
		Keys []struct{ Kty, Kid, Use string }
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &set) != nil {
		v.fail(name, v.jwks+" is "+a.String(), "The issuer's keys cannot be read, so API Gateway cannot check tokens: check that the issuer is up.")
		return
	}
	rsa, other := 0, []string{}
	for _, key := range set.Keys {
		switch {
		case key.Use == "enc":
		case key.Kty == "RSA":
			rsa++
		default:
			other = append(other, key.Kty+" "+key.Kid)
		}
	}
	const advice = "The API accepts tokens with an RSA signature only: set the issuer's signing algorithm for this client to RS256."
	switch {
	case rsa == 0 && len(other) == 0:
		v.fail(name, "no keys", "The issuer publishes no signing keys: "+advice)
	case rsa == 0:
		v.fail(name, "no RSA key: "+strings.Join(other, ", "), advice)
	case len(other) > 0:
		v.ok(name, fmt.Sprintf("%d RSA; the API refuses tokens that are signed with %s", rsa, strings.Join(other, ", ")))
	default:
		v.ok(name, fmt.Sprintf("%d RSA", rsa))
	}
}

// checkAPI checks that the API exists and requires a token.
func (v *visit) checkAPI(ctx context.Context) {
	const name = "API without a token"
	a, err := v.do(ctx, http.MethodPost, v.site.String()+apiPath[1:], http.Header{"Content-Type": {"application/json"}}, "{}")
	switch {
	case err != nil:
		v.fail(name, reason(err), "The site did not respond: run this again.")
	case a.status < 400:
		v.fail(name, a.String(), "The API gives cookies to everyone: give its route the authorizer again.")
	case a.status != http.StatusUnauthorized:
		v.fail(name, a.String(), "The API must refuse with 401: check that the behavior /api/* leads to it, with every method and the origin's secret header.")
	default:
		v.ok(name, a.String())
	}
}

// stranger is a page that no setting lists.
const stranger = "https://premiumhls-doctor.invalid"

// checkCORS checks that pages of the listed origins can use the site, and no
// others.
func (v *visit) checkCORS(ctx context.Context) {
	const name = "CORS"
	for _, origin := range v.options.Origins {
		if strings.Contains(origin, "*") {
			continue // a pattern, and not an origin that asks
		}
		for _, ask := range []func(context.Context, string) (*answer, error){v.crossRead, v.preflight} {
			a, err := ask(ctx, origin)
			if err != nil {
				v.fail(name, reason(err), "The site did not respond: run this again.")
				return
			}
			if got := a.header.Get("Access-Control-Allow-Origin"); got != origin || a.header.Get("Access-Control-Allow-Credentials") != "true" || a.status >= 400 {
				v.fail(name, a.url.Path+" for a page of "+origin+" is "+a.String()+", allowing "+quoted(got), "Let "+origin+" in: put it into the setting allowedOrigins, as the browser writes it, and deploy.")
				return
			}
		}
	}
	for _, ask := range []func(context.Context, string) (*answer, error){v.crossRead, v.preflight} {
		a, err := ask(ctx, stranger)
		if err != nil {
			v.fail(name, reason(err), "The site did not respond: run this again.")
			return
		}
		if got := a.header.Get("Access-Control-Allow-Origin"); got == stranger || got == "*" && a.header.Get("Access-Control-Allow-Credentials") != "" {
			v.fail(name, a.url.Path+" lets pages of every origin in", "Pages of any origin could act for a viewer: list the origins in the setting allowedOrigins, and deploy.")
			return
		}
	}
	if len(v.options.Origins) == 0 {
		v.ok(name, "no other origin is allowed")
		return
	}
	v.ok(name, "allowed: "+strings.Join(v.options.Origins, ", ")+"; no others")
}

func quoted(s string) string {
	if s == "" {
		return "nobody"
	}
	return s
}

// crossRead reads the page's configuration from a page of another origin.
func (v *visit) crossRead(ctx context.Context, origin string) (*answer, error) {
	return v.get(ctx, "/config.json", http.Header{"Origin": {origin}})
}

// preflight asks whether such a page may ask for cookies.
func (v *visit) preflight(ctx context.Context, origin string) (*answer, error) {
	return v.do(ctx, http.MethodOptions, v.site.String()+apiPath[1:], http.Header{
		"Origin":                         {origin},
		"Access-Control-Request-Method":  {http.MethodPost},
		"Access-Control-Request-Headers": {"authorization,content-type"},
	}, "")
}
