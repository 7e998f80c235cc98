import assert from "node:assert/strict";
import { test } from "node:test";
import { createSession } from "../element/adapters/session.js";
import { Problem } from "../element/core.js";

globalThis.window = new EventTarget();
globalThis.document = new EventTarget();

const folder = "https://video.example.com/premium/course-1/lesson-1/";

// A session of a player that does what the test says, with a client whose
// answers to open and mend are given.
function session({ open = [{}], mend = [{}], ...options } = {}) {
  const log = [];
  const grant = (answer) => {
    if (answer instanceof Error) throw answer;
    return {
      mode: "link", folder, url: `${folder}lesson.link.m3u8`, credentials: "omit",
      sign: (address) => `${address}?${answer.name ?? "signed"}`, expiresIn: 60, elapsed: () => made.age, ...answer,
    };
  };
  const client = {
    playing: () => "client's", onRenewed: () => log.push("renewed"),
    open: async () => { log.push("open"); return grant(open.shift()); },
    mend: async () => { log.push("mend"); return grant(mend.shift()); },
    keep: () => log.push("keep"), rest: () => log.push("rest"), awaken: () => log.push("awaken"),
  };
  let made = { age: 0 };
  const video = Object.assign(new EventTarget(), { currentTime: 0, paused: true, ended: false, seeking: false });
  made = { age: 0, ...createSession(client, "course-1/lesson-1", {
    video, ...options,
    load: (url, { time, playing }) => log.push(`load ${url.slice(folder.length)} at ${time}${playing ? ", playing" : ""}`),
    stop: () => log.push("stop"),
    onRefused: (problem) => log.push(`refused: ${problem.code}`),
  }) };
  return {
    ...made, client, video, log,
    /** The grant gets to an age in seconds. */
    waits(seconds) { made.age = seconds; },
    /** The log since the last call. */
    async since() {
      await new Promise((resolve) => setImmediate(resolve));
      return log.splice(0);
    },
    /** Playback, or the viewer, gets to a time. */
    moveTo(time, seeking = false) {
      video.currentTime = time;
      if (seeking) video.dispatchEvent(new Event("seeking"));
      video.dispatchEvent(new Event("timeupdate"));
    },
  };
}

// Answers requests for files until the test ends.
function files(t, answer) {
  t.mock.method(globalThis, "fetch", async (address, { mode } = {}) => answer(address, mode));
}

test("session: opens, keeps and loads a link", async () => {
  const run = session();
  run.open();
  assert.deepEqual(await run.since(), ["open", "keep", "load lesson.link.m3u8 at 0"]);
  assert.equal(run.sign(`${folder}a.ts`), `${folder}a.ts?signed`);
  assert.equal(run.withCredentials(`${folder}a.ts`), false);
});

test("session: with cookies loads what lesson.json names, with cookies for the folder only", async (t) => {
  files(t, () => Response.json({ playlist: "v1/main.m3u8" }));
  const run = session({ open: [{ mode: "cookies", credentials: "include", url: `${folder}master.m3u8`, sign: (address) => address }] });
  run.open();
  assert.deepEqual(await run.since(), ["open", "keep", "load v1/main.m3u8 at 0"]);
  assert.equal(run.withCredentials(`${folder}a.ts`), true);
  assert.equal(run.withCredentials("https://video.example.com/a.ts"), false);
});

test("session: with cookies loads the folder's own playlist without lesson.json", async (t) => {
  files(t, () => new Response("", { status: 404 }));
  const run = session({ open: [{ mode: "cookies", url: `${folder}master.m3u8` }] });
  run.open();
  assert.deepEqual(await run.since(), ["open", "keep", "load master.m3u8 at 0"]);
});

test("session: says why a video does not open", async () => {
  const run = session({ open: [new Problem("not_entitled")] });
  run.open();
  assert.deepEqual(await run.since(), ["open", "rest", "stop", "refused: not_entitled"]);
});

