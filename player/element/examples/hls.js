import Hls from "hls.js";
import { connectHls } from "../adapters/hls.js";
import { createClient } from "../core.js";
import { onPlay, onRefused } from "./example.js";

const video = document.querySelector("video");
let close = () => {};

onPlay(({ api, path, token }) => {
  close();
  const hls = new Hls();
  const connection = connectHls(hls, { client: createClient({ api, token }), path, video, onRefused });
  close = () => {
    connection.close();
    hls.destroy();
  };
  hls.once(Hls.Events.MANIFEST_PARSED, () => video.play());
});
