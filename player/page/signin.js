// The viewer's session: sign-in by redirect, tokens in sessionStorage (this tab
// only, removed when it closes), new tokens by refresh token if there is one.
import { Problem } from "./element/problem.js";

const TOKENS = "premium-hls.tokens";
const BEGUN = "premium-hls.sign-in";
// A token with less than this left (seconds) counts as expired: the request
// that carries it takes a moment.
const MARGIN = 15;

/**
 * @param {object|undefined} signIn the part of config.json
 * @param {object} [browser] location, history, sessionStorage and fetch
 * @param {object} [options]
 * @param {string} [options.page] the redirect URI that the issuer knows, without query and fragment
 */
export function createSession(signIn, browser = globalThis, { page = new URL("./", browser.location.href).href } = {}) {
  const { location, history, sessionStorage: storage } = browser;
  let issuer = null;
  let refreshing = null;

  let tokens = load(TOKENS); // { idToken, refreshToken, subject, viewer, lifetime, since }
  if (typeof tokens?.idToken !== "string") tokens = null;

  function load(key) {
    try {
      return JSON.parse(storage.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  function save(next) {
    tokens = next && { ...next, since: Date.now() };
    if (tokens) storage.setItem(TOKENS, JSON.stringify(tokens));
    else storage.removeItem(TOKENS);
  }

  // Loaded on first use: viewers of free videos never need it.
  async function oidc() {
    if (!signIn?.issuer || !signIn.clientId) throw new Problem("sign_in_not_set_up");
    issuer ??= import("./oidc.js").then(({ createIssuer }) => createIssuer(signIn, browser.fetch.bind(browser)));
    try {
      return await issuer;
    } catch {
      issuer = null;
      throw new Problem("network");
    }
  }

  /** Goes to the sign-in page. finish returns wanted. */
  async function begin(wanted) {
    const { url, ...begun } = await (await oidc()).begin(page);
    storage.setItem(BEGUN, JSON.stringify({ ...begun, wanted }));
    location.assign(url);
  }

  /**
   * Completes a sign-in if the page was reached by a redirect from the issuer.
   * Resolves to what begin was given, or to null if it was not such a redirect.
   */
  async function finish() {
    const query = new URLSearchParams(location.search);
    if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
    const begun = load(BEGUN);
    storage.removeItem(BEGUN); // the same redirect must not work twice
    history.replaceState(null, "", page);
    save(await (await oidc()).redeem(query, begun, page));
    return { wanted: begun.wanted };
  }

  const left = () => tokens.lifetime - (Date.now() - tokens.since) / 1000;

  /**
   * An ID token for the API. It is refreshed only if it has expired, or if the
   * API rejected it (renew): each refresh counts against the issuer's quota.
   */
  async function token(renew = false) {
    if (!tokens) throw new Problem("signed_out");
    if (!renew && left() > MARGIN) return tokens.idToken;
    if (tokens.refreshToken) {
      refreshing ??= refresh().finally(() => { refreshing = null; });
      await refreshing;
      if (!tokens) throw new Problem("signed_out"); // signed out meanwhile
      return tokens.idToken;
    }
    if (!renew && left() > 0) return tokens.idToken;
    save(null);
    throw new Problem("session_ended");
  }

  async function refresh() {
    const before = tokens;
    let next;
    try {
      next = await (await oidc()).refresh(before);
    } catch (cause) {
      if (cause.code !== "sign_in_failed") throw new Problem(cause.code === "network" ? "network" : "unavailable");
      if (tokens === before) save(null);
      throw new Problem("session_ended");
    }
    if (tokens === before) return save(next);
    // Signed out meanwhile: the token that end revoked has a successor.
    if (next.refreshToken !== before.refreshToken) await (await oidc()).revoke(next.refreshToken);
  }

  /**
   * Forgets the tokens and revokes the refresh token. Resolves to the address
   * that ends the issuer's own session, or "".
   */
  async function end() {
    const { idToken, refreshToken } = tokens ?? {};
    save(null);
    try {
      const known = await oidc();
      if (refreshToken) await known.revoke(refreshToken);
      return await known.signOutURL({ idToken, page });
    } catch {
      return "";
    }
  }

  return {
    begin, finish, token, end,
    /** What another page of this site can adopt, or null. */
    get tokens() { return tokens; },
    /** Takes the tokens of another page of this site; null: none. */
    adopt(given) {
      tokens = given;
      if (given) storage.setItem(TOKENS, JSON.stringify(given));
      else storage.removeItem(TOKENS);
    },
    get signedIn() { return tokens !== null; },
    /** Whether token() resolves without a request. */
    get fresh() { return tokens !== null && left() > MARGIN; },
    /** The viewer's name to show, or "". */
    get viewer() { return tokens?.viewer ?? ""; },
  };
}
