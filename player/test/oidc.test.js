import assert from "node:assert/strict";
import { test } from "node:test";
import "./vendor.js";

const { createIssuer } = await import("../page/oidc.js");

const page = "https://video.example/";
const signIn = {
  issuer: "https://id.example/pool",
  clientId: "page",
  authorizationEndpoint: "https://id.example/authorize?tenant=a",
  tokenEndpoint: "https://id.example/token",
  revocationEndpoint: "https://id.example/revoke",
  endSessionEndpoint: "https://id.example/logout",
};
const bare = { issuer: signIn.issuer, clientId: "page" };
const document = {
  issuer: signIn.issuer,
  authorization_endpoint: "https://id.example/a",
  token_endpoint: "https://id.example/t",
  revocation_endpoint: "https://id.example/r",
  end_session_endpoint: "https://id.example/e",
};

const refused = (code) => ({ name: "Problem", code });
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const started = Math.floor(Date.now() / 1000); // once, so that two tokens of one test are equal
const now = () => started;
const token = (claims, header = { alg: "RS256" }) => `${encode(header)}.${encode(claims)}.${Buffer.from("signature").toString("base64url")}`;
const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
const granted = (claims, more = {}) => json({ access_token: "access", token_type: "Bearer", id_token: token(claims), ...more });
const good = (changes = {}) => ({
  iss: signIn.issuer, aud: "page", nonce: "n", sub: "u1", name: "Ana Jovanović", iat: now(), exp: now() + 3600, ...changes,
});
const begun = { state: "s", nonce: "n", verifier: "v".repeat(43) };

/** An issuer that returns these responses; sent lists the requests. */
function issuer(settings, ...responses) {
  const sent = [];
  return {
    sent,
    ...createIssuer(settings, async (url, { method, body }) => {
      sent.push([method, String(url), Object.fromEntries(new URLSearchParams(body ?? ""))]);
      const next = responses.shift();
      if (next instanceof Error) throw next;
      return next;
    }),
  };
}

const redeem = (query, ...responses) => {
  const one = issuer(signIn, ...responses);
  return { ...one, done: one.redeem(new URLSearchParams(query), begun, page) };
};

test("authorization request: carries every parameter and keeps the endpoint's own query", async () => {
  const { url, state, nonce, verifier } = await issuer({ ...signIn, scope: "openid email" }).begin(page);
  const { code_challenge: challenge, ...query } = Object.fromEntries(new URL(url).searchParams);
  assert.deepEqual(query, {
    tenant: "a", response_type: "code", client_id: "page", redirect_uri: page,
    scope: "openid email", state, nonce, code_challenge_method: "S256",
  });
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  assert.equal(challenge, Buffer.from(digest).toString("base64url"));
  for (const value of [state, nonce, verifier]) assert.match(value, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(new Set([state, nonce, verifier]).size, 3);
  assert.notEqual((await issuer(signIn).begin(page)).state, state);
});

test("authorization request: needs a secure context", async (t) => {
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  t.after(() => Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true }));
  await assert.rejects(issuer(signIn).begin(page), refused("insecure_context"));
});

for (const [name, query] of [
  ["the response to this tab's request", "code=abc&state=s"],
  ["with the issuer's name", "code=abc&state=s&iss=https%3A%2F%2Fid.example%2Fpool"],
]) {
  test(`redirect: ${name}`, async () => {
    const { done, sent } = redeem(query, granted(good(), { refresh_token: "r1" }));
    assert.deepEqual(await done, {
      idToken: token(good()), refreshToken: "r1", subject: "u1", viewer: "Ana Jovanović", lifetime: 3600,
    });
    assert.deepEqual(sent, [["POST", signIn.tokenEndpoint, {
      grant_type: "authorization_code", client_id: "page", code: "abc", redirect_uri: page, code_verifier: begun.verifier,
    }]]);
  });
}

