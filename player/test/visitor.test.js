import assert from "node:assert/strict";
import { test } from "node:test";
import "./vendor.js";

const { createVisitor, handOver, storageOf } = await import("../page/visitor.js");

const OWN = "https://video.example.com";
const LISTED = "https://www.example.org";
const JWT = "aaa.bbb.ccc";

function window(extra = {}) {
  const heard = new Set();
  const sent = [];
  const self = {
    location: { origin: OWN, ancestorOrigins: [LISTED] },
    document: { referrer: "" },
    sent, heard,
    parent: { postMessage: (message, origin) => sent.push([message, origin]) },
    addEventListener: (name, run) => heard.add(run),
    removeEventListener: (name, run) => heard.delete(run),
    say(data, origin, source) { for (const run of [...heard]) run({ data, origin, source }); },
    ...extra,
  };
  return self;
}

function session() {
  const made = { tokens: null, adopt(tokens) { made.tokens = tokens; }, token: async () => made.tokens?.idToken ?? "signed out", get signedIn() { return made.tokens !== null; } };
  return made;
}

function visitor(browser, origins = [LISTED, "http://localhost:5173"]) {
  const made = { session: session(), changes: 0 };
  made.visitor = createVisitor({ session: made.session, origins, changed: () => made.changes++, browser, patience: 20 });
  return made;
}

test("takes a token of the page that shows it, if its origin is listed", async () => {
  const browser = window();
  const { visitor: v, changes } = visitor(browser);
  const other = {};
  for (const [name, data, origin, source] of [
    ["another origin", { type: "premium-hls:token", token: JWT }, "https://evil.example", browser.parent],
    ["an origin with the listed one inside", { type: "premium-hls:token", token: JWT }, `${LISTED}.evil.example`, browser.parent],
    ["an origin with a path", { type: "premium-hls:token", token: JWT }, `${LISTED}/`, browser.parent],
    ["the opaque origin", { type: "premium-hls:token", token: JWT }, "null", browser.parent],
    ["its own origin", { type: "premium-hls:token", token: JWT }, OWN, browser.parent],
    ["another window of a listed origin", { type: "premium-hls:token", token: JWT }, LISTED, other],
    ["no window", { type: "premium-hls:token", token: JWT }, LISTED, null],
    ["no object", JWT, LISTED, browser.parent],
    ["null", null, LISTED, browser.parent],
    ["another type", { type: "token", token: JWT }, LISTED, browser.parent],
    ["no token", { type: "premium-hls:token" }, LISTED, browser.parent],
    ["no JWT", { type: "premium-hls:token", token: "abc" }, LISTED, browser.parent],
    ["a header injected", { type: "premium-hls:token", token: "a.b.c\r\nX: y" }, LISTED, browser.parent],
    ["an endless token", { type: "premium-hls:token", token: `a.b.${"c".repeat(20_000)}` }, LISTED, browser.parent],
    ["tokens of a window that was not opened", { type: "premium-hls:tokens", tokens: { idToken: JWT } }, OWN, null],
    ["tokens of the page", { type: "premium-hls:tokens", tokens: { idToken: JWT } }, LISTED, browser.parent],
  ]) {
    browser.say(data, origin, source);
    assert.equal(v.signedIn, false, name);
  }
  assert.equal(changes, 0);
  browser.say({ type: "premium-hls:token", token: JWT }, LISTED, browser.parent);
  assert.equal(await v.token(), JWT);
  browser.say({ type: "premium-hls:token", token: null }, LISTED, browser.parent);
  assert.equal(v.signedIn, false);
});

test("says whether a token is the same viewer's", () => {
  const browser = window();
  const said = [];
  createVisitor({ session: session(), origins: [LISTED], changed: (same) => said.push(same), browser });
  const token = (claims, signature) => `aaa.${Buffer.from(JSON.stringify({ iss: "i", ...claims })).toString("base64url")}.${signature}`;
  for (const next of [token({ sub: "ada é" }, "s1"), token({ sub: "ada é" }, "s2"), token({ sub: "ben" }, "s3"), token({ sub: "ben", iss: "j" }, "s4"), JWT, "ddd.eee.fff", null]) {
    browser.say({ type: "premium-hls:token", token: next }, LISTED, browser.parent);
  }
  assert.deepEqual(said, [false, true, false, false, false, false, false]);
});

