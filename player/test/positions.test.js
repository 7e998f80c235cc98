import assert from "node:assert/strict";
import { test } from "node:test";
import { createPositions } from "../page/positions.js";

function browser(content) {
  const values = new Map(content === undefined ? [] : [["premium-hls.positions", content]]);
  return { values, getItem: (key) => values.get(key) ?? null, setItem: (key, value) => values.set(key, value) };
}

test("positions: are remembered by video", () => {
  const storage = browser();
  createPositions(storage).save("a", 125.7, 500);
  assert.deepEqual(createPositions(storage).of("a"), { time: 125, share: 0.25, done: false });
  assert.equal(createPositions(storage).of("b"), null);
});

test("positions: a look at the beginning is none", () => {
  const positions = createPositions(browser());
  positions.save("a", 4, 500);
  assert.equal(positions.of("a"), null);
});

test("positions: near its end a video is watched, and begins again", () => {
  const positions = createPositions(browser());
  positions.save("a", 490, 500);
  assert.deepEqual(positions.of("a"), { time: 0, share: 1, done: true });
});

test("positions: the one that was watched last", () => {
  let now = 0;
  const positions = createPositions(browser(), () => ++now);
  for (const path of ["a", "b", "a", "c"]) positions.save(path, 100, 500);
  assert.equal(positions.last(["a", "b"]), "a");
  assert.equal(positions.last(["x"]), null);
});

test("positions: the oldest are forgotten", () => {
  let now = 0;
  const positions = createPositions(browser(), () => ++now);
  for (let n = 0; n <= 300; n++) positions.save(`v${n}`, 100, 500);
  assert.equal(positions.of("v0"), null);
  assert.equal(positions.of("v1").time, 100);
});

for (const content of ["{", "[]", "null", "1", '{"a":1}', '{"a":{"time":1}}']) {
  test(`positions: what cannot be read counts as none: ${content}`, () => assert.equal(createPositions(browser(content)).of("a"), null));
}

test("positions: a browser that stores nothing is no error", () => {
  const denied = () => { throw new DOMException("denied", "SecurityError"); };
  const positions = createPositions({ getItem: denied, setItem: denied });
  positions.save("a", 100, 500);
  assert.equal(positions.of("a"), null);
});
