import assert from "node:assert/strict";
import { test } from "node:test";
import { secureCookiesWork } from "../page/securecookies.js";

// A document that keeps Secure cookies or, as WebKit over http, does not.
function browser(protocol, keeps) {
  const jar = new Map([["other", "1"]]);
  return {
    location: { protocol },
    document: {
      get cookie() { return [...jar].map(([name, value]) => `${name}=${value}`).join("; "); },
      set cookie(text) {
        const [pair, ...attributes] = text.split("; ");
        const [name, value] = pair.split("=");
        assert.ok(attributes.includes("Secure"));
        if (!keeps) return;
        if (attributes.includes("Max-Age=0")) jar.delete(name);
        else jar.set(name, value);
      },
    },
    jar,
  };
}

for (const [name, protocol, keeps, want] of [
  ["http, as Chromium and Firefox on localhost", "http:", true, true],
  ["http, as WebKit", "http:", false, false],
  ["https needs no probe", "https:", false, true],
]) {
  test(`secure cookies: ${name}`, () => {
    const one = browser(protocol, keeps);
    assert.equal(secureCookiesWork(one), want);
    assert.deepEqual([...one.jar.keys()], ["other"]); // the probe is removed
  });
}
