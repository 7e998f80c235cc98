import assert from "node:assert/strict";
import { test } from "node:test";
import { codes, describe, inWords, warn } from "../page/words.js";

const apiCodes = [
  "invalid_path", "not_through_distribution", "unauthenticated", "not_entitled",
  "viewer_address_not_ipv4", "keys_unavailable", "internal",
];

for (const code of apiCodes) {
  test(`words: the API's ${code} has words of its own`, () => assert.ok(codes.includes(code)));
}

for (const code of [...codes, "a_code_of_next_year", "constructor"]) {
  test(`words: ${code} says what happened and what to do, without names of parts`, () => {
    for (const details of [{}, { title: "Dune", retryAfter: 30, requestId: "r-1" }]) {
      const words = describe(code, details);
      assert.match(words.heading, /^[A-Z].*[^.]$/);
      assert.match(words.text, /^[A-Z“].*\.$/);
      assert.doesNotMatch(`${words.heading} ${words.text}`, /undefined|NaN|null|lambda|cloudfront|cognito|[a-z]_[a-z]/i);
      assert.ok(["sign-in", "retry", ""].includes(words.action));
    }
  });
}

test("words: the time to wait is said where the service gave one", () => {
  assert.match(describe("keys_unavailable", { retryAfter: 30 }).text, /in 30 seconds/);
  assert.match(describe("keys_unavailable").text, /in a moment/);
});

test("words: a request id is shown where support could use it, not where the viewer can act", () => {
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
  test(`words: a warning of ${code} says how long the video goes on, and nothing when it does not`, () => {
    assert.match(warn(code, 300), /about 5 minutes more\./);
    assert.doesNotMatch(warn(code, 0), /more|undefined/);
  });
}
