import assert from "node:assert/strict";
import { test } from "node:test";
import "./vendor.js";

const { createSession } = await import("../page/signin.js");

const signIn = {
  issuer: "https://id.example",
  clientId: "page",
  authorizationEndpoint: "https://id.example/authorize",
  tokenEndpoint: "https://id.example/token",
  revocationEndpoint: "https://id.example/revoke",
  endSessionEndpoint: "https://id.example/logout",
  signOut: "cognito",
};
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const now = () => Math.floor(Date.now() / 1000);

function storage() {
  const values = new Map();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => values.set(key, value),
    removeItem: (key) => values.delete(key),
  };
}

/** A tab at the page, with an issuer that rotates refresh tokens. */
function tab({ seconds = 3600, refreshed = 200, rotate = true } = {}) {
  const requests = [];
  let issued = 0;
  const answers = {
    "/token": (form) => {
      if (form.grant_type === "refresh_token" && refreshed !== 200) return [refreshed, { error: "invalid_grant" }];
      issued++;
      const claims = { iss: signIn.issuer, aud: "page", sub: "u1", email: "ana@example.com", iat: now(), exp: now() + seconds, nonce: nonce() };
      const id = `${encode({ alg: "RS256" })}.${encode(claims)}.c2ln${"x".repeat(4 * issued)}`;
      return [200, { access_token: "a", token_type: "Bearer", id_token: id, ...((rotate || issued === 1) && { refresh_token: `r${issued}` }) }];
    },
    "/revoke": () => [200, null],
  };
  const browser = {
    location: { href: "https://video.example/?old=1", search: "", assign(url) { this.left = url; } },
    history: { replaceState(_, __, url) { browser.location.search = new URL(url).search; } },
    sessionStorage: storage(),
    fetch: async (url, { body }) => {
      const form = Object.fromEntries(new URLSearchParams(body));
      const { pathname } = new URL(url);
      requests.push([pathname, form.refresh_token ?? form.token ?? form.code]);
      const [status, content] = answers[pathname](form);
      return new Response(content && JSON.stringify(content), { status, headers: { "Content-Type": "application/json" } });
    },
  };
  const nonce = () => new URL(browser.location.left).searchParams.get("nonce");
  return {
    browser, requests,
    open: () => createSession(signIn, browser),
    async signIn() {
      await createSession(signIn, browser).begin("course-1");
      browser.location.search = `?code=abc&state=${new URL(browser.location.left).searchParams.get("state")}`;
      const session = createSession(signIn, browser);
      assert.deepEqual(await session.finish(), { wanted: "course-1" });
      return session;
    },
    age(ms) {
      const tokens = JSON.parse(browser.sessionStorage.getItem("premium-hls.tokens"));
      browser.sessionStorage.setItem("premium-hls.tokens", JSON.stringify({ ...tokens, since: tokens.since - ms }));
      return createSession(signIn, browser);
    },
  };
}

test("session: signs in, survives a reload, and removes the code from the address", async () => {
  const one = tab();
  const session = await one.signIn();
  assert.equal(one.browser.location.search, "");
  assert.deepEqual([session.signedIn, session.fresh, session.viewer], [true, true, "ana@example.com"]);
  assert.equal(await one.open().token(), await session.token());
  assert.deepEqual(one.requests, [["/token", "abc"]]);
});

test("session: the same redirect does not work twice", async () => {
  const one = tab();
  await one.signIn();
  one.browser.location.search = `?code=abc&state=${new URL(one.browser.location.left).searchParams.get("state")}`;
  await assert.rejects(one.open().finish(), { code: "sign_in_failed" });
});

test("session: a page without sign-in settings says so", () =>
  assert.rejects(createSession({}, tab().browser).begin("x"), { code: "sign_in_not_set_up" }));

test("session: nobody signed in has no token", () => assert.rejects(tab().open().token(), { code: "signed_out" }));

test("session: a token is refreshed only once it has expired", async () => {
  const one = tab();
  await one.signIn();
  await one.age(3500_000).token();
  assert.equal(one.requests.length, 1);
  const late = one.age(90_000);
  assert.equal(late.fresh, false);
  await late.token();
  assert.deepEqual(one.requests.slice(1), [["/token", "r1"]]);
});

test("session: requests at the same time share one refresh, and the next one uses the rotated token", async () => {
  const one = tab();
  const session = await one.signIn();
  const [a, b] = await Promise.all([session.token(true), session.token(true)]);
  assert.equal(a, b);
  await session.token(true);
  assert.deepEqual(one.requests.slice(1), [["/token", "r1"], ["/token", "r2"]]);
});

test("session: a refresh token that is not rotated is used again", async () => {
  const one = tab({ rotate: false });
  const session = await one.signIn();
  await session.token(true);
  await session.token(true);
  assert.deepEqual(one.requests.slice(1), [["/token", "r1"], ["/token", "r1"]]);
});

test("session: a refused refresh token ends the session", async () => {
  const session = await tab({ refreshed: 400 }).signIn();
  await assert.rejects(session.token(true), { code: "session_ended" });
  assert.equal(session.signedIn, false);
});

test("session: an issuer in trouble does not end the session", async () => {
  const session = await tab({ refreshed: 503 }).signIn();
  await assert.rejects(session.token(true), { code: "unavailable" });
  assert.equal(session.signedIn, true);
});

test("sign-out: forgets the tokens, revokes the refresh token, then leaves for the issuer's logout", async () => {
  const one = tab();
  const session = await one.signIn();
  const next = await session.end();
  assert.deepEqual(one.requests.slice(1), [["/revoke", "r1"]]);
  assert.deepEqual(Object.fromEntries(new URL(next).searchParams), { client_id: "page", logout_uri: "https://video.example/" });
  assert.equal(session.signedIn, false);
  assert.equal(one.browser.sessionStorage.getItem("premium-hls.tokens"), null);
});

test("sign-out: a refresh that ends later does not sign in again, and its new refresh token is revoked", async () => {
  const one = tab();
  const session = await one.signIn();
  const renewal = session.token(true);
  await session.end();
  await assert.rejects(renewal, { code: "signed_out" });
  assert.equal(session.signedIn, false);
  assert.deepEqual(one.requests.filter(([path]) => path === "/revoke"), [["/revoke", "r1"], ["/revoke", "r2"]]);
});
