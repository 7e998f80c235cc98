import assert from "node:assert/strict";
import test from "node:test";

import "./vendor.js";
const { arrival, emailOf, paid, paymentURL, purchase, welcome } = await import("../page/purchase.js");

const course = { path: "course-1", address: "course-1", price: "€49", paymentLink: "https://buy.stripe.com/abc?prefilled_promo_code=X" };

// html notes what a template has, in place of Vue.
function html(strings, ...values) {
  return { text: strings.join("§"), values };
}

const token = (claims) => `a.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c`;

function context(changes = {}) {
  const seen = { calls: [], begun: [], went: [] };
  return {
    seen,
    config: { stripe: true },
    session: { signedIn: true, token: async () => token({ email: "zoë@example.com" }), begin: async (wanted) => seen.begun.push(wanted) },
    call: async (...call) => { seen.calls.push(call); return { reference: "1abc-_" }; },
    entitled: false,
    html,
    ...changes,
  };
}

async function click(vnode) {
  globalThis.location = { assign: (url) => click.went.push(url) };
  click.went = [];
  await vnode.values.find((value) => typeof value === "function")();
  return click.went;
}

test("there is a button for what can be bought", () => {
  assert.ok(purchase(course, context()).values.includes("Buy for €49"));
  assert.ok(purchase({ ...course, price: "" }, context()).values.includes("Buy"));
  assert.equal(purchase(course, context({ entitled: true })), null);
  assert.equal(purchase({ ...course, paymentLink: "" }, context()), null);
});

test("the payment link gets a reference and the viewer's address", async () => {
  const c = context();
  const [url] = await click(purchase(course, c));
  assert.deepEqual(c.seen.calls, [["POST", "/api/purchases", { path: "course-1" }]]);
  const { host, searchParams } = new URL(url);
  assert.equal(host, "buy.stripe.com");
  assert.deepEqual(Object.fromEntries(searchParams), { prefilled_promo_code: "X", client_reference_id: "1abc-_", prefilled_email: "zoë@example.com" });
});

test("a site without Stripe's events gets no reference", async () => {
  const c = context({ config: {} });
  const [url] = await click(purchase(course, c));
  assert.deepEqual(c.seen.calls, []);
  assert.equal(new URL(url).searchParams.get("client_reference_id"), null);
});

test("a viewer who is signed out signs in first, and comes back to the course", async () => {
  const c = context();
  c.session.signedIn = false;
  assert.deepEqual(await click(purchase(course, c)), []);
  assert.deepEqual(c.seen.begun, ["course-1"]);
  assert.deepEqual(c.seen.calls, []);
});

test("a failure is said, and nothing is opened without a reference", async () => {
  const c = context({ call: async () => { throw new Error("down"); } });
  assert.deepEqual(await click(purchase(course, c)), []);
  assert.match(JSON.stringify(purchase(course, c)), /could not be opened/);
  assert.doesNotMatch(JSON.stringify(purchase({ ...course, path: "course-2" }, c)), /could not be opened/);
});

test("no link but https is followed", () => {
  for (const link of ["http://buy.stripe.com/a", "javascript:alert(1)", "data:text/html,x", "buy"]) {
    assert.throws(() => paymentURL(link, {}), link);
  }
});

test("a token without an address prefills none", () => {
  for (const text of ["", "a.b.c", token({}), token({ email: 1 })]) assert.equal(emailOf(text), "");
});

test("the return from a payment is noticed once", () => {
  const history = { replaceState: (_state, _title, url) => { browser.location.href = url; } };
  const browser = { history, location: { href: "https://video.example.com/?purchase=done&x=1#/course-1" } };
  assert.equal(paid(browser), true);
  assert.equal(browser.location.href, "https://video.example.com/?x=1#/course-1");
  assert.equal(paid(browser), false);
  assert.equal(paid({ history, location: { href: "https://video.example.com/?purchase=other#/course-1" } }), false);
});

test("the page looks until the purchase has arrived, and not for ever", async () => {
  const waits = [];
  const wait = async (ms) => waits.push(ms);
  let looks = 0;
  assert.equal(await arrival(async () => ++looks === 4, wait), true);
  assert.deepEqual(waits, [1000, 1000, 2000]);
  waits.length = 0;
  assert.equal(await arrival(async () => false, wait), false);
  const sum = waits.reduce((a, b) => a + b);
  assert.ok(sum > 120_000 && sum < 300_000, `${sum}`);
  assert.equal(await arrival(async () => true, wait), true);
});

test("a viewer who comes back is told what happens", async () => {
  const told = [];
  const page = (changes) => ({ signedIn: true, look: async () => true, say: (text) => told.push(text), caution: (text) => told.push(`! ${text}`), ...changes });
  await welcome(page(), async () => {});
  assert.deepEqual(told.splice(0), ["Thank you. Waiting for the payment to be confirmed…", "Your purchase has arrived."]);
  await welcome(page({ look: async () => false }), async () => {});
  assert.match(told.splice(0)[1], /^! The payment has not been confirmed yet/);
  await welcome(page({ signedIn: false, look: () => assert.fail() }), async () => {});
  assert.match(told[0], /Sign in/);
});
