// What a user of the package writes, for the type checker. Lines after
// "@ts-expect-error" must be refused.
import { PremiumVideo, type Refusal } from "premium-hls-element";
import { connectHls } from "premium-hls-element/adapters/hls";
import { connectShaka } from "premium-hls-element/adapters/shaka";
import { connectVideojs } from "premium-hls-element/adapters/videojs";
import { codes, createClient, describe, inWords, Problem, readLesson, statusOf, warn, type Client, type Grant } from "premium-hls-element/core";
import Hls from "hls.js";
import shaka from "shaka-player";
import videojs from "video.js";

const element = document.createElement("premium-video");
element.path = "course-1/lesson-1";
element.api = "https://video.example.com";
element.token = async (renew) => (renew ? null : "a.b.c");
element.mode = "auto";
element.details = { chapters: [{ start: 0, title: "Intro" }] };
element.addEventListener("refused", ({ detail }) => {
  const refusal: Refusal = detail;
  console.log(refusal.heading, refusal.retryAfter?.toFixed());
});
element.addEventListener("timeupdate", ({ detail }) => detail.currentTime.toFixed());
element.addEventListener("click", (event) => event.clientX);
element.addEventListener("something", (event: Event) => event.type);
const same: PremiumVideo = document.querySelector("premium-video")!;
same.play();
same.video.requestPictureInPicture();
// @ts-expect-error: there is no such mode
element.mode = "cookie";
// @ts-expect-error: it is the video's to say
element.duration = 1;

const client: Client = createClient({
  api: "https://video.example.com", token: "a.b.c", mode: "link",
  onTrouble: (problem, remaining) => console.log(warn(problem.code, remaining)),
});
element.client = client;
const grant: Grant = await client.open("course-1", { playlist: "b/master.m3u8", link: true });
client.keep(await client.mend(grant));
const lesson = await readLesson(grant);
if (lesson?.storyboard && (await statusOf(grant, grant.folder + lesson.storyboard)) === 403) throw new Problem("media_refused", { retryAfter: 1 });
const { text, action } = describe(codes[0]!, { title: inWords(lesson?.duration ?? 0) });
if (action === "retry") console.log(text);
// @ts-expect-error: a path is needed
client.open();

const video = same.video;
const onRefused = (problem: Problem) => console.log(problem.code);
connectHls(new Hls(), { client, path: "course-1", video, onRefused }).close();
connectVideojs(videojs(video), { client, path: "course-1", onRefused }).reload();
connectShaka(new shaka.Player(), { client, path: "course-1", playlist: "b/master.m3u8", onRefused }).close();
// @ts-expect-error: hls.js needs the video
connectHls(new Hls(), { client, path: "course-1" });
