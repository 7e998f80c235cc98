import assert from "node:assert/strict";
import { test } from "node:test";
import { authorizationURL, base64url, challengeOf, checkClaims, discover, lifetime, randomText, readRedirect, signOutURL } from "../page/oidc.js";

const signIn = {
  issuer: "https://id.example/pool",
  clientId: "page",
  authorizationEndpoint: "https://id.example/authorize?tenant=a",
  tokenEndpoint: "https://id.example/token",
  endSessionEndpoint: "https://id.example/logout",
};

const token = (claims) => ["{}", JSON.stringify(claims), "signature"].map((part) => base64url(new TextEncoder().encode(part))).join(".");
const refused = (code) => ({ name: "Problem", code });

test("PKCE: the challenge is RFC 7636's for its own example", async () => {
  assert.equal(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("PKCE: a verifier has 256 bits in characters that RFC 7636 allows", () => {
  const [one, other] = [randomText(), randomText()];
  assert.match(one, /^[A-Za-z0-9_-]{43}$/);
  assert.notEqual(one, other);
});

test("PKCE: without a secure context it says so", () => assert.rejects(challengeOf("v", {}), refused("insecure_context")));

test("authorization request: carries everything, and keeps the endpoint's own query", () => {
  const query = new URL(authorizationURL({ ...signIn, scope: "openid email" }, {
    redirectURI: "https://video.example/", state: "s", nonce: "n", challenge: "c",
  })).searchParams;
  assert.deepEqual(Object.fromEntries(query), {
    tenant: "a", response_type: "code", client_id: "page", redirect_uri: "https://video.example/",
    scope: "openid email", state: "s", nonce: "n", code_challenge: "c", code_challenge_method: "S256",
  });
});

for (const [name, query, begun, want] of [
  ["the answer to this window's request", "code=abc&state=s", { state: "s" }, "abc"],
  ["with the issuer's name", "code=abc&state=s&iss=https%3A%2F%2Fid.example%2Fpool", { state: "s" }, "abc"],
  ["another state", "code=abc&state=x", { state: "s" }, refused("sign_in_failed")],
  ["nothing begun here", "code=abc&state=s", null, refused("sign_in_failed")],
  ["no state on either side", "code=abc", {}, refused("sign_in_failed")],
  ["another issuer's answer", "code=abc&state=s&iss=https%3A%2F%2Fevil.example", { state: "s" }, refused("sign_in_failed")],
  ["stopped by the viewer", "error=access_denied&state=s", { state: "s" }, refused("sign_in_cancelled")],
  ["stopped by somebody else", "error=access_denied&state=x", { state: "s" }, refused("sign_in_failed")],
  ["the service in trouble", "error=server_error&state=s", { state: "s" }, refused("sign_in_unavailable")],
]) {
  test(`redirect back: ${name}`, () => {
    const read = () => readRedirect(new URLSearchParams(query), begun, signIn.issuer);
    if (typeof want === "string") assert.equal(read(), want);
    else assert.throws(read, want);
  });
}

const good = { iss: signIn.issuer, aud: "page", nonce: "n", sub: "u1", name: "Ana Jovanović" };
for (const [name, claims, ok] of [
  ["all as asked", good, true],
  ["one of several audiences, issued to this page", { ...good, aud: ["page", "x"], azp: "page" }, true],
  ["one of several audiences, issued to another", { ...good, aud: ["page", "x"], azp: "x" }, false],
  ["another audience", { ...good, aud: "x" }, false],
  ["another issuer", { ...good, iss: "https://evil.example" }, false],
  ["another nonce", { ...good, nonce: "m" }, false],
  ["no nonce", { ...good, nonce: undefined }, false],
]) {
  test(`ID token: ${name}`, () => {
    const check = () => checkClaims(token(claims), { issuer: signIn.issuer, clientId: "page", nonce: "n" });
    if (ok) assert.equal(check().name, "Ana Jovanović");
    else assert.throws(check, refused("sign_in_failed"));
  });
}

test("ID token: a refreshed one may lack the nonce but not change its subject", () => {
  const expected = { issuer: signIn.issuer, clientId: "page", subject: "u1" };
  checkClaims(token({ ...good, nonce: undefined }), expected);
  assert.throws(() => checkClaims(token({ ...good, sub: "u2" }), expected), refused("sign_in_failed"));
});

for (const [name, text] of [["no token", "abc"], ["not base64", "a.%%.c"], ["not an object", token(7)], ["null", token(null)]]) {
  test(`ID token: ${name} is refused`, () => assert.throws(() => checkClaims(text, signIn), refused("sign_in_failed")));
}

test("ID token: its life is the difference of its own times", () => {
  assert.equal(lifetime({ iat: 1000, exp: 4600 }), 3600);
  assert.equal(lifetime({ exp: 4600 }, 300), 300);
});

for (const [name, settings, want] of [
  ["OpenID Connect", signIn, { client_id: "page", id_token_hint: "t", post_logout_redirect_uri: "https://video.example/" }],
  ["Cognito, as said", { ...signIn, signOut: "cognito" }, { client_id: "page", logout_uri: "https://video.example/" }],
  ["Cognito, by its issuer", { ...signIn, issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x" }, { client_id: "page", logout_uri: "https://video.example/" }],
]) {
  test(`sign-out address: ${name}`, () => {
    const url = new URL(signOutURL(settings, { idToken: "t", page: "https://video.example/" }));
    assert.deepEqual(Object.fromEntries(url.searchParams), want);
  });
}

test("sign-out address: none where the service has none", () => {
  assert.equal(signOutURL({ ...signIn, endSessionEndpoint: undefined }, { page: "https://video.example/" }), "");
});

const bare = { issuer: signIn.issuer, clientId: "page" };
const document = { issuer: signIn.issuer, authorization_endpoint: "https://id.example/a", token_endpoint: "https://id.example/t", end_session_endpoint: "https://id.example/e" };
const answering = (body, ok = true) => async () => ({ ok, json: async () => body });

test("discovery: endpoints that are given are not asked for", async () => {
  assert.equal(await discover(signIn, () => assert.fail("asked")), signIn);
});
test("discovery: endpoints come from the issuer's document", async () => {
  const known = await discover(bare, answering(document));
  assert.deepEqual(
    [known.authorizationEndpoint, known.tokenEndpoint, known.endSessionEndpoint],
    ["https://id.example/a", "https://id.example/t", "https://id.example/e"],
  );
});
for (const [name, fetch] of [
  ["another issuer's document", answering({ ...document, issuer: "https://evil.example" })],
  ["an error", answering(document, false)],
  ["no answer", async () => { throw new TypeError("down"); }],
]) {
  test(`discovery: ${name} is not used`, () => assert.rejects(discover(bare, fetch), refused("sign_in_unavailable")));
}
