import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import "./vendor.js";
import { Problem } from "../element/problem.js";

const { createCatalog, playlistOf, readCatalog, readCourse, sourceOf } = await import("../page/catalog.js");
const { covers, EVERYTHING, loadEntitlements, readEntitlements } = await import("../page/entitlements.js");

const one = (video) => readCatalog({ videos: [{ title: "T", playlist: "master.m3u8", ...video }] }, "premium").videos[0];

for (const [name, video, url] of [
  ["a public video", { path: "trailers/sample", public: true }, "/trailers/sample/master.m3u8"],
  ["a premium video", { path: "course-1" }, "/premium/course-1/master.m3u8"],
  ["premium unless public is true", { path: "course-1", public: "no" }, "/premium/course-1/master.m3u8"],
  ["no playlist given", { path: "course-1", playlist: undefined }, "/premium/course-1/master.m3u8"],
  ["a deeper path and playlist", { path: "a/b", playlist: "hls/index.m3u8" }, "/premium/a/b/hls/index.m3u8"],
  ["names with characters that a URL must escape", { path: "été 1?", playlist: "a#b.m3u8" }, "/premium/%C3%A9t%C3%A9%201%3F/a%23b.m3u8"],
]) {
  test(`catalog: ${name}`, () => assert.equal(playlistOf(one(video)), url));
}

test("catalog: the premium path comes from the settings", () => {
  assert.equal(playlistOf(readCatalog({ videos: [{ path: "c" }] }, "members/video").videos[0]), "/members/video/c/master.m3u8");
});

for (const [name, video] of [
  ["no path", {}], ["another host", { path: "/evil.example/x" }], ["a path with ..", { path: "../x" }],
  ["a path ending in a slash", { path: "x/" }], ["a playlist with ..", { path: "x", playlist: "../y.m3u8" }],
]) {
  test(`catalog: ${name} is refused`, () => assert.throws(() => one(video), { code: "catalog_invalid" }));
}

test("catalog: a video without a title shows its path; a poster on another host is ignored", () => {
  const video = one({ path: "course-1", title: undefined, poster: "//evil.example/p.jpg" });
  assert.deepEqual([video.title, video.poster], ["course-1", ""]);
});

const load = (fetch, sample = false) => createCatalog({ premiumPath: "premium", sample, fetch }).load();

for (const [name, response, code] of [
  ["a missing file", { status: 404 }, "catalog_missing"],
  ["an empty list", { status: 200, ok: true, json: async () => ({ videos: [] }) }, "catalog_missing"],
  ["not JSON", { status: 200, ok: true, json: async () => { throw new SyntaxError("bad"); } }, "catalog_invalid"],
  ["another format", { status: 200, ok: true, json: async () => [] }, "catalog_invalid"],
  ["a server error", { status: 500 }, "unavailable"],
]) {
  test(`catalog: ${name}`, () => assert.rejects(load(async () => response), { code }));
}
test("catalog: no network", () => assert.rejects(load(async () => { throw new TypeError("down"); }), { code: "network" }));

for (const [name, sample, files, want] of [
  ["the owner's catalog", true, { "/catalog.json": "own", "/sample/catalog.json": "sample" }, "own"],
  ["the sample's where the owner has none", true, { "/sample/catalog.json": "sample" }, "sample"],
  ["no sample's where the sample is off", false, { "/sample/catalog.json": "sample" }, "catalog_missing"],
  ["neither", true, {}, "catalog_missing"],
]) {
  test(`catalog: ${name}`, async () => {
    const fetch = async (url) => files[url]
      ? { status: 200, ok: true, json: async () => ({ videos: [{ path: files[url] }] }) }
      : { status: 404 };
    const catalog = createCatalog({ premiumPath: "premium", sample, fetch });
    const got = await catalog.load().then(() => catalog.videos[0].path, (error) => error.code);
    assert.equal(got, want);
  });
}