for (const [name, query, code] of [
  ["another state", "code=abc&state=x", "sign_in_failed"],
  ["no state", "code=abc", "sign_in_failed"],
  ["two states", "code=abc&state=s&state=s", "sign_in_failed"],
  ["no code", "state=s", "sign_in_failed"],
  ["another issuer", "code=abc&state=s&iss=https%3A%2F%2Fevil.example", "sign_in_failed"],
  ["cancelled by the viewer", "error=access_denied&state=s", "sign_in_cancelled"],
  ["an error with another state", "error=access_denied&state=x", "sign_in_failed"],
  ["an error of the issuer", "error=server_error&state=s", "sign_in_unavailable"],
]) {
  test(`redirect: ${name} is rejected without a request`, async () => {
    const { done, sent } = redeem(query);
    await assert.rejects(done, refused(code));
    assert.equal(sent.length, 0);
  });
}

for (const none of [null, {}]) {
  test(`redirect: a sign-in that this tab did not begin is rejected (${JSON.stringify(none)})`, () =>
    assert.rejects(issuer(signIn).redeem(new URLSearchParams("code=abc"), none, page), refused("sign_in_failed")));
}

test("redirect: an issuer that promises iss must send it", async () => {
  const promised = json({ ...document, authorization_response_iss_parameter_supported: true });
  await assert.rejects(issuer(bare, promised).redeem(new URLSearchParams("code=abc&state=s"), begun, page), refused("sign_in_failed"));
});

for (const [name, claims] of [
  ["one of several audiences, issued to this client", good({ aud: ["page", "x"], azp: "page" })],
  ["made by an issuer whose clock is a day ahead", good({ iat: now() + 86400, exp: now() + 90000 })],
  ["made by an issuer whose clock is a day behind", good({ iat: now() - 86400, exp: now() - 82800 })],
]) {
  test(`ID token: ${name} is accepted`, async () => {
    assert.equal((await redeem("code=abc&state=s", granted(claims)).done).lifetime, 3600);
  });
}

for (const [name, response] of [
  ["one of several audiences, issued to another client", granted(good({ aud: ["page", "x"], azp: "x" }))],
  ["another audience", granted(good({ aud: "x" }))],
  ["another issuer", granted(good({ iss: "https://evil.example" }))],
  ["another nonce", granted(good({ nonce: "m" }))],
  ["no nonce", granted(good({ nonce: undefined }))],
  ["no subject", granted(good({ sub: undefined }))],
  ["expired when it was issued", granted(good({ exp: now() - 60 }))],
  ["no signature algorithm", json({ access_token: "a", token_type: "Bearer", id_token: token(good(), { alg: "none" }) })],
  ["not a JWT", json({ access_token: "a", token_type: "Bearer", id_token: "abc" })],
  ["not base64", json({ access_token: "a", token_type: "Bearer", id_token: "a.%%.c" })],
  ["no object", granted(7)],
  ["null", granted(null)],
  ["none at all", json({ access_token: "a", token_type: "Bearer" })],
]) {
  test(`ID token: ${name} is rejected`, () => assert.rejects(redeem("code=abc&state=s", response).done, refused("sign_in_failed")));
}

for (const [name, response, code] of [
  ["a refused code", json({ error: "invalid_grant" }, 400), "sign_in_failed"],
  ["too many requests", json({}, 429), "sign_in_unavailable"],
  ["an error of the issuer", new Response("<html>", { status: 502 }), "sign_in_unavailable"],
  ["no connection", new TypeError("down"), "network"],
]) {
  test(`token endpoint: ${name}`, () => assert.rejects(redeem("code=abc&state=s", response).done, refused(code)));
}

const session = { refreshToken: "r1", subject: "u1" };

