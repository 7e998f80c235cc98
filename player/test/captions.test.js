import assert from "node:assert/strict";
import { test } from "node:test";
import "./vendor.js";
import { createCaptions, isOnTop } from "../element/captions.js";
const { hasOwnHLS } = await import("../element/engine.js");

// A text track holds cues and tells which of them a time has.
function stage() {
  const track = Object.assign(new EventTarget(), {
    mode: "disabled", cues: [], time: 1,
    addCue(cue) { this.cues.push(cue); },
    removeCue(cue) { this.cues.splice(this.cues.indexOf(cue), 1); },
  });
  Object.defineProperty(track, "activeCues", { get: () => track.cues.filter((one) => one.startTime <= track.time && track.time < one.endTime) });
  const node = () => ({ children: [], append(...more) { this.children.push(...more); }, replaceChildren(...all) { this.children = all; } });
  globalThis.document = { createElement: node };
  const el = node();
  const text = (one) => (typeof one === "string" ? one : one.children.map(text).join(""));
  return {
    captions: createCaptions({ addTextTrack: () => track }, el), track,
    at(time) {
      track.time = time;
      track.dispatchEvent(new Event("cuechange"));
      return el.children.map(text);
    },
  };
}

const cue = (startTime, endTime, text, more = {}) => ({ startTime, endTime, text, line: "auto", snapToLines: true, getCueAsHTML: () => text, ...more });

test("captions: of the chosen track, at their time", () => {
  const { captions, at } = stage();
  captions.add(0, [cue(0, 5, "Hello"), cue(5, 9, "Bye")]);
  assert.deepEqual(at(1), ["", ""]);
  captions.show(0);
  assert.deepEqual(at(1), ["", "Hello"]);
  assert.deepEqual(at(6), ["", "Bye"]);
  captions.add(1, [cue(0, 5, "Hallo")]);
  captions.show(1);
  assert.deepEqual(at(1), ["", "Hallo"]);
  captions.show(0);
  assert.deepEqual(at(1), ["", "Hello"]);
  captions.show(null);
  assert.deepEqual(at(1), ["", ""]);
});

test("captions: a part that is loaded again shows once, one that comes late as well", () => {
  const { captions, at } = stage();
  captions.show(0);
  captions.add(0, [cue(0, 5, "Hello")]);
  captions.add(0, [cue(0, 5, "Hello"), cue(4, 5, "and")]);
  assert.deepEqual(at(4.5), ["", "Helloand"]);
});

test("captions: another video has none of them", () => {
  const { captions, track, at } = stage();
  captions.add(0, [cue(0, 5, "Hello")]);
  captions.show(0);
  captions.clear();
  captions.show(0);
  assert.deepEqual([at(1), track.cues], [["", ""], []]);
});

test("captions: what is placed at the top stays there", () => {
  const { captions, at } = stage();
  captions.add(0, [cue(0, 5, "above", { line: 10, snapToLines: false }), cue(0, 5, "below")]);
  captions.show(0);
  assert.deepEqual(at(1), ["above", "below"]);
});

for (const [line, snapToLines, top] of [["auto", true, false], [0, true, true], [-1, true, false], [12, true, false], [0, false, true], [90, false, false]]) {
  test(`captions: line ${line}${snapToLines ? "" : " %"}`, () => assert.equal(isOnTop({ line, snapToLines }), top));
}

const plays = { canPlayType: () => "maybe" };
const playsNot = { canPlayType: () => "" };
for (const [name, video, browser, own] of [
  ["Safari", plays, { WebKitPlaybackTargetAvailabilityEvent: 1, MediaSource: 1, ManagedMediaSource: 1 }, true],
  ["an iPhone before ManagedMediaSource", plays, { WebKitPlaybackTargetAvailabilityEvent: 1 }, true],
  ["a browser without MediaSource", plays, {}, true],
  ["Chromium, which has HLS of its own by now", plays, { MediaSource: 1 }, false],
  ["Firefox", playsNot, { MediaSource: 1 }, false],
]) {
  test(`the browser's own HLS: ${name}`, () => assert.equal(hasOwnHLS(video, browser), own));
}
