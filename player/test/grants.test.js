import assert from "node:assert/strict";
import { test } from "node:test";
import { createGrants } from "../element/grants.js";
import { Problem } from "../element/problem.js";
import { FLOOR, planRenewal, planRetry, stopwatch } from "../element/renewal.js";

for (const [name, renewAfter, want] of [
  ["the server's time", 2400.5, 2400.5],
  ["shorter than the floor", 3, FLOOR],
  ["longer than a timer can wait", 90 * 24 * 3600, 2 ** 31 / 1000 - 1],
]) {
  test(`renewal: ${name}`, () => assert.equal(planRenewal(renewAfter), want));
}

for (const [name, args, want] of [
  ["the first", [0, 600, 0, () => 1], 2],
  ["doubles", [3, 600, 0, () => 1], 16],
  ["is spread over the upper half", [3, 600, 0, () => 0], 8],
  ["stops growing at a minute", [40, 600, 0, () => 1], 60],
  ["is not before Retry-After", [0, 600, 30, () => 0], 30],
  ["is spread after Retry-After", [0, 600, 30, () => 0.5], 45],
  ["is before the cookies expire", [0, 40, 30, () => 0.5], 35],
  ["null if the cookies expire before the backoff", [3, 8, 0, () => 0], null],
  ["null if the cookies expire before Retry-After", [0, 20, 30, () => 0], null],
  ["null after the cookies expired", [0, -1, 0, () => 0], null],
]) {
  test(`retry: ${name}`, () => assert.equal(planRetry(...args), want));
}

test("retry: pages that failed at the same moment do not return at the same moment", () => {
  const seconds = Array.from({ length: 3000 }, () => Math.floor(planRetry(0, 3000, 30)));
  const counts = new Map();
  for (const second of seconds) counts.set(second, (counts.get(second) ?? 0) + 1);
  const most = Math.max(...counts.values());
  assert.ok(most < 200, `${most} of 3000 in one second`); // 100 on average
});

test("stopwatch: counts time asleep, and is not set back with the clock", () => {
  let [wall, steady] = [1_000_000, 0];
  const elapsed = stopwatch(() => wall, () => steady);
  wall += 8000; // asleep: the steady clock stood still
  assert.equal(elapsed(), 8);
  wall -= 3_600_000; // set back an hour
  steady += 9000;
  assert.equal(elapsed(), 9);
});

