import assert from "node:assert/strict";
import { test } from "node:test";
import { readLesson, statusOf } from "../element/core.js";

const folder = "https://video.example.com/premium/course-1/lesson-1/";

// A grant whose files are answered by what a test says.
function grant(answer) {
  const asked = [];
  return {
    asked, folder, credentials: "omit", sign: (address) => `${address}?signed`,
    fetch: async (address, options) => {
      asked.push([address, options.mode ?? "cors", options.credentials].join(" "));
      const found = answer(options.mode);
      if (found === null) throw new TypeError("Failed to fetch");
      return found;
    },
  };
}

test("lesson.json is read with what the grant has for it", async () => {
  const lesson = grant(() => Response.json({ playlist: "v1/main.m3u8" }));
  assert.deepEqual(await readLesson(lesson, lesson.fetch), { playlist: "v1/main.m3u8" });
  assert.deepEqual(lesson.asked, [`${folder}lesson.json?signed cors omit`]);
});

for (const [name, answer] of [["missing", () => new Response("", { status: 404 })], ["unreachable", () => null], ["no JSON", () => new Response("<")]]) {
  test(`lesson.json that is ${name} counts as none`, async () => {
    const lesson = grant(answer);
    assert.equal(await readLesson(lesson, lesson.fetch), null);
  });
}

for (const [name, answer, want] of [
  ["which the browser shows", () => new Response("", { status: 404 }), 404],
  ["of a refusal that the browser hides from another origin", (mode) => (mode === "no-cors" ? new Response() : null), 403],
  ["without a connection", () => null, 0],
]) {
  test(`the status ${name}`, async () => {
    const file = grant(answer);
    assert.equal(await statusOf(file, `${folder}a.m3u8`, file.fetch), want);
  });
}
