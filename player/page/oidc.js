// OpenID Connect's authorization code flow with PKCE for a page without a
// server, by oauth4webapi (MIT): this file chooses what to send and turns the
// library's errors into Problems. signin.js loads it only when it is needed.
import { Problem } from "./element/problem.js";
import * as oauth from "./vendor/oauth4webapi.js";
import { claimsOf } from "./visitor.js";

const TIMEOUT = 20_000; // ms
const REVOCATION_TIMEOUT = 5_000; // ms; signing out does not wait longer

/**
 * @param {object} signIn the settings in config.json; endpoints that are not
 *   there are read from the issuer's discovery document
 * @param {typeof globalThis.fetch} fetch
 */
export function createIssuer(signIn, fetch = globalThis.fetch) {
  const client = { client_id: signIn.clientId };
  // The local run's issuer is http://localhost; everything else must be https.
  const options = (timeout = TIMEOUT) => ({
    [oauth.customFetch]: fetch,
    [oauth.allowInsecureRequests]: isLoopback(signIn.issuer),
    signal: AbortSignal.timeout(timeout),
  });
  let discovered = null;

  /** The issuer's metadata (RFC 8414). */
  async function metadata() {
    if (signIn.authorizationEndpoint && signIn.tokenEndpoint) {
      return {
        issuer: signIn.issuer,
        authorization_endpoint: signIn.authorizationEndpoint,
        token_endpoint: signIn.tokenEndpoint,
        revocation_endpoint: signIn.revocationEndpoint,
        end_session_endpoint: signIn.endSessionEndpoint,
      };
    }
    discovered ??= discover();
    try {
      return await discovered;
    } catch {
      discovered = null;
      throw new Problem("sign_in_unavailable");
    }
  }

  async function discover() {
    const issuer = new URL(signIn.issuer);
    const found = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options()));
    // The API compares a token's iss with the setting, character by character.
    if (found.issuer !== signIn.issuer || !found.authorization_endpoint || !found.token_endpoint) {
      throw new Error(`unusable discovery document of ${signIn.issuer}`);
    }
    return found;
  }

  /** What to remember of a new sign-in, and the address to go to. */
  async function begin(redirectURI) {
    if (!globalThis.crypto?.subtle) throw new Problem("insecure_context");
    const server = await metadata();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const verifier = oauth.generateRandomCodeVerifier();
    const url = withQuery(server.authorization_endpoint, {
      response_type: "code",
      client_id: signIn.clientId,
      redirect_uri: redirectURI,
      scope: signIn.scope ?? "openid",
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    });
    return { url, state, nonce, verifier };
  }

  /**
   * The tokens for a redirect back to the page, once it is known to belong to
   * the sign-in that was begun.
   */
  async function redeem(query, begun, redirectURI) {
    if (!begun?.state) throw new Problem("sign_in_failed"); // not begun in this tab
    let server = { issuer: signIn.issuer };
    const validate = () => {
      try {
        return oauth.validateAuthResponse(server, client, query, begun.state);
      } catch (cause) {
        if (!(cause instanceof oauth.AuthorizationResponseError)) throw new Problem("sign_in_failed");
        throw new Problem(cause.error === "access_denied" ? "sign_in_cancelled" : "sign_in_unavailable");
      }
    };
    validate(); // before any request
    server = await metadata(); // may require an issuer in the redirect (RFC 9207)
    const parameters = validate();
    if (!parameters.get("code")) throw new Problem("sign_in_failed");
    const response = await answered(() => oauth.authorizationCodeGrantRequest(
      server, client, oauth.None(), parameters, redirectURI, begun.verifier, options()));
    return readTokens(response, (known) => oauth.processAuthorizationCodeResponse(
      server, known, response, { expectedNonce: begun.nonce, requireIdToken: true }));
  }

  /** New tokens for a refresh token, of the same viewer only. */
  async function refresh({ refreshToken, subject }) {
    const server = await metadata();
    const response = await answered(() => oauth.refreshTokenGrantRequest(
      server, client, oauth.None(), refreshToken, options()));
    const tokens = await readTokens(response, (known) => oauth.processRefreshTokenResponse(server, known, response));
    if (tokens.subject !== subject) throw new Problem("sign_in_failed");
    // An issuer that rotates refresh tokens sends the next one.
    return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
  }

  // The library checks exp against this device's clock, which may be wrong by
  // any amount. The token was issued a moment ago, so its iat is the issuer's
  // time. The signature is not checked: the token came from the token endpoint
  // over TLS, and the API checks it on each request.
  async function readTokens(response, process) {
    const { iat } = claimsOf((await response.clone().json().catch(() => null))?.id_token);
    const skew = Math.round(iat - Date.now() / 1000);
    let tokens, claims;
    try {
      tokens = await process({ ...client, [oauth.clockSkew]: Number.isFinite(skew) ? skew : 0 });
      claims = oauth.getValidatedIdTokenClaims(tokens);
    } catch {
      throw new Problem("sign_in_failed");
    }
    if (!claims) throw new Problem("sign_in_failed"); // a refresh need not return an ID token
    return {
      idToken: tokens.id_token,
      refreshToken: tokens.refresh_token,
      subject: claims.sub,
      viewer: claims.name || claims.email || claims.preferred_username || claims["cognito:username"] || claims.sub,
      lifetime: claims.exp - claims.iat,
    };
  }

  /** Revokes a refresh token (RFC 7009). Resolves to whether the issuer confirmed it. */
  async function revoke(refreshToken) {
    try {
      const server = await metadata();
      if (!server.revocation_endpoint) return false;
      await oauth.processRevocationResponse(await oauth.revocationRequest(
        server, client, oauth.None(), refreshToken,
        { ...options(REVOCATION_TIMEOUT), additionalParameters: { token_type_hint: "refresh_token" } }));
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Where to go to end the issuer's own session, or "" if it has no such page.
   * Cognito takes other parameters than OpenID Connect RP-Initiated Logout.
   */
  async function signOutURL({ idToken, page }) {
    const { end_session_endpoint: endpoint } = await metadata();
    if (!endpoint) return "";
    return withQuery(endpoint, signOutKind(signIn) === "cognito"
      ? { client_id: signIn.clientId, logout_uri: page }
      : { client_id: signIn.clientId, ...(idToken && { id_token_hint: idToken }), post_logout_redirect_uri: page });
  }

  return { begin, redeem, refresh, revoke, signOutURL };
}

/** A token endpoint's response, unless there is none or the issuer is in trouble. */
async function answered(request) {
  let response;
  try {
    response = await request();
  } catch (cause) {
    throw new Problem(cause instanceof oauth.OperationProcessingError ? "sign_in_unavailable" : "network");
  }
  if (response.status >= 500 || response.status === 429) throw new Problem("sign_in_unavailable");
  return response;
}

function signOutKind({ signOut, issuer }) {
  return signOut ?? (/^https:\/\/cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\//.test(issuer) ? "cognito" : "oidc");
}

function isLoopback(address) {
  return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(address).hostname);
}

function withQuery(address, values) {
  const url = new URL(address);
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
  return url.href;
}
