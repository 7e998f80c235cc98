import assert from "node:assert/strict";
import { test } from "node:test";
import { createPlaylists, first } from "../element/playlists.js";

const master = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="en",DEFAULT=YES,URI="audio/en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="de",DEFAULT=NO,URI="audio/de.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=5000000,AVERAGE-BANDWIDTH=900000,RESOLUTION=1920x1080
1080p.m3u8
#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=300000,BANDWIDTH=400000,RESOLUTION=426x240
240p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=1280x720,AUDIO="aac"

# a comment
720p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360
360p.m3u8
`;
for (const [name, size, want] of [
  ["the smallest one that is larger than the player", { width: 600, height: 338 }, ["360p.m3u8"]],
  ["the exact size", { width: 426, height: 240 }, ["240p.m3u8"]],
  ["with its default audio", { width: 700, height: 400 }, ["720p.m3u8", "audio/en.m3u8"]],
  ["within the first bandwidth", { width: 1900, height: 1000 }, ["720p.m3u8", "audio/en.m3u8"]],
]) {
  test(`first rendition: ${name}`, () => assert.deepEqual(first(master, size), want));
}
test("first rendition: the cheapest if all are too expensive", () => {
  const two = "#EXT-X-STREAM-INF:BANDWIDTH=9000000\nb.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=8000000\na.m3u8";
  assert.deepEqual(first(two, { width: 1, height: 1 }), ["a.m3u8"]);
});

const base = "https://video.example/premium/course-1/";
const vod = "#EXTM3U\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n";

function site(files, options = {}) {
  const asked = [];
  let time = 0;
  const playlists = createPlaylists({
    size: () => ({ width: 600, height: 338 }),
    now: () => time,
    fetch: async (url) => {
      asked.push(url.replace(base, ""));
      const file = files[url.replace(base, "")];
      if (file instanceof Error) throw file;
      return file === undefined ? new Response("", { status: 403 }) : new Response(file);
    },
    ...options,
  });
  return { playlists, asked, forward(seconds) { time += seconds * 1000; } };
}

test("playlists: the multivariant one and the first rendition's are fetched once, and last a minute", async () => {
  const one = site({ "master.m3u8": master, "360p.m3u8": vod });
  await one.playlists.prepare(`${base}master.m3u8`);
  await one.playlists.prepare(`${base}master.m3u8`);
  assert.deepEqual(one.asked, ["master.m3u8", "360p.m3u8"]);
  assert.equal(one.playlists.take(`${base}360p.m3u8`), vod);
  one.forward(60);
  assert.equal(one.playlists.take(`${base}360p.m3u8`), null);
});

for (const [name, files] of [
  ["a refused playlist", {}],
  ["no connection", { "master.m3u8": new TypeError("down") }],
  ["a live playlist", { "master.m3u8": vod.replace("#EXT-X-ENDLIST\n", "") }],
]) {
  test(`playlists: ${name} is left to the player`, async () => {
    const one = site(files);
    await one.playlists.prepare(`${base}master.m3u8`);
    assert.equal(one.playlists.take(`${base}master.m3u8`), null);
  });
}

test("playlists: after a sign-out they come from the network", async () => {
  const one = site({ "master.m3u8": vod });
  await one.playlists.prepare(`${base}master.m3u8`);
  one.playlists.forget();
  assert.equal(one.playlists.take(`${base}master.m3u8`), null);
});
