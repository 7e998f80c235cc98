import { connectShaka } from "../adapters/shaka.js";
import { createClient } from "../core.js";
import { onPlay, onRefused } from "./example.js";

shaka.polyfill.installAll();
const video = document.querySelector("video");
const player = new shaka.Player();
const attached = player.attach(video);
let connection;

onPlay(async ({ api, path, token }) => {
  await attached;
  connection?.close();
  connection = connectShaka(player, { client: createClient({ api, token }), path, onRefused });
  video.addEventListener("loadedmetadata", () => video.play(), { once: true });
});
