import { connectVideojs } from "../adapters/videojs.js";
import { createClient } from "../core.js";
import { onPlay, onRefused } from "./example.js";

// Everywhere but in Safari video.js reads HLS better than the browser itself.
const overrideNative = !videojs.browser.IS_ANY_SAFARI;
const player = videojs(document.querySelector("video"), { html5: { vhs: { overrideNative }, nativeTextTracks: !overrideNative } });
let connection;

onPlay(({ api, path, token }) => {
  connection?.close();
  connection = connectVideojs(player, { client: createClient({ api, token }), path, onRefused });
  player.one("loadedmetadata", () => player.play());
});
