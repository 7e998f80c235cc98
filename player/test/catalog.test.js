import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import "./vendor.js";
import { Problem } from "../element/problem.js";

const { loadCatalog, readCatalog } = await import("../page/catalog.js");
const { covers, EVERYTHING, loadEntitlements, readEntitlements } = await import("../page/entitlements.js");

const one = (video) => readCatalog({ videos: [{ title: "T", playlist: "master.m3u8", ...video }] }, "premium")[0];

for (const [name, video, url] of [
  ["a public video", { path: "trailers/sample", public: true }, "/trailers/sample/master.m3u8"],
  ["a premium video", { path: "course-1" }, "/premium/course-1/master.m3u8"],
  ["premium unless public is true", { path: "course-1", public: "no" }, "/premium/course-1/master.m3u8"],
  ["no playlist given", { path: "course-1", playlist: undefined }, "/premium/course-1/master.m3u8"],
  ["a deeper path and playlist", { path: "a/b", playlist: "hls/index.m3u8" }, "/premium/a/b/hls/index.m3u8"],
  ["names with characters that a URL must escape", { path: "été 1?", playlist: "a#b.m3u8" }, "/premium/%C3%A9t%C3%A9%201%3F/a%23b.m3u8"],
]) {
  test(`catalog: ${name}`, () => assert.equal(one(video).url, url));
}

test("catalog: the premium path comes from the settings", () => {
  assert.equal(readCatalog({ videos: [{ path: "c" }] }, "members/video")[0].url, "/members/video/c/master.m3u8");
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

for (const [name, response, code] of [
  ["a missing file", { status: 404 }, "catalog_missing"],
  ["an empty list", { status: 200, ok: true, json: async () => ({ videos: [] }) }, "catalog_missing"],
  ["not JSON", { status: 200, ok: true, json: async () => { throw new SyntaxError("bad"); } }, "catalog_invalid"],
  ["another format", { status: 200, ok: true, json: async () => [] }, "catalog_invalid"],
  ["a server error", { status: 500 }, "unavailable"],
]) {
  test(`catalog: ${name}`, () => assert.rejects(loadCatalog("premium", false, async () => response), { code }));
}
test("catalog: no network", () => assert.rejects(loadCatalog("premium", false, async () => { throw new TypeError("down"); }), { code: "network" }));

for (const [name, sample, files, want] of [
  ["the owner's catalog", true, { "catalog.json": "own", "sample/catalog.json": "sample" }, "own"],
  ["the sample's where the owner has none", true, { "sample/catalog.json": "sample" }, "sample"],
  ["no sample's where the sample is off", false, { "sample/catalog.json": "sample" }, "catalog_missing"],
  ["neither", true, {}, "catalog_missing"],
]) {
  test(`catalog: ${name}`, async () => {
    const fetch = async (url) => files[url]
      ? { status: 200, ok: true, json: async () => ({ videos: [{ path: files[url] }] }) }
      : { status: 404 };
    const got = await loadCatalog("premium", sample, fetch).then((videos) => videos[0].path, (error) => error.code);
    assert.equal(got, want);
  });
}

test("catalog: the files of the sample exist", () => {
  const sample = new URL("../sample/", import.meta.url);
  const catalog = JSON.parse(readFileSync(new URL("public/sample/catalog.json", sample)));
  for (const video of readCatalog(catalog, "premium")) {
    const file = new URL((video.public ? "public" : ".") + video.url, sample);
    assert.match(readFileSync(file, "utf8"), /^#EXTM3U/);
    readFileSync(new URL(`public${video.poster}`, sample));
  }
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
test("entitlements: a public video needs none", () => assert.equal(covers({ all: false, paths: [] }, { path: "x", public: true }), true));
for (const code of ["not_found", "network", "internal"]) {
  test(`entitlements: no locks on ${code}`, async () => {
    assert.equal(await loadEntitlements(async () => { throw new Problem(code); }), EVERYTHING);
  });
}
test("entitlements: an expired session is an error", () => {
  return assert.rejects(loadEntitlements(async () => { throw new Problem("session_ended"); }), { code: "session_ended" });
});
