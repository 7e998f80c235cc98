package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenAlgorithm is the only accepted algorithm. API Gateway accepts RSA-based
// algorithms only. Undocumented: which ones. Cognito signs with RS256.
const tokenAlgorithm = "RS256"

// Reasons to reject a request. The client gets their texts in www-authenticate,
// so they contain no part of the token.
var (
	errNoToken       = errors.New("no token")
	errMalformed     = errors.New("the token is malformed")
	errSignature     = errors.New("the token has an invalid signature")
	errUnknownKey    = errors.New("the token names an unknown key")
	errExpired       = errors.New("the token has expired")
	errNotYetValid   = errors.New("the token is not valid yet")
	errMissingClaim  = errors.New("the token lacks a required claim")
	errIssuer        = errors.New("the token does not have a valid issuer")
	errAudience      = errors.New("the token does not have a valid audience")
	errNoKeys        = errors.New("the token cannot be checked")
	errMissingScopes = errors.New("the token lacks a required scope")
)

// authorizer checks the tokens of a JWTAuthorizer.
type authorizer struct {
	*JWTAuthorizer
	keys *keySet
	now  func() time.Time
}

// identity holds the claims and scopes of a verified token.
type identity struct {
	claims map[string]string // as in the function's event
	scopes []string
}

// authorize checks the request's token against the authorizer and the route's
// scopes. The error is one of the reasons above; cause has the details for the
// log.
func (a *authorizer) authorize(ctx context.Context, r *http.Request, scopes []string) (id identity, reason, cause error) {
	values := r.Header.Values(a.Header)
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return id, errNoToken, nil
	case len(values) > 1:
		return id, errMalformed, errors.New("more than one token")
	}
	// "The identitySource can include only the token, or the token prefixed
	// with Bearer ": the stricter reading is exactly that prefix.
	token := strings.TrimPrefix(values[0], "Bearer ")

	claims := jwt.MapClaims{}
	var keyError error
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{tokenAlgorithm}),
		jwt.WithStrictDecoding(),
		jwt.WithJSONNumber(), // keeps the text of numbers
		jwt.WithTimeFunc(a.now),
		jwt.WithIssuer(a.Issuer),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
	)
	_, err := parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		// RFC 7515, section 4.1.11: reject unknown critical extensions.
		if _, ok := t.Header["crit"]; ok {
			return nil, errMalformed
		}
		id, ok := t.Header["kid"].(string)
		if !ok || id == "" {
			return nil, errUnknownKey
		}
		k, err := a.keys.key(ctx, id)
		if err != nil {
			keyError = err
			return nil, err
		}
		return k, nil
	})
	if err != nil {
		return id, refusal(err, keyError), err
	}
	// The guide requires exp after, and nbf and iat before the current time. A
	// token issued in the current second is valid; no clock skew is allowed.
	// Undocumented: whether iat is required. Stricter reading: it is.
	if claims["iat"] == nil {
		return id, errMissingClaim, nil
	}
	if !a.audienceOf(claims) {
		return id, errAudience, nil
	}
	id.scopes = scopesOf(claims)
	if len(scopes) > 0 && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(id.scopes, s) }) {
		return id, errMissingScopes, nil
	}
	id.claims = map[string]string{}
	for name, value := range claims {
		if text, ok := renderClaim(value); ok {
			id.claims[name] = text
		}
	}
	return id, nil, nil
}

func refusal(err, keyError error) error {
	switch {
	case keyError != nil && !errors.Is(keyError, errUnknownKey):
		return errNoKeys
	case errors.Is(err, errUnknownKey):
		return errUnknownKey
	case errors.Is(err, jwt.ErrTokenMalformed), errors.Is(err, errMalformed):
		return errMalformed
	case errors.Is(err, jwt.ErrTokenUnverifiable), errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return errSignature
	case errors.Is(err, jwt.ErrTokenExpired):
		return errExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return errNotYetValid
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return errIssuer
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return errMissingClaim
	default:
		return errMalformed
	}
}

// audienceOf reports whether the token is for this API: by aud if it is
// present, else by client_id (API Gateway developer guide, "Control
// access to HTTP APIs with JWT authorizers").
func (a *authorizer) audienceOf(claims jwt.MapClaims) bool {
	if _, ok := claims["aud"]; ok {
		audience, err := claims.GetAudience()
		return err == nil && slices.ContainsFunc(audience, func(s string) bool { return slices.Contains(a.Audience, s) })
	}
	client, ok := claims["client_id"].(string)
	return ok && slices.Contains(a.Audience, client)
}

// scopesOf reads scp or else scope, each a list or a string separated by
// spaces. Undocumented: which of the two takes precedence.
func scopesOf(claims jwt.MapClaims) []string {
	for _, name := range []string{"scp", "scope"} {
		switch v := claims[name].(type) {
		case string:
			return strings.Fields(v)
		case []any:
			var scopes []string
			for _, s := range v {
				if s, ok := s.(string); ok {
					scopes = append(scopes, s)
				}
			}
			return scopes
		}
	}
	return nil
}

// renderClaim returns a claim as it is in a function's event: always a string,
// a list as "[a b]". The guide shows strings only; lists, numbers, bools and
// omitted nulls are as observed of API Gateway. A nested object is its JSON.
func renderClaim(value any) (text string, ok bool) {
	switch v := value.(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case []any:
		parts := make([]string, 0, len(v))
		for _, e := range v {
			if part, ok := renderClaim(e); ok {
				parts = append(parts, part)
			}
		}
		return "[" + strings.Join(parts, " ") + "]", true
	default:
		raw, err := json.Marshal(v)
		return string(raw), err == nil
	}
}