test("refresh: sends the refresh token, needs no nonce, and keeps the token if it is not rotated", async () => {
  const one = issuer(signIn, granted(good({ nonce: undefined })));
  assert.equal((await one.refresh(session)).refreshToken, "r1");
  assert.deepEqual(one.sent, [["POST", signIn.tokenEndpoint, { grant_type: "refresh_token", client_id: "page", refresh_token: "r1" }]]);
});
test("refresh: a rotated refresh token replaces the old one", async () => {
  assert.equal((await issuer(signIn, granted(good(), { refresh_token: "r2" })).refresh(session)).refreshToken, "r2");
});
for (const [name, response, code] of [
  ["another subject", granted(good({ sub: "u2" })), "sign_in_failed"],
  ["no ID token", json({ access_token: "a", token_type: "Bearer" }), "sign_in_failed"],
  ["a refused refresh token", json({ error: "invalid_grant" }, 400), "sign_in_failed"],
  ["an error of the issuer", json({}, 503), "sign_in_unavailable"],
]) {
  test(`refresh: ${name}`, () => assert.rejects(issuer(signIn, response).refresh(session), refused(code)));
}

test("revocation: sends the refresh token as a public client", async () => {
  const one = issuer(signIn, new Response(null, { status: 200 }));
  assert.equal(await one.revoke("r1"), true);
  assert.deepEqual(one.sent, [["POST", signIn.revocationEndpoint, { client_id: "page", token: "r1", token_type_hint: "refresh_token" }]]);
});
for (const [name, settings, ...responses] of [
  ["an issuer without the endpoint", { ...signIn, revocationEndpoint: undefined }],
  ["an error", signIn, json({ error: "invalid_request" }, 400)],
  ["no connection", signIn, new TypeError("down")],
]) {
  test(`revocation: ${name} does not stop the sign-out`, async () => {
    assert.equal(await issuer(settings, ...responses).revoke("r1"), false);
  });
}

for (const [name, settings, want] of [
  ["OpenID Connect", signIn, { client_id: "page", id_token_hint: "t", post_logout_redirect_uri: page }],
  ["Cognito, by its setting", { ...signIn, signOut: "cognito" }, { client_id: "page", logout_uri: page }],
  ["Cognito, by its issuer", { ...signIn, issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x" }, { client_id: "page", logout_uri: page }],
]) {
  test(`sign-out address: ${name}`, async () => {
    const url = new URL(await issuer(settings).signOutURL({ idToken: "t", page }));
    assert.deepEqual(Object.fromEntries(url.searchParams), want);
  });
}
test("sign-out address: none if the issuer has no logout", async () => {
  assert.equal(await issuer({ ...signIn, endSessionEndpoint: undefined }).signOutURL({ page }), "");
});

test("discovery: no request if the settings have the endpoints", async () => {
  const one = issuer(signIn);
  await one.begin(page);
  assert.equal(one.sent.length, 0);
});
test("discovery: endpoints come from the issuer's document, read once", async () => {
  const one = issuer(bare, json(document), new Response(null, { status: 200 }));
  assert.equal(new URL((await one.begin(page)).url).pathname, "/a");
  await one.revoke("r1");
  assert.equal(new URL(await one.signOutURL({ page })).pathname, "/e");
  assert.deepEqual(one.sent.map(([, url]) => url), [`${signIn.issuer}/.well-known/openid-configuration`, "https://id.example/r"]);
});
for (const [name, response] of [
  ["another issuer's document", json({ ...document, issuer: "https://evil.example" })],
  ["an issuer that differs by a slash", json({ ...document, issuer: `${signIn.issuer}/` })],
  ["no token endpoint", json({ ...document, token_endpoint: undefined })],
  ["an error", json(document, 500)],
  ["no connection", new TypeError("down")],
]) {
  test(`discovery: ${name} is not used, and the next attempt reads it again`, async () => {
    const one = issuer(bare, response, json(document));
    await assert.rejects(one.begin(page), refused("sign_in_unavailable"));
    await one.begin(page);
  });
}
test("discovery: plain HTTP is for this machine only", async () => {
  await assert.rejects(issuer({ ...bare, issuer: "http://id.example" }).begin(page), refused("sign_in_unavailable"));
  const local = "http://localhost:8081";
  await issuer({ ...bare, issuer: local }, json({ ...document, issuer: local })).begin(page);
});
