import assert from "node:assert/strict";
import { test } from "node:test";
import { createCookies } from "../page/cookies.js";
import { Problem } from "../page/problem.js";
import { FLOOR, planRenewal, planRetry, stopwatch } from "../page/renewal.js";

for (const [name, expiresIn, want] of [
  ["an hour", 3600, 2400],
  ["a minute", 60, 40],
  ["shorter than the floor allows", 3, FLOOR],
  ["longer than a timer can wait", 90 * 24 * 3600, 2 ** 31 / 1000 - 1],
]) {
  test(`renewal: ${name}`, () => assert.equal(planRenewal(expiresIn), want));
}

for (const [name, args, want] of [
  ["the first retry", [0, 600, 0, () => 1], 2],
  ["doubles", [3, 600, 0, () => 1], 16],
  ["is spread over the upper half", [3, 600, 0, () => 0], 8],
  ["stops growing at a minute", [40, 600, 0, () => 1], 60],
  ["waits as long as the server says", [0, 600, 30, () => 1], 30],
  ["gives up when the cookies end first", [3, 16, 0, () => 1], null],
  ["gives up when the server says too long", [0, 20, 30, () => 1], null],
  ["gives up after the end", [0, -1, 0, () => 1], null],
]) {
  test(`retry: ${name}`, () => assert.equal(planRetry(...args), want));
}

test("stopwatch: neither sleep nor a clock set back hides time", () => {
  let [wall, steady] = [1_000_000, 0];
  const elapsed = stopwatch(() => wall, () => steady);
  wall += 8000; // asleep: the steady clock stood still
  assert.equal(elapsed(), 8);
  wall -= 3_600_000; // set back an hour
  steady += 9000;
  assert.equal(elapsed(), 9);
});

// A page on a clock that the test moves.
function page({ answers, playing = true }) {
  let now = 0;
  let waiting = null;
  const kept = new Map();
  const log = { calls: [], trouble: [], renewed: 0 };
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  const make = { playing };
  const cookies = createCookies({
    storage,
    playing: () => make.playing,
    call: async (method, path, body) => {
      log.calls.push(`${now} ${method} ${path} ${body.path}`);
      const answer = answers.shift();
      if (answer instanceof Problem) throw answer;
      return answer;
    },
    onTrouble: (problem, remaining) => log.trouble.push([problem.code, remaining]),
    onRenewed: () => { log.renewed++; },
    random: () => 1,
    watch: () => { const start = now; return () => now - start; },
    timers: {
      setTimeout: (run, ms) => { waiting = { run, at: now + ms / 1000 }; return waiting; },
      clearTimeout: (one) => { if (waiting === one) waiting = null; },
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    cookies, log, make, storage,
    async start(path = "course-1") { cookies.keep(path, await cookies.open(path)); },
    /** Moves the clock; timers that come due on the way fire, unless asleep. */
    async advance(seconds, asleep = false) {
      const end = now + seconds;
      while (!asleep && waiting && waiting.at <= end) {
        const one = waiting;
        waiting = null;
        now = Math.max(now, one.at);
        one.run();
        await settle();
      }
      now = end;
    },
    settle,
  };
}

const grant = (ExpiresIn) => ({ ExpiresIn });

test("cookies: are asked for by path", async () => {
  const { cookies, log } = page({ answers: [grant(60)] });
  assert.equal((await cookies.open("course-1")).expiresIn, 60);
  assert.deepEqual(log.calls, ["0 POST /api/cookies course-1"]);
});

test("cookies: two that ask at once share one request", async () => {
  const { cookies, log } = page({ answers: [grant(60)] });
  await Promise.all([cookies.open("course-1"), cookies.open("course-1")]);
  assert.equal(log.calls.length, 1);
});

test("cookies: an answer without an end is none", async () => {
  const { cookies } = page({ answers: [{}] });
  await assert.rejects(cookies.open("course-1"), { code: "unavailable" });
});

test("cookies: are renewed at two thirds, again and again", async () => {
  const run = page({ answers: [grant(60), grant(60), grant(90)] });
  await run.start();
  await run.advance(39);
  assert.equal(run.log.calls.length, 1);
  await run.advance(61);
  assert.deepEqual(run.log.calls.slice(1), ["40 POST /api/cookies course-1", "80 POST /api/cookies course-1"]);
  assert.equal(run.log.renewed, 2);
});

test("cookies: no renewal while paused, one at once on play", async () => {
  const run = page({ answers: [grant(60), grant(60)] });
  await run.start();
  run.make.playing = false;
  await run.advance(50);
  assert.equal(run.log.calls.length, 1);
  run.make.playing = true;
  run.cookies.awaken();
  await run.settle();
  assert.deepEqual(run.log.calls.slice(1), ["50 POST /api/cookies course-1"]);
});

test("cookies: after sleep they are renewed on waking, before that not", async () => {
  const run = page({ answers: [grant(60), grant(60)] });
  await run.start();
  run.cookies.awaken();
  await run.advance(3000, true);
  run.cookies.awaken();
  await run.settle();
  assert.deepEqual(run.log.calls.slice(1), ["3000 POST /api/cookies course-1"]);
});

test("cookies: a failed renewal is tried again while there is time, quietly at first", async () => {
  const run = page({ answers: [grant(600), new Problem("network"), grant(600)] });
  await run.start();
  await run.advance(410);
  assert.deepEqual(run.log.calls.slice(1), ["400 POST /api/cookies course-1", "402 POST /api/cookies course-1"]);
  assert.deepEqual(run.log.trouble, []);
});

test("cookies: retries wait as the service says, warn, and end with the cookies", async () => {
  const busy = () => new Problem("keys_unavailable", { retryAfter: 90 });
  const run = page({ answers: [grant(600), busy(), busy(), busy(), busy()] });
  await run.start();
  await run.advance(1000);
  assert.deepEqual(run.log.calls.slice(1).map((call) => call.split(" ")[0]), ["400", "490", "580"]);
  assert.deepEqual(run.log.trouble, [["keys_unavailable", 110], ["keys_unavailable", 20]]);
});

test("cookies: a renewal that is refused is not repeated", async () => {
  const run = page({ answers: [grant(60), new Problem("not_entitled")] });
  await run.start();
  await run.advance(60);
  run.cookies.awaken();
  await run.settle();
  assert.equal(run.log.calls.length, 2);
  assert.deepEqual(run.log.trouble, [["not_entitled", 20]]);
});

test("cookies: nothing is renewed after another video was chosen", async () => {
  const run = page({ answers: [grant(60)] });
  await run.start();
  run.cookies.rest();
  await run.advance(600);
  assert.equal(run.log.calls.length, 1);
});

test("sign-out: clears every path that was asked for, also one that was refused", async () => {
  const run = page({ answers: [grant(60), new Problem("internal"), null, null] });
  await run.start("course-1");
  await assert.rejects(run.cookies.open("course-2"));
  assert.equal(await run.cookies.close(), true);
  assert.deepEqual(run.log.calls.slice(2), ["0 DELETE /api/cookies course-1", "0 DELETE /api/cookies course-2"]);
  await run.cookies.close();
  assert.equal(run.log.calls.length, 4);
});

test("sign-out: says when cookies could not be cleared", async () => {
  const run = page({ answers: [grant(60), new Problem("network")] });
  await run.start();
  assert.equal(await run.cookies.close(), false);
});

test("sign-out: a spoiled list of paths is an empty one", async () => {
  const run = page({ answers: [] });
  run.storage.setItem("premium-hls.paths", "{");
  assert.equal(await run.cookies.close(), true);
});
