import assert from "node:assert/strict";
import { test } from "node:test";
import { actionOf } from "../element/keys.js";
import { createSettings } from "../element/settings.js";
import { cellAt, parseStoryboard } from "../element/storyboard.js";
import { chapterAt, clock, spoken } from "../element/times.js";

for (const [seconds, text, words] of [
  [0, "0:00", "0 seconds"], [59.9, "0:59", "59 seconds"], [61, "1:01", "1 minute 1 second"],
  [3725, "1:02:05", "1 hour 2 minutes 5 seconds"], [7200, "2:00:00", "2 hours"], [Infinity, "0:00", "0 seconds"], [NaN, "0:00", "0 seconds"],
]) {
  test(`time: ${seconds} s`, () => assert.deepEqual([clock(seconds), spoken(seconds)], [text, words]));
}

const chapters = [{ start: 0, title: "a" }, { start: 30, title: "b" }];
for (const [seconds, title] of [[0, "a"], [29.9, "a"], [30, "b"], [900, "b"]]) {
  test(`chapter: at ${seconds} s`, () => assert.equal(chapterAt(chapters, seconds).title, title));
}
test("chapter: none before the first", () => assert.equal(chapterAt([{ start: 5, title: "a" }], 4), null));

const index = `WEBVTT

00:00:00.000 --> 00:00:10.000
s0.jpg#xywh=0,0,160,90

NOTE a comment --> of no cue

00:10.000 --> 00:20.000
s0.jpg#xywh=160,0,160,90

01:00:00.000 --> 01:00:05.000
s1.jpg#xywh=0,90,160,90

00:20.000 --> 00:30.000
no cell
`;
const base = "https://video.example/premium/a/b/1/story.vtt";

for (const breaks of ["\n", "\r\n"]) {
  test(`storyboard: cells of an index with ${JSON.stringify(breaks)}`, () => {
    const cells = parseStoryboard(index.replaceAll("\n", breaks), base);
    assert.deepEqual(cells.map(({ start, end, url, x, y }) => [start, end, url.slice(-6), x, y]), [
      [0, 10, "s0.jpg", 0, 0], [10, 20, "s0.jpg", 160, 0], [3600, 3605, "s1.jpg", 0, 90],
    ]);
    assert.equal(cells[0].url, "https://video.example/premium/a/b/1/s0.jpg");
  });
}

for (const [seconds, x] of [[0, 0], [9.99, 0], [10, 160], [21, undefined], [3605, 0]]) {
  test(`storyboard: the cell at ${seconds} s`, () => assert.equal(cellAt(parseStoryboard(index, base), seconds)?.x, x));
}
test("storyboard: no cell of none", () => assert.equal(cellAt([], 3), null));

for (const [event, want] of [
  [{ key: " " }, ["toggle"]], [{ key: "K" }, ["toggle"]], [{ key: "ArrowLeft" }, ["seekBy", -5]], [{ key: "l" }, ["seekBy", 10]],
  [{ key: "7" }, ["seekTo", 0.7]], [{ key: "End" }, ["seekTo", 1]], [{ key: "<" }, ["speedBy", -1]], [{ key: "ArrowUp" }, ["volumeBy", 0.1]],
  [{ key: "f", ctrlKey: true }, null], [{ key: "ArrowLeft", altKey: true }, null], [{ key: "x" }, null], [{ key: "F1" }, null], [{ key: "Tab" }, null],
]) {
  test(`keys: ${Object.values(event).join(" ")}`, () => assert.deepEqual(actionOf(event), want));
}

test("settings: are remembered, and what is invalid is not taken", () => {
  const values = new Map();
  const storage = { getItem: (key) => values.get(key) ?? null, setItem: (key, value) => values.set(key, value) };
  createSettings(storage).set({ volume: 0.5, captions: "de" });
  assert.deepEqual(createSettings(storage).get(), { volume: 0.5, muted: false, speed: 1, captions: "de" });
  values.set("premium-hls.player", JSON.stringify({ volume: 7, muted: "yes", speed: 100, captions: 3 }));
  assert.deepEqual(createSettings(storage).get(), { volume: 1, muted: false, speed: 1, captions: "" });
});

test("settings: a browser that stores nothing is no error", () => {
  const denied = () => { throw new DOMException("denied", "SecurityError"); };
  const settings = createSettings({ getItem: denied, setItem: denied });
  settings.set({ volume: 0.2 });
  assert.equal(settings.get().volume, 0.2);
});