test("catalog: the files of the sample exist", () => {
  const sample = new URL("../sample/", import.meta.url);
  const catalog = JSON.parse(readFileSync(new URL("public/sample/catalog.json", sample)));
  for (const video of readCatalog(catalog, "premium").videos) {
    const file = new URL((video.free ? "public" : ".") + playlistOf(video), sample);
    assert.match(readFileSync(file, "utf8"), /^#EXTM3U/);
    readFileSync(new URL(`public${video.poster}`, sample));
  }
});

const lesson = { path: "knots/bowline", title: "Bowline", duration: 90, details: "premium/knots/bowline/lesson.json", poster: "posters/knots/bowline/1.jpg" };
const free = { ...lesson, path: "knots/intro", free: true, details: "videos/knots/intro/lesson.json" };

// A site with courses; files can be changed later.
function site(files) {
  const asked = [];
  const catalog = createCatalog({
    premiumPath: "premium",
    fetch: async (url) => {
      asked.push(url);
      return url in files ? { status: 200, ok: true, json: async () => structuredClone(files[url]) } : { status: 404 };
    },
  });
  return { catalog, asked };
}

const knots = { path: "knots", title: "Knots", lessons: 2, duration: 180, price: "€49", paymentLink: "https://buy.stripe.com/a" };

test("courses: a course and its lessons, in order, beside a video that was listed by hand", async () => {
  const { catalog } = site({ "/catalog.json": { courses: [knots], videos: [{ path: "extras" }] }, "/catalog/knots.json": { lessons: [free, lesson] } });
  await catalog.load();
  const [course] = catalog.courses;
  assert.deepEqual([course.count, course.lessons, course.price, course.paymentLink], [2, null, "€49", "https://buy.stripe.com/a"]);
  assert.equal(catalog.find("knots/bowline").course, course);
  await catalog.loadCourse(course);
  assert.deepEqual(catalog.courses[0].lessons.map((one) => one.path), ["knots/intro", "knots/bowline"]);
  assert.equal(catalog.find("knots/bowline").item.poster, "/posters/knots/bowline/1.jpg");
  assert.equal(catalog.find("extras").item.path, "extras");
  assert.deepEqual(catalog.find("knots-2/bowline"), { course: null, item: null });
});

test("courses: a change is noticed, and lessons that are known stay until they are read again", async () => {
  const files = { "/catalog.json": { courses: [knots] }, "/catalog/knots.json": { lessons: [lesson] } };
  const { catalog } = site(files);
  assert.equal(await catalog.load(), true);
  await catalog.loadCourse(catalog.courses[0]);
  assert.equal(await catalog.load(), false);
  files["/catalog.json"] = { courses: [{ ...knots, title: "Sailor's Knots" }] };
  assert.equal(await catalog.load(), true);
  assert.deepEqual([catalog.courses[0].title, catalog.courses[0].lessons.length], ["Sailor's Knots", 1]);
});

for (const [name, item, want] of [
  ["a premium lesson", () => readCourse({ lessons: [lesson] }, "premium")[0], { path: "knots/bowline", src: "", playlist: "", details: "/premium/knots/bowline/lesson.json" }],
  ["a free lesson", () => readCourse({ lessons: [free] }, "premium")[0], { path: "", src: "", playlist: "", details: "/videos/knots/intro/lesson.json" }],
  ["a premium video by hand", () => one({ path: "a", playlist: "b.m3u8" }), { path: "a", src: "", playlist: "b.m3u8", details: null }],
  ["a free video by hand", () => one({ path: "a", public: true }), { path: "", src: "/a/master.m3u8", playlist: "", details: null }],
]) {
  test(`player: what it needs for ${name}`, () => assert.deepEqual(sourceOf(item()), want));
}

for (const [name, changes] of [
  ["with a path of another host", { details: "//evil.example/lesson.json" }], ["without details", { details: undefined }],
  ["that is free and premium", { free: true }], ["that is neither", { details: "videos/knots/bowline/lesson.json" }],
]) {
  test(`courses: a lesson ${name} is refused`, () => assert.throws(() => readCourse({ lessons: [{ ...lesson, ...changes }] }, "premium"), { code: "catalog_invalid" }));
}

test("courses: a payment link that is no https address is ignored", () => {
  const [course] = readCatalog({ courses: [{ ...knots, paymentLink: "javascript:alert(1)" }] }, "premium").courses;
  assert.equal(course.paymentLink, "");
});

for (const [name, paths, path, open] of [
  ["the path itself", ["course-1"], "course-1", true],
  ["a path below", ["course-1"], "course-1/part-2", true],
  ["a path with the same prefix", ["course-1"], "course-10", false],
  ["a path above", ["course-1/part-2"], "course-1", false],
  ["no paths", [], "course-1", false],
]) {
  test(`entitlements: ${name}`, () => {
    assert.equal(covers(readEntitlements({ all: false, paths: paths.map((path) => ({ path, expires: 1 })) }), { path }), open);
  });
}
test("entitlements: all", () => assert.equal(covers(readEntitlements({ all: true }), { path: "x" }), true));
test("entitlements: a public video needs none", () => assert.equal(covers({ all: false, paths: [] }, { path: "x", free: true }), true));
test("entitlements: no locks without such a list", async () => {
  assert.equal(await loadEntitlements(async () => { throw new Problem("not_found"); }), EVERYTHING);
});
for (const code of ["session_ended", "network", "too_many_requests", "internal"]) {
  test(`entitlements: ${code} says nothing about them`, () =>
    assert.rejects(loadEntitlements(async () => { throw new Problem(code); }), { code }));
}
