// The parts of OpenID Connect's authorization code flow with PKCE (RFC 7636)
// that need no browser window: what is sent, and what is checked.
import { Problem } from "./problem.js";

/** 256 random bits, base64url: a verifier, a state or a nonce. */
export function randomText(crypto = globalThis.crypto) {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** The S256 challenge of a verifier. */
export async function challengeOf(verifier, crypto = globalThis.crypto) {
  if (!crypto?.subtle) throw new Problem("insecure_context");
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

export function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function authorizationURL(signIn, { redirectURI, state, nonce, challenge }) {
  return withQuery(signIn.authorizationEndpoint, {
    response_type: "code",
    client_id: signIn.clientId,
    redirect_uri: redirectURI,
    scope: signIn.scope ?? "openid",
    state,
    nonce,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
}

/**
 * Where to go to end the sign-in service's own session, or "" when it has no
 * such place. Cognito takes other parameters than OpenID Connect's RP-initiated
 * logout.
 */
export function signOutURL(signIn, { idToken, page }) {
  if (!signIn.endSessionEndpoint) return "";
  return withQuery(signIn.endSessionEndpoint, signOutKind(signIn) === "cognito"
    ? { client_id: signIn.clientId, logout_uri: page }
    : { client_id: signIn.clientId, ...(idToken && { id_token_hint: idToken }), post_logout_redirect_uri: page });
}

function signOutKind({ signOut, issuer }) {
  return signOut ?? (/^https:\/\/cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\//.test(issuer) ? "cognito" : "oidc");
}

/**
 * The code of a redirect back to the page, after checking that it answers what
 * this window asked. begun is what was stored when the sign-in started.
 */
export function readRedirect(query, begun, issuer) {
  const given = query.get("iss"); // RFC 9207, where the service sends it
  if (!begun?.state || query.get("state") !== begun.state || (given !== null && given !== issuer)) {
    throw new Problem("sign_in_failed");
  }
  const error = query.get("error");
  if (error) throw new Problem(error === "access_denied" ? "sign_in_cancelled" : "sign_in_unavailable");
  const code = query.get("code");
  if (!code) throw new Problem("sign_in_failed");
  return code;
}

/**
 * The claims of an ID token that came straight from the token endpoint over TLS,
 * which is why its signature is not checked here; the API checks it on every
 * request. expected.nonce or expected.subject may be left out.
 */
export function checkClaims(idToken, { issuer, clientId, nonce, subject }) {
  const claims = readClaims(idToken);
  const audiences = [claims.aud].flat();
  const right = claims.iss === issuer &&
    audiences.includes(clientId) &&
    (audiences.length === 1 || claims.azp === clientId) &&
    (nonce === undefined || claims.nonce === nonce) &&
    (subject === undefined || claims.sub === subject);
  if (!right) throw new Problem("sign_in_failed");
  return claims;
}

export function readClaims(idToken) {
  try {
    const bytes = Uint8Array.from(
      atob(idToken.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")),
      (letter) => letter.charCodeAt(0),
    );
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    if (claims === null || typeof claims !== "object") throw new Error("no claims");
    return claims;
  } catch {
    throw new Problem("sign_in_failed");
  }
}

/** How long a token lives, from its own two times: the viewer's clock has no part in it. */
export function lifetime(claims, fallback = 300) {
  const seconds = claims.exp - claims.iat;
  return seconds > 0 ? seconds : fallback;
}

/** The sign-in settings with the endpoints, asked of the issuer where they are not given. */
export async function discover(signIn, fetch = globalThis.fetch) {
  if (signIn.authorizationEndpoint && signIn.tokenEndpoint) return signIn;
  const found = await fetch(`${signIn.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`)
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);
  if (!found || found.issuer !== signIn.issuer || !found.authorization_endpoint || !found.token_endpoint) {
    throw new Problem("sign_in_unavailable");
  }
  return {
    ...signIn,
    authorizationEndpoint: found.authorization_endpoint,
    tokenEndpoint: found.token_endpoint,
    endSessionEndpoint: signIn.endSessionEndpoint ?? found.end_session_endpoint,
  };
}

function withQuery(address, values) {
  const url = new URL(address);
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
  return url.href;
}
