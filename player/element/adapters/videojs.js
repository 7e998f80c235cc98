// Plays a path with video.js. Where it leaves HLS to the browser, as in Safari,
// a link cannot be renewed without loading the video again.
import { createSession } from "./session.js";

/**
 * @param {object} player of videojs()
 * @param {object} options
 * @param {object} options.client of createClient; of this player alone
 * @param {string} options.path COURSE or COURSE/LESSON
 * @param {string} [options.playlist] below the path, in place of the lesson's
 * @param {(problem: Error) => void} [options.onRefused] the video does not play: describe(problem.code) says why
 * @returns {{reload(): void, close(): void}} close before player.dispose
 */
export function connectVideojs(player, { client, path, playlist, onRefused }) {
  const session = createSession(client, path, {
    // The element may change when the source does.
    video: videoOf(player), playlist, onRefused,
    load(url, { time, playing }) {
      player.error(null);
      const withCredentials = session.withCredentials(url);
      if (!vhs()) player.crossOrigin(withCredentials ? "use-credentials" : "anonymous");
      player.src({ src: url, type: "application/x-mpegURL", withCredentials });
      if (time > 0) player.one("loadedmetadata", () => player.currentTime(time));
      if (playing) player.play()?.catch(() => {}); // the browser may not allow it
    },
  });

  function vhs() {
    return player.tech(true)?.vhs;
  }
  function onRequest(options) {
    return { ...options, uri: session.sign(options.uri), withCredentials: options.withCredentials || session.withCredentials(options.uri) };
  }
  function onResponse(request, error, response) {
    if (!request.aborted && response) session.failed(response.statusCode);
  }
  function hook() {
    vhs().xhr.onRequest(onRequest);
    vhs().xhr.onResponse(onResponse);
  }
  // The browser's own HLS does not say what the status was.
  function onError() {
    if (!vhs()) session.failed();
  }
  player.on("xhr-hooks-ready", hook);
  player.on("error", onError);
  session.open();

  return {
    reload: () => { session.open(); },
    close() {
      player.off("xhr-hooks-ready", hook);
      player.off("error", onError);
      vhs()?.xhr.offRequest(onRequest);
      vhs()?.xhr.offResponse(onResponse);
      session.close();
    },
  };
}

function videoOf(player) {
  return player.el().querySelector("video");
}
