// Plays a path with hls.js.
import { createSession } from "./session.js";

/**
 * @param {import("hls.js").default} hls
 * @param {object} options
 * @param {object} options.client of createClient; of this player alone
 * @param {string} options.path COURSE or COURSE/LESSON
 * @param {HTMLMediaElement} options.video
 * @param {string} [options.playlist] below the path, in place of the lesson's
 * @param {(problem: Error) => void} [options.onRefused] the video does not play: describe(problem.code) says why
 * @returns {{reload(): void, close(): void}} close before hls.destroy
 */
export function connectHls(hls, { client, path, video, playlist, onRefused }) {
  let loaded = false;
  const session = createSession(client, path, {
    video, playlist, onRefused,
    stop: () => hls.stopLoad(),
    load(url, { time }) {
      // With its playlists hls.js goes on where it was, without a gap.
      if (loaded && hls.levels.length > 0) {
        hls.startLoad();
        return;
      }
      hls.config.startPosition = time > 0 ? time : -1;
      hls.loadSource(url);
      loaded = true;
    },
  });

  const { xhrSetup } = hls.config;
  hls.config.xhrSetup = async (xhr, address, context) => {
    await xhrSetup?.(xhr, address, context);
    const signed = session.sign(address);
    if (signed !== address || !xhr.readyState) xhr.open("GET", signed, true);
    xhr.withCredentials ||= session.withCredentials(address);
  };
  const onError = (_, { type, response }) => { if (type === "networkError") session.failed(response?.code); };
  hls.on("hlsError", onError);
  if (hls.media !== video) hls.attachMedia(video);
  session.open();

  return {
    reload: () => { session.open(); },
    close() {
      hls.off("hlsError", onError);
      hls.config.xhrSetup = xhrSetup;
      session.close();
    },
  };
}
