import assert from "node:assert/strict";
import { test } from "node:test";
import "./vendor.js";

const { codes, describe, inWords, warn } = await import("../page/words.js");

const apiCodes = [
  "invalid_path", "not_through_distribution", "unauthenticated", "not_entitled",
  "viewer_address_not_ipv4", "keys_unavailable", "entitlements_unavailable", "internal", "too_many_requests",
];

for (const code of apiCodes) {
  test(`words: the API's ${code} has a text`, () => assert.ok(codes.includes(code)));
}

for (const code of [...codes, "a_code_of_next_year", "constructor"]) {
  test(`words: ${code} says what happened and what to do, without internal names`, () => {
    for (const details of [{}, { title: "Dune", retryAfter: 30, requestId: "r-1" }]) {
      const words = describe(code, details);
      assert.match(words.heading, /^[A-Z].*[^.]$/);
      assert.match(words.text, /^[A-Z“].*\.$/);
      assert.doesNotMatch(`${words.heading} ${words.text}`, /undefined|NaN|null|lambda|cloudfront|cognito|signer|[a-z]_[a-z]/i);
      assert.ok(["sign-in", "retry", ""].includes(words.action));
    }
  });
}

test("words: the text has the time of Retry-After", () => {
  assert.match(describe("keys_unavailable", { retryAfter: 30 }).text, /in 30 seconds/);
  assert.match(describe("keys_unavailable").text, /in a moment/);
});

test("words: a request id is shown if support needs it, not if the viewer can act", () => {
  assert.equal(describe("internal", { requestId: "r-1" }).reference, "r-1");
  assert.equal(describe("a_code_of_next_year", { requestId: "r-1" }).reference, "r-1");
  assert.equal(describe("signed_out", { requestId: "r-1" }).reference, "");
  assert.equal(describe("internal").reference, "");
});

for (const [seconds, words] of [
  [0, "1 second"], [1, "1 second"], [1.2, "2 seconds"], [89, "89 seconds"],
  [90, "2 minutes"], [119.5, "2 minutes"], [3600, "60 minutes"], [7200, "2 hours"],
]) {
  test(`words: ${seconds} s is ${words}`, () => assert.equal(inWords(seconds), words));
}

for (const code of ["session_ended", "not_entitled", "network", "keys_unavailable"]) {
  test(`words: a warning of ${code} says how long the video continues, if it does`, () => {
    assert.match(warn(code, 300), /about 5 minutes more\./);
    assert.doesNotMatch(warn(code, 0), /more|undefined/);
  });
}
