import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, isNear } from "../element/address.js";
import { createClient, Problem } from "../element/core.js";

const QUERY = "Policy=p~-_&Signature=s~__&Key-Pair-Id=K1&Hash-Algorithm=SHA256&l=p~-_.s~__.K1.SHA256";
const MEDIA = "Policy=p~-_&Signature=s~__&Key-Pair-Id=K1&Hash-Algorithm=SHA256";
const HOME = "https://video.example.com";

const link = (path = "course-1/lesson-1", host = "video.example.com") =>
  ({ url: `https://${host}/premium/${path}/lesson.link.m3u8?${QUERY}`, expiresIn: 60, renewAfter: 40 });

const linked = (origin = HOME, response = link()) =>
  addressOf({ mode: "link", path: "course-1/lesson-1", response }, { origin, own: false, premiumPath: "premium" });

for (const [name, address, want] of [
  ["a file", "lesson.json", `/lesson.json?${MEDIA}`],
  ["a file with its own query", "v1/a.vtt?x=1", `/v1/a.vtt?x=1&${MEDIA}`],
  ["an absolute address", `${HOME}/premium/course-1/lesson-1/a.jpg`, `/a.jpg?${MEDIA}`],
  ["a playlist", "v1/main.m3u8", `/v1/main.link.m3u8?${QUERY}`],
  ["a playlist with an older link's signature", "main.link.m3u8?Policy=a&Signature=b&Key-Pair-Id=c&Hash-Algorithm=SHA1&l=d", `/main.link.m3u8?${QUERY}`],
  ["a segment with an older link's signature", "0.m4s?Policy=a&Signature=b&Key-Pair-Id=c", `/0.m4s?${MEDIA}`],
]) {
  test(`link: signs ${name}`, () => assert.equal(linked().sign(address), `${HOME}/premium/course-1/lesson-1${want}`));
}

for (const address of [
  "../lesson-2/lesson.json", "/premium/course-1/lesson-10/a.m4s", "/premium/course-1/lesson-1", "%2e%2e/lesson-2/a.m4s",
  "https://elsewhere.example/premium/course-1/lesson-1/a.m4s", "//elsewhere.example/premium/course-1/lesson-1/a.m4s",
  "http://video.example.com/premium/course-1/lesson-1/a.m4s", "data:text/plain,a", "blob:https://video.example.com/1",
]) {
  test(`link: does not sign ${address}`, () => assert.equal(linked().sign(address), address));
}

