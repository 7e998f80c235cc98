import assert from "node:assert/strict";
import { test } from "node:test";
import "./vendor.js";

const { share, snippet } = await import("../page/embed.js");

test("embed: a snippet leads to the video's frame, and quotes its title", () => {
  const html = snippet({ path: "été/l 1", title: `Say "hi" & <go>` }, "video.example.com");
  assert.ok(html.startsWith('<iframe src="https://video.example.com/embed/%C3%A9t%C3%A9/l%201" title="Say &#34;hi&#34; &#38; &#60;go&#62;"'));
});

for (const allowedOrigins of [undefined, []]) {
  test(`embed: nothing is shared where no site is listed: ${JSON.stringify(allowedOrigins)}`, () =>
    assert.equal(share({ path: "a", title: "A" }, { config: { allowedOrigins } }), null));
}
