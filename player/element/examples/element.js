import "../premium-video.js";
import { onPlay, onRefused } from "./example.js";

const video = document.querySelector("premium-video");
video.addEventListener("refused", ({ detail }) => onRefused(detail));

onPlay(({ api, path, token }) => {
  Object.assign(video, { api, path, token });
  video.play();
});