test("session: after a refusal goes on where it was, once for several", async () => {
  const run = session({ mend: [{ name: "newer" }] });
  run.open();
  await run.since();
  Object.assign(run.video, { currentTime: 7, paused: false });
  run.failed(403);
  run.failed(403);
  assert.deepEqual(await run.since(), ["stop", "mend", "keep", "load lesson.link.m3u8 at 7, playing"]);
  assert.equal(run.sign("a.ts"), "a.ts?newer");
});

for (const [name, move, want] of [
  ["at once", () => {}, ["rest", "stop", "refused: media_refused"]],
  ["after ten seconds of playing", (run) => { run.moveTo(17.5); }, ["stop", "mend", "keep", "load lesson.link.m3u8 at 17.5"]],
  ["after less", (run) => run.moveTo(16), ["rest", "stop", "refused: media_refused"]],
  ["after the viewer went elsewhere", (run) => run.moveTo(100, true), ["rest", "stop", "refused: media_refused"]],
  ["after it has expired", (run) => { run.moveTo(16); run.waits(60); }, ["stop", "mend", "keep", "load lesson.link.m3u8 at 16"]],
  ["ten seconds after that", (run) => { run.moveTo(100, true); run.moveTo(111); }, ["stop", "mend", "keep", "load lesson.link.m3u8 at 111"]],
]) {
  test(`session: a second refusal ${name}`, async () => {
    const run = session({ mend: [{}, {}] });
    run.open();
    run.moveTo(7);
    await run.since();
    run.failed(403);
    await run.since();
    move(run);
    run.failed(403);
    assert.deepEqual(await run.since(), want);
  });
}

test("session: can be opened again after a final refusal", async () => {
  const run = session({ open: [{}, {}], mend: [new Problem("not_entitled")] });
  run.open();
  run.moveTo(7);
  await run.since();
  run.failed(403);
  assert.deepEqual(await run.since(), ["stop", "mend", "rest", "stop", "refused: not_entitled"]);
  run.open();
  assert.deepEqual(await run.since(), ["open", "keep", "load lesson.link.m3u8 at 7"]);
});

for (const [name, answer, want] of [
  ["that the browser hides is a refusal", (mode) => { if (mode !== "no-cors") throw new TypeError(); return new Response(); }, ["stop", "mend", "keep", "load lesson.link.m3u8 at 0"]],
  ["without a connection is the player's to retry", () => { throw new TypeError(); }, []],
  ["of one file only is the player's to retry", () => new Response(), []],
]) {
  test(`session: a failure ${name}`, async (t) => {
    files(t, (_, mode) => answer(mode));
    const run = session();
    run.open();
    await run.since();
    run.failed(0);
    run.failed(0);
    assert.deepEqual(await run.since(), want);
  });
}

test("session: another status is the player's to retry", async () => {
  const run = session();
  run.open();
  await run.since();
  run.failed(503);
  assert.deepEqual(await run.since(), []);
});

test("session: renews while the video plays, and after sleep", async () => {
  const run = session();
  run.open();
  assert.equal(run.client.playing(), false);
  run.video.paused = false;
  assert.equal(run.client.playing(), true);
  await run.since();
  run.video.dispatchEvent(new Event("play"));
  window.dispatchEvent(new Event("online"));
  document.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(await run.since(), ["awaken", "awaken", "awaken"]);
  run.client.onRenewed({ sign: (address) => `${address}?renewed` });
  assert.equal(run.sign("a.ts"), "a.ts?renewed");
  assert.deepEqual(await run.since(), ["renewed"]);
});

test("session: does nothing any more once it is closed", async () => {
  const run = session();
  run.open();
  run.close();
  assert.deepEqual(await run.since(), ["open", "rest"]);
  run.failed(403);
  window.dispatchEvent(new Event("online"));
  assert.deepEqual(await run.since(), []);
  assert.equal(run.sign("a.ts"), "a.ts");
  assert.equal(run.client.playing(), "client's");
});
