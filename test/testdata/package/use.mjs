// Opens a video with the package in Node, which has no DOM.
import { createClient, describe } from "premium-hls-element/core";

const { open, mend } = createClient({
  api: process.env.API, token: process.env.TOKEN, mode: "link",
});
const grant = await open("course-1/sample");
const renewed = await mend(grant);
const playlist = await fetch(grant.url);
const segment = await fetch(renewed.sign(`${grant.folder}240p/segment-00.ts`));
const refused = await createClient({ api: process.env.API, token: process.env.TOKEN }).open("course-2").catch((problem) => problem);
console.log(playlist.status, segment.status, refused.code, describe(refused.code).heading);
