// Plays a path with Shaka Player.
import { createSession } from "./session.js";

// shaka.util.Error.Code
const BAD_HTTP_STATUS = 1001;
const HTTP_ERROR = 1002;

/**
 * @param {object} player a shaka.Player that is attached to a media element
 * @param {object} options
 * @param {object} options.client of createClient; of this player alone
 * @param {string} options.path COURSE or COURSE/LESSON
 * @param {string} [options.playlist] below the path, in place of the lesson's
 * @param {(problem: Error) => void} [options.onRefused] the video does not play: describe(problem.code) says why
 * @returns {{reload(): void, close(): void}} close before player.destroy
 */
export function connectShaka(player, { client, path, playlist, onRefused }) {
  let loaded = false;
  const session = createSession(client, path, {
    video: player.getMediaElement(), playlist, onRefused,
    async load(url, { time }) {
      // With its playlists Shaka goes on where it was, without a gap.
      if (loaded && player.retryStreaming()) return;
      loaded = false;
      try {
        await player.load(url, time > 0 ? time : null, "application/x-mpegurl");
        loaded = true;
      } catch (error) {
        failed(error);
      }
    },
  });

  function filter(type, request) {
    request.allowCrossSiteCredentials ||= session.withCredentials(request.uris[0]);
    request.uris = request.uris.map(session.sign);
  }
  function failed({ code, data }) {
    if (code === BAD_HTTP_STATUS) session.failed(data[1]);
    if (code === HTTP_ERROR) session.failed();
  }
  const onError = ({ detail }) => failed(detail);
  const network = player.getNetworkingEngine();
  network.registerRequestFilter(filter);
  player.addEventListener("error", onError);
  session.open();

  return {
    reload: () => { session.open(); },
    close() {
      player.removeEventListener("error", onError);
      network.unregisterRequestFilter(filter);
      session.close();
    },
  };
}