test("a page that is in no frame takes no token", () => {
  const browser = window();
  browser.parent = browser;
  browser.postMessage = () => assert.fail("it speaks to itself");
  const { visitor: v } = visitor(browser, [LISTED, OWN]);
  browser.say({ type: "premium-hls:token", token: JWT }, OWN, browser);
  assert.equal(v.signedIn, false);
  v.refused("signed_out");
});

test("asks for another token when one is rejected", async () => {
  const browser = window();
  const { visitor: v } = visitor(browser);
  browser.say({ type: "premium-hls:token", token: JWT }, LISTED, browser.parent);
  const next = v.token(true);
  assert.deepEqual(browser.sent, [[{ type: "premium-hls:ready" }, LISTED]]);
  browser.say({ type: "premium-hls:token", token: JWT }, LISTED, browser.parent); // the same one
  browser.say({ type: "premium-hls:token", token: "ddd.eee.fff" }, LISTED, browser.parent);
  assert.equal(await next, "ddd.eee.fff");
  await assert.rejects(v.token(true), { code: "session_ended" });
  assert.equal(v.signedIn, false);
});

test("speaks to the page that shows it and to no other", () => {
  for (const [name, extra, origins] of [
    ["the browser names it", {}, [LISTED]],
    ["by the referrer", { location: { origin: OWN }, document: { referrer: `${LISTED}/a` } }, [LISTED]],
    ["not known", { location: { origin: OWN } }, [LISTED, "http://localhost:5173"]],
    ["not listed", { location: { origin: OWN, ancestorOrigins: ["https://evil.example"] } }, [LISTED, "http://localhost:5173"]],
  ]) {
    const browser = window(extra);
    visitor(browser).visitor.refused("not_entitled");
    assert.deepEqual(browser.sent, origins.map((origin) => [{ type: "premium-hls:refused", code: "not_entitled" }, origin]), name);
  }
});

test("takes the tokens of the window that it opened", async () => {
  const replies = [];
  const popup = { postMessage: (message, origin) => replies.push([message, origin]) };
  const opened = [];
  const browser = window({ open: (...how) => { opened.push(how); return popup; } });
  const made = visitor(browser);
  assert.equal(made.visitor.signIn("course-1"), true);
  assert.equal(opened[0][0], "/signed-in.html#/course-1");
  assert.doesNotMatch(opened[0][2], /noopener|noreferrer/);
  const tokens = { idToken: JWT };
  browser.say({ type: "premium-hls:tokens", tokens }, LISTED, popup); // it went elsewhere
  browser.say({ type: "premium-hls:tokens", tokens }, OWN, {}); // another window
  assert.equal(made.session.tokens, null);
  browser.say({ type: "premium-hls:tokens", tokens }, OWN, popup);
  assert.equal(made.session.tokens, tokens);
  assert.equal(await made.visitor.token(), JWT);
  assert.equal(made.changes, 1);
  assert.deepEqual(replies, [[{ type: "premium-hls:taken" }, OWN]]);
  assert.deepEqual(browser.sent, [[{ type: "premium-hls:signed-in" }, LISTED]]);
  browser.say({ type: "premium-hls:tokens", tokens: { idToken: "x.y.z" } }, OWN, popup); // once only
  assert.equal(made.session.tokens, tokens);
});

test("says whether the browser opened a window", () => {
  assert.equal(visitor(window({ open: () => null })).visitor.signIn("a"), false);
});

test("the window of the sign-in hands its tokens to its own origin only", async () => {
  const sent = [];
  const opener = { postMessage: (message, origin) => sent.push([message, origin]) };
  const browser = window({ opener });
  const taken = handOver({ idToken: JWT }, browser, 1000);
  assert.deepEqual(sent, [[{ type: "premium-hls:tokens", tokens: { idToken: JWT } }, OWN]]);
  browser.say({ type: "premium-hls:taken" }, LISTED, opener);
  browser.say({ type: "premium-hls:taken" }, OWN, {});
  assert.equal(browser.heard.size, 1);
  browser.say({ type: "premium-hls:taken" }, OWN, opener);
  assert.equal(await taken, true);
  assert.equal(browser.heard.size, 0);
  assert.equal(await handOver({}, window({ opener: null })), false);
  assert.equal(await handOver({}, window({ opener }), 1), false);
});

test("does without storage that the browser denies", () => {
  const denied = storageOf({ get sessionStorage() { throw new Error("SecurityError"); } });
  denied.setItem("a", "1");
  assert.equal(denied.getItem("a"), "1");
  denied.removeItem("a");
  assert.equal(denied.getItem("a"), null);
});