// A page with a clock that the test sets.
function page({ answers, playing = true, watch }) {
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
  const cookies = createGrants({
    storage,
    playing: () => make.playing,
    call: async (method, path, body) => {
      log.calls.push(`${now} ${method} ${path} ${body.path}${body.playlist ? ` ${body.playlist}` : ""}`);
      const answer = await answers.shift();
      if (answer instanceof Problem) throw answer;
      return answer;
    },
    onTrouble: (problem, remaining) => log.trouble.push([problem.code, remaining]),
    onRenewed: () => { log.renewed++; },
    random: () => 0.5,
    watch: watch ?? (() => { const start = now; return () => now - start; }),
    timers: {
      setTimeout: (run, ms) => { waiting = { run, at: now + ms / 1000 }; return waiting; },
      clearTimeout: (one) => { if (waiting === one) waiting = null; },
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    cookies, log, make, storage,
    async start(path = "course-1", options) { cookies.keep(await cookies.open(path, options)); },
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

const grant = (expiresIn, renewAfter = (expiresIn * 2) / 3) => ({ expiresIn, renewAfter });

test("cookies: are requested by path", async () => {
  const { cookies, log } = page({ answers: [grant(60)] });
  assert.equal((await cookies.open("course-1")).expiresIn, 60);
  assert.deepEqual(log.calls, ["0 POST /api/cookies course-1"]);
});

test("cookies: two callers at the same time share one request", async () => {
  const { cookies, log } = page({ answers: [grant(60)] });
  await Promise.all([cookies.open("course-1"), cookies.open("course-1")]);
  assert.equal(log.calls.length, 1);
});

for (const answer of [{}, null, { expiresIn: 60 }, { renewAfter: 40 }, { expiresIn: 0, renewAfter: 40 }, { expiresIn: 60, renewAfter: "soon" }]) {
  test(`cookies: an invalid response is rejected: ${JSON.stringify(answer)}`, () =>
    assert.rejects(page({ answers: [answer] }).cookies.open("course-1"), { code: "unavailable" }));
}

test("cookies: are reused until they are due for renewal, also for another video's sake", async () => {
  const run = page({ answers: [grant(60), grant(60), grant(60)] });
  await run.start("course-1");
  await run.start("course-2");
  await run.advance(39);
  assert.equal((await run.cookies.open("course-1")).elapsed(), 39);
  assert.equal(run.log.calls.length, 2);
  run.cookies.rest();
  await run.advance(1);
  await run.cookies.open("course-1");
  assert.equal(run.log.calls.at(-1), "40 POST /api/cookies course-1");
});

test("cookies: are requested again after a refusal although they seem fresh", async () => {
  const run = page({ answers: [grant(60), grant(60)] });
  await run.start();
  await run.cookies.open("course-1", { renew: true });
  assert.equal(run.log.calls.length, 2);
});

test("cookies: a path that is prepared needs no request when it is opened", async () => {
  const run = page({ answers: [grant(60)] });
  assert.equal(await run.cookies.prepare("course-1"), true);
  await run.advance(10);
  await run.start();
  assert.equal(run.log.calls.length, 1);
  await run.advance(29);
  assert.equal(run.log.calls.length, 1);
});

test("cookies: a path that was prepared long ago is renewed on time", async () => {
  const run = page({ answers: [grant(60), grant(60)] });
  await run.cookies.prepare("course-1");
  await run.advance(30);
  await run.start();
  await run.advance(10);
  assert.deepEqual(run.log.calls.slice(1), ["40 POST /api/cookies course-1"]);
});

test("cookies: at most four paths are prepared at a time, each for 15 seconds", async () => {
  const run = page({ answers: Array.from({ length: 9 }, () => grant(60)) });
  for (const n of [1, 2, 3, 4, 1, 5, 6]) await run.cookies.prepare(`course-${n}`);
  assert.deepEqual(run.log.calls.map((one) => one.at(-1)), ["1", "2", "3", "4"]);
  await run.cookies.open("course-2"); // opened, so it no longer counts
  await run.cookies.prepare("course-5");
  assert.equal(await run.cookies.prepare("course-6"), false);
  await run.advance(15);
  assert.equal(await run.cookies.prepare("course-6"), true);
  assert.deepEqual(run.log.calls.slice(4).map((one) => one.at(-1)), ["5", "6"]);
});

test("cookies: a path that could not be prepared is not requested again at once, but when it is opened", async () => {
  const run = page({ answers: [new Problem("not_entitled"), new Problem("not_entitled")] });
  assert.equal(await run.cookies.prepare("course-1"), false);
  await run.cookies.prepare("course-1");
  assert.equal(run.log.calls.length, 1);
  await assert.rejects(run.cookies.open("course-1"), { code: "not_entitled" });
});

for (const [kind, link, api] of [["cookies", false, "/api/cookies"], ["links", true, "/api/links"]]) {
  test(`${kind}: are renewed when the server says, repeatedly`, async () => {
    const run = page({ answers: [grant(60, 17), grant(60, 55), grant(60)] });
    await run.start("course-1", { link });
    await run.advance(16);
    assert.equal(run.log.calls.length, 1);
    await run.advance(84);
    assert.deepEqual(run.log.calls.slice(1), [`17 POST ${api} course-1`, `72 POST ${api} course-1`]);
    assert.equal(run.log.renewed, 2);
  });

  test(`${kind}: are not renewed while paused, and at once on play`, async () => {
    const run = page({ answers: [grant(60), grant(60)] });
    await run.start("course-1", { link });
    run.make.playing = false;
    await run.advance(50);
    assert.equal(run.log.calls.length, 1);
    run.make.playing = true;
    run.cookies.awaken();
    await run.settle();
    assert.deepEqual(run.log.calls.slice(1), [`50 POST ${api} course-1`]);
  });

  test(`${kind}: are renewed after sleep if they are due`, async () => {
    const run = page({ answers: [grant(60), grant(60)] });
    await run.start("course-1", { link });
    run.cookies.awaken();
    await run.advance(3000, true);
    run.cookies.awaken();
    await run.settle();
    assert.deepEqual(run.log.calls.slice(1), [`3000 POST ${api} course-1`]);
  });

  test(`${kind}: a failed renewal is retried while there is time; the viewer sees no first failure`, async () => {
    const run = page({ answers: [grant(600), new Problem("network"), grant(600)] });
    await run.start("course-1", { link });
    await run.advance(410);
    assert.deepEqual(run.log.calls.slice(1), [`400 POST ${api} course-1`, `401.5 POST ${api} course-1`]);
    assert.deepEqual(run.log.trouble, []);
  });

  test(`${kind}: retries follow Retry-After, warn, and stop at the end`, async () => {
    const busy = () => new Problem("keys_unavailable", { retryAfter: 90 });
    const run = page({ answers: [grant(600), busy(), busy(), busy(), busy()] });
    await run.start("course-1", { link });
    await run.advance(1000);
    assert.deepEqual(run.log.calls.slice(1).map((call) => call.split(" ")[0]), ["400", "535"]);
    assert.deepEqual(run.log.trouble, [["keys_unavailable", 65]]);
  });

  for (const code of ["entitlements_unavailable", "too_many_requests"]) {
    test(`${kind}: a renewal that fails with ${code} is retried`, async () => {
      const run = page({ answers: [grant(600), new Problem(code, { retryAfter: 10 }), grant(600)] });
      await run.start("course-1", { link });
      await run.advance(420);
      assert.deepEqual(run.log.calls.slice(1).map((call) => call.split(" ")[0]), ["400", "415"]);
    });
  }

  test(`${kind}: a renewal that comes amid a request for the same is that request, and the next one follows`, async () => {
    let respond;
    const slow = new Promise((resolve) => { respond = resolve; });
    const run = page({ answers: [grant(60), slow, grant(60)] });
    await run.start("course-1", { link });
    const other = run.cookies.open("course-1", { renew: true, link }); // at 0
    await run.advance(40); // the renewal is due
    run.cookies.awaken();
    respond(grant(60));
    await other;
    await run.settle();
    assert.equal(run.log.renewed, 1);
    await run.advance(1); // what came at last was requested 40 seconds before
    assert.deepEqual(run.log.calls.slice(1).map((call) => call.split(" ")[0]), ["0", "40"]);
  });

  test(`${kind}: a refused renewal is not retried`, async () => {
    const run = page({ answers: [grant(60), new Problem("not_entitled")] });
    await run.start("course-1", { link });
    await run.advance(60);
    run.cookies.awaken();
    await run.settle();
    assert.equal(run.log.calls.length, 2);
    assert.deepEqual(run.log.trouble, [["not_entitled", 20]]);
  });

  test(`${kind}: a clock that is wrong by hours changes nothing`, async () => {
    let [wall, steady] = [Date.UTC(2001, 0), 0];
    const run = page({ answers: [grant(60), grant(60)], watch: () => stopwatch(() => wall, () => steady) });
    await run.start("course-1", { link });
    wall -= 5 * 3_600_000; // set back
    steady += 39_000;
    run.cookies.awaken();
    await run.settle();
    assert.equal(run.log.calls.length, 1);
    steady += 1_000;
    run.cookies.awaken();
    await run.settle();
    assert.equal(run.log.calls.length, 2);
  });
}

test("cookies: are not renewed after another video was chosen", async () => {
  const run = page({ answers: [grant(60)] });
  await run.start();
  run.cookies.rest();
  await run.advance(600);
  assert.equal(run.log.calls.length, 1);
});

test("sign-out: clears every path that was requested, also one that was refused", async () => {
  const run = page({ answers: [grant(60), new Problem("internal"), null, null] });
  await run.start("course-1");
  await assert.rejects(run.cookies.open("course-2"));
  assert.equal(await run.cookies.close(), true);
  assert.deepEqual(run.log.calls.slice(2), ["0 DELETE /api/cookies course-2", "0 DELETE /api/cookies course-1"]); // the latest first
  await run.cookies.close();
  assert.equal(run.log.calls.length, 4);
});

test("sign-out: cookies of before are not reused", async () => {
  const run = page({ answers: [grant(60), null, grant(60)] });
  await run.start();
  await run.cookies.close();
  await run.cookies.open("course-1");
  assert.equal(run.log.calls.length, 3);
});

test("sign-out: reports cookies that could not be cleared, and clears them with the next one", async () => {
  const run = page({ answers: [grant(60), grant(60), new Problem("network"), null, null] });
  await run.start("course-1");
  await run.start("course-2");
  assert.equal(await run.cookies.close(), false);
  assert.equal(await run.cookies.close(), true);
  assert.deepEqual(run.log.calls.slice(2).map((call) => call.split(" ").at(-1)), ["course-2", "course-1", "course-2"]);
});

test("sign-out: waits for cookies that are under way, which would come after it", async () => {
  let respond;
  const run = page({ answers: [new Promise((resolve) => { respond = resolve; }), null] });
  const opening = run.cookies.open("course-1");
  const closing = run.cookies.close();
  await run.settle();
  assert.equal(run.log.calls.length, 1);
  respond(grant(60));
  await opening;
  assert.equal(await closing, true);
  assert.deepEqual(run.log.calls, ["0 POST /api/cookies course-1", "0 DELETE /api/cookies course-1"]);
});

test("another viewer: does not get what was requested for the one before", async () => {
  let respond;
  const run = page({ answers: [new Promise((resolve) => { respond = resolve; }), grant(90), grant(80)] });
  const before = run.cookies.open("course-1");
  run.cookies.forget();
  assert.equal((await run.cookies.open("course-1")).expiresIn, 90);
  respond(grant(60));
  await before;
  assert.equal((await run.cookies.open("course-1")).expiresIn, 90);
});

test("another viewer: what plays is renewed", async () => {
  const run = page({ answers: [grant(60), grant(60)] });
  await run.start();
  run.cookies.forget();
  await run.advance(40);
  assert.equal(run.log.renewed, 1);
});

test("cookies: come although the browser's storage is full", async () => {
  const run = page({ answers: [grant(60)] });
  run.storage.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
  assert.equal((await run.cookies.open("course-1")).expiresIn, 60);
});

test("sign-out: an unreadable list of paths counts as empty", async () => {
  const run = page({ answers: [] });
  run.storage.setItem("premium-hls.paths", "{");
  assert.equal(await run.cookies.close(), true);
});

test("links: are requested for a playlist, beside cookies of the same path", async () => {
  const run = page({ answers: [grant(60), grant(60), grant(60)] });
  await run.cookies.open("course-1");
  await run.cookies.open("course-1", { link: true });
  await run.cookies.open("course-1", { link: true, playlist: "b.m3u8" });
  await run.cookies.open("course-1", { link: true });
  assert.deepEqual(run.log.calls, ["0 POST /api/cookies course-1", "0 POST /api/links course-1", "0 POST /api/links course-1 b.m3u8"]);
});

test("links: are renewed as links", async () => {
  const run = page({ answers: [grant(60), grant(60)] });
  run.cookies.keep(await run.cookies.open("course-1", { link: true, playlist: "b.m3u8" }));
  await run.advance(50);
  assert.deepEqual(run.log.calls.slice(1), ["40 POST /api/links course-1 b.m3u8"]);
  assert.equal(run.log.renewed, 1);
});

test("sign-out: a link is not cleared: there is nothing in the browser", async () => {
  const run = page({ answers: [grant(60)] });
  await run.cookies.open("course-1", { link: true });
  assert.equal(await run.cookies.close(), true);
  assert.equal(run.log.calls.length, 1);
});
