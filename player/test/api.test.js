import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, refusal } from "../element/api.js";

for (const [name, args, want] of [
  ["the API's code", [503, { code: "keys_unavailable", requestId: "r" }, "30"], ["keys_unavailable", 30, "r"]],
  ["the gateway's 401", [401, { message: "Unauthorized" }, null], ["unauthenticated", undefined, undefined]],
  ["the gateway's 429", [429, { message: "Too Many Requests" }, null], ["too_many_requests", undefined, undefined]],
  ["no JSON at all", [502, null, null], ["unavailable", undefined, undefined]],
  ["a Retry-After that is a date", [503, null, "Fri, 31 Dec 1999 23:59:59 GMT"], ["unavailable", undefined, undefined]],
  ["an unknown status", [418, {}, null], ["unexpected", undefined, undefined]],
]) {
  test(`API refusal: ${name}`, () => {
    const problem = refusal(...args);
    assert.deepEqual([problem.code, problem.retryAfter, problem.requestId], want);
  });
}

const answer = (status, body) => new Response(body && JSON.stringify(body), { status });

function run(answers) {
  const sent = [];
  const session = { token: async (renew) => (renew ? "new" : "old") };
  const call = createApi(session, async (path, options) => {
    sent.push(`${options.method} ${path} ${options.headers.Authorization}`);
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  });
  return { call, sent };
}

test("API call: sends the token and returns the body", async () => {
  const { call, sent } = run([answer(200, { expiresIn: 60 })]);
  assert.deepEqual(await call("POST", "/api/cookies", { path: "a" }), { expiresIn: 60 });
  assert.deepEqual(sent, ["POST /api/cookies Bearer old"]);
});

test("API call: 204 has no body", async () => assert.equal(await run([answer(204)]).call("DELETE", "/api/cookies", {}), null));

test("API call: a refused token is renewed once", async () => {
  const { call, sent } = run([answer(401, {}), answer(200, {})]);
  await call("POST", "/api/cookies", {});
  assert.deepEqual(sent, ["POST /api/cookies Bearer old", "POST /api/cookies Bearer new"]);
});

test("API call: a renewed token that is refused too is an error", async () => {
  const { call, sent } = run([answer(401, {}), answer(401, {})]);
  await assert.rejects(call("POST", "/api/cookies", {}), { code: "unauthenticated" });
  assert.equal(sent.length, 2);
});

test("API call: no network", () => assert.rejects(run([new TypeError("down")]).call("GET", "/api/entitlements"), { code: "network" }));