test("link: is at http on a local run without TLS", () => {
  const { url } = linked("http://localhost:8080", link("course-1/lesson-1", "localhost:8080"));
  assert.match(url, /^http:\/\/localhost:8080\/premium\//);
});

for (const [site, page, want] of [
  ["https://video.example.com", "https://video.example.com", true],
  ["https://video.example.com", "https://www.example.com", true],
  ["https://video.example.com", "https://example.com", true],
  ["https://video.example.com", "https://example.org", false],
  ["https://video.example.com", "http://www.example.com", false],
  ["http://localhost:8080", "http://localhost:9090", true],
  ["http://localhost:8080", "http://127.0.0.1:8080", false],
  ["http://10.0.0.1", "http://10.1.0.1", false],
]) {
  test(`cookies of ${site} are ${want ? "" : "not "}tried on ${page}`, () => assert.equal(isNear(new URL(site), new URL(page)), want));
}

// A client whose API answers each request with the next answer.
function client({ answers = [], page = HOME, ...options } = {}) {
  const calls = [];
  const made = createClient({
    api: HOME, page: new URL(page), token: "a.b.c", storage: { getItem: () => null, setItem() {}, removeItem() {} },
    fetch: async (url, { method, headers, body, credentials }) => {
      calls.push(`${method} ${url} ${credentials}`);
      const next = answers.shift();
      const [status, content] = Array.isArray(next) ? next : [200, next];
      return new Response(JSON.stringify(content), { status });
    },
    ...options,
  });
  return { ...made, calls, made };
}

const cookies = { expiresIn: 60, renewAfter: 40 };

test("auto: on the site itself cookies, asked of the page's own address", async () => {
  const { open, calls } = client({ answers: [cookies] });
  const grant = await open("course-1");
  assert.deepEqual([grant.mode, grant.url, grant.credentials], ["cookies", `${HOME}/premium/course-1/master.m3u8`, "same-origin"]);
  assert.deepEqual(calls, ["POST /api/cookies same-origin"]);
});

test("auto: on a sibling cookies, which the browser is told to store and send", async () => {
  const { open, calls } = client({ page: "https://www.example.com", answers: [cookies] });
  assert.equal((await open("course-1")).credentials, "include");
  assert.deepEqual(calls, [`POST ${HOME}/api/cookies include`]);
});

test("auto: on another site a link, without cookies", async () => {
  const { open, calls } = client({ page: "https://elsewhere.example", answers: [link("course-1")] });
  const grant = await open("course-1");
  assert.deepEqual([grant.mode, grant.credentials], ["link", "omit"]);
  assert.equal(grant.url, link("course-1").url);
  assert.deepEqual(calls, [`POST ${HOME}/api/links omit`]);
});

test("auto: on another site cookies if the site has no links", async () => {
  const { open, calls, made } = client({ page: "https://elsewhere.example", answers: [[404, { code: "not_found" }], cookies, cookies] });
  assert.equal((await open("course-1")).mode, "cookies");
  assert.equal(made.linksOff, true);
  await open("course-2");
  assert.deepEqual(calls.map((one) => one.split("/api/")[1]), ["links omit", "cookies include", "cookies include"]);
});

test("a refusal: cookies are renewed where the browser sends them", async () => {
  const { open, mend } = client({ answers: [cookies, cookies] });
  assert.equal((await mend(await open("course-1"))).mode, "cookies");
});

for (const [name, options] of [["in a frame", { framed: true }], ["on a sibling", { page: "https://www.example.com" }]]) {
  test(`a refusal ${name}: a link takes the place of cookies that the browser withholds, from then on`, async () => {
    const { open, mend, calls } = client({ answers: [cookies, link("course-1"), link("course-2")], ...options });
    assert.equal((await mend(await open("course-1"))).mode, "link");
    assert.equal((await open("course-2")).mode, "link");
    assert.equal(calls.length, 3);
  });
}

test("a refusal: a link for another device is renewed as a link", async () => {
  const { open, mend, calls } = client({ answers: [link("course-1"), link("course-1")] });
  assert.equal((await mend(await open("course-1", { link: true }))).mode, "link");
  assert.deepEqual(calls, ["POST /api/links same-origin", "POST /api/links same-origin"]);
});

test("a link that was renewed signs what the player asks for next", async () => {
  const timers = { setTimeout: (run) => { timers.run = run; }, clearTimeout() {} };
  const next = { ...link("course-1"), url: link("course-1").url.replaceAll("s~__", "t~__") };
  let renewed = null;
  const { open, keep } = client({ page: "https://elsewhere.example", timers, onRenewed: (grant) => { renewed = grant; }, answers: [link("course-1"), next] });
  const grant = await open("course-1");
  keep(grant);
  timers.run();
  while (!renewed) await new Promise((resolve) => setImmediate(resolve));
  const segment = grant.sign(`${HOME}/premium/course-1/0.m4s`);
  assert.equal(renewed.sign(segment), segment.replace("s~__", "t~__"));
});

test("a playlist of the page's own is that of a renewed grant and of a mended one", async () => {
  const timers = { setTimeout: (run) => { timers.run = run; }, clearTimeout() {} };
  let renewed = null;
  const { open, keep, mend } = client({ timers, onRenewed: (grant) => { renewed = grant; }, answers: [cookies, cookies, cookies] });
  keep(await open("course-1", { playlist: "a/b.m3u8" }));
  timers.run();
  while (!renewed) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(renewed.url, `${HOME}/premium/course-1/a/b.m3u8`);
  assert.equal((await mend(renewed)).url, `${HOME}/premium/course-1/a/b.m3u8`);
});

test("prepares the cookies alone of a video whose playlist is not known", async () => {
  const { prepare, calls } = client({ answers: [cookies] });
  assert.equal(await prepare("course-1", null), true);
  assert.deepEqual(calls, ["POST /api/cookies same-origin"]);
});

test("a refusal in a frame of a site without links is final", async () => {
  const { open, mend, made } = client({ framed: true, answers: [cookies, [404, { code: "not_found" }]] });
  const grant = await open("course-1");
  await assert.rejects(mend(grant), { code: "media_refused" });
  assert.equal(made.linksOff, true);
});

test("a link for another device says that there are none", () =>
  assert.rejects(client({ answers: [[404, { code: "not_found" }]] }).open("course-1", { link: true }), { code: "links_off" }));

for (const [name, token, codes] of [
  ["nobody is signed in", () => null, "signed_out"],
  ["there is no token at all", undefined, "signed_out"],
  ["the sign-in failed", () => { throw new Problem("session_ended"); }, "session_ended"],
]) {
  test(`token: ${name}`, () => assert.rejects(client({ token }).open("course-1"), { code: codes }));
}

test("token: a callback is asked for another one if the last was rejected", async () => {
  const asked = [];
  const { open } = client({ token: (renew) => { asked.push(renew); return "a.b.c"; }, answers: [[401, {}], cookies] });
  await open("course-1");
  assert.deepEqual(asked, [false, true]);
});

test("token: a fixed one that is rejected ends the session", () =>
  assert.rejects(client({ answers: [[401, {}]] }).open("course-1"), { code: "session_ended" }));
