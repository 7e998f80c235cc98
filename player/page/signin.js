// The viewer's session: signing in by redirect, tokens in sessionStorage (this
// tab only, gone when it closes), new ones by refresh token where there is one.
import { authorizationURL, challengeOf, checkClaims, discover, lifetime, randomText, readClaims, readRedirect, signOutURL } from "./oidc.js";
import { Problem } from "./problem.js";

const TOKENS = "premium-hls.tokens";
const BEGUN = "premium-hls.sign-in";
const MARGIN = 60; // seconds before its end at which a token counts as ended

/**
 * @param {object|undefined} signIn the part of config.json
 * @param {object} [browser] location, history, sessionStorage and fetch
 */
export function createSession(signIn, browser = globalThis) {
  const { location, history, sessionStorage: storage } = browser;
  // What the sign-in service knows the page as, whatever follows it in the address bar.
  const page = new URL("./", location.href).href;
  let refreshing = null;

  let tokens = load(TOKENS); // { idToken, refreshToken, lifetime, since }
  if (typeof tokens?.idToken !== "string") tokens = null;

  function load(key) {
    try {
      return JSON.parse(storage.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  function save(next) {
    tokens = next;
    if (next) storage.setItem(TOKENS, JSON.stringify(next));
    else storage.removeItem(TOKENS);
  }

  function settings() {
    if (!signIn?.issuer || !signIn.clientId) throw new Problem("sign_in_not_set_up");
    return discover(signIn, browser.fetch.bind(browser));
  }

  /** Leaves for the sign-in page. wanted is handed back by finish. */
  async function begin(wanted) {
    const known = await settings();
    const [state, nonce, verifier] = [randomText(), randomText(), randomText()];
    const challenge = await challengeOf(verifier);
    storage.setItem(BEGUN, JSON.stringify({ state, nonce, verifier, wanted }));
    location.assign(authorizationURL(known, { redirectURI: page, state, nonce, challenge }));
  }

  /**
   * Takes up a redirect back from the sign-in page, if this is one. Resolves to
   * what begin was given, or to null where there is nothing to take up.
   */
  async function finish() {
    const query = new URLSearchParams(location.search);
    if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
    const begun = load(BEGUN);
    storage.removeItem(BEGUN); // a second use of the same answer must fail
    history.replaceState(null, "", page);
    const code = readRedirect(query, begun, signIn?.issuer);
    const known = await settings();
    const answer = await exchange(known, {
      grant_type: "authorization_code",
      code,
      redirect_uri: page,
      code_verifier: begun.verifier,
    });
    accept(answer, { issuer: known.issuer, clientId: known.clientId, nonce: begun.nonce });
    return { wanted: begun.wanted };
  }

  async function exchange(known, form) {
    let response;
    try {
      response = await browser.fetch(known.tokenEndpoint, {
        method: "POST",
        body: new URLSearchParams({ client_id: known.clientId, ...form }),
        cache: "no-store",
        credentials: "omit",
      });
    } catch {
      throw new Problem("network");
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer?.id_token) return answer;
    throw new Problem(response.status >= 500 || response.status === 429 ? "sign_in_unavailable" : "sign_in_failed");
  }

  function accept(answer, expected) {
    const claims = checkClaims(answer.id_token, expected);
    save({
      idToken: answer.id_token,
      refreshToken: answer.refresh_token ?? tokens?.refreshToken,
      lifetime: lifetime(claims),
      since: Date.now(),
    });
  }

  /**
   * An ID token to send to the API. The page's idea of its age only saves a
   * request: a token that the API refuses is renewed all the same (renew).
   */
  async function token(renew = false) {
    if (!tokens) throw new Problem("signed_out");
    const age = (Date.now() - tokens.since) / 1000;
    if (!renew && age < tokens.lifetime - MARGIN) return tokens.idToken;
    if (tokens.refreshToken) {
      refreshing ??= refresh().finally(() => { refreshing = null; });
      await refreshing;
      if (!tokens) throw new Problem("signed_out"); // signed out meanwhile
      return tokens.idToken;
    }
    if (!renew && age < tokens.lifetime) return tokens.idToken;
    save(null);
    throw new Problem("session_ended");
  }

  async function refresh() {
    const before = tokens;
    const known = await settings();
    let answer;
    try {
      answer = await exchange(known, { grant_type: "refresh_token", refresh_token: before.refreshToken });
    } catch (cause) {
      if (cause.code !== "sign_in_failed") throw new Problem(cause.code === "network" ? "network" : "unavailable");
      if (tokens === before) save(null);
      throw new Problem("session_ended");
    }
    if (tokens !== before) return;
    accept(answer, { issuer: known.issuer, clientId: known.clientId, subject: readClaims(before.idToken).sub });
  }

  /** Forgets the tokens. Resolves to the address that ends the service's own session, or "". */
  async function end() {
    const idToken = tokens?.idToken;
    save(null);
    try {
      return signOutURL(await settings(), { idToken, page });
    } catch {
      return "";
    }
  }

  return {
    begin, finish, token, end,
    get signedIn() { return tokens !== null; },
    /** Whom to greet, or "". */
    get viewer() {
      if (!tokens) return "";
      const claims = readClaims(tokens.idToken);
      return claims.name || claims.email || claims.preferred_username || claims["cognito:username"] || claims.sub || "";
    },
  };
}
