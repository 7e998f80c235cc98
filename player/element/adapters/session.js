// What the adapters share: opens a path for a player, renews it while it plays,
// and has the player go on after a refusal.
import { readLesson, statusOf } from "../files.js";
import { Problem } from "../problem.js";

// A refused grant is mended once. A second refusal is final, unless the video
// played this long (seconds) in between.
const MENDED = 10;

/**
 * @param {object} client of createClient; of this player alone
 * @param {string} path
 * @param {object} player
 * @param {HTMLMediaElement} player.video
 * @param {string} [player.playlist] below the path, in place of the lesson's
 * @param {(url: string, from: {time: number, playing: boolean}) => void} player.load loads a playlist,
 *   or goes on with the one that is loaded, as each request is signed anew
 * @param {() => void} [player.stop] stops loading
 * @param {(problem: Problem) => void} [player.onRefused] the video does not play
 */
export function createSession(client, path, { video, playlist, load, stop = () => {}, onRefused = () => {} }) {
  const before = { playing: client.playing, onRenewed: client.onRenewed };
  let turn = 0; // counts openings, so that a late response to an earlier one is dropped
  let grant = null;
  let playing = ""; // the playlist's address
  let mending = false;
  let checking = false;
  let mendedAt = null; // where the video was, or where the viewer has gone since

  client.playing = () => !video.paused && !video.ended;
  client.onRenewed = (renewed) => {
    grant = renewed;
    before.onRenewed(renewed);
  };

  const awaken = () => client.awaken();
  const moved = () => { if (mendedAt !== null) mendedAt = video.currentTime; };
  const played = () => { if (mendedAt !== null && !video.seeking && video.currentTime > mendedAt + MENDED) mendedAt = null; };
  const listeners = [
    [video, "play", awaken], [video, "seeking", moved], [video, "timeupdate", played],
    // Timers stop while a computer sleeps or a tab is frozen.
    [document, "visibilitychange", awaken], ...["pageshow", "focus", "online"].map((name) => [window, name, awaken]),
  ];
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener);

  async function start(request, from) {
    const mine = ++turn;
    try {
      const found = await request;
      // A link is to the lesson's newest playlist.
      const lesson = found.mode === "cookies" && !playlist ? await readLesson(found) : null;
      if (mine !== turn) return;
      grant = found;
      mending = false;
      client.keep(found);
      playing = lesson?.playlist ? new URL(lesson.playlist, found.folder).href : found.url;
      load(playing, from);
    } catch (cause) {
      if (mine === turn) fail(Problem.from(cause));
    }
  }

  function fail(problem) {
    turn++;
    mending = false;
    client.rest();
    stop();
    onRefused(problem);
  }

  /** Opens the video from its start or, if it was open, where it is. */
  function open() {
    mendedAt = null;
    return start(client.open(path, { playlist }), { time: grant ? video.currentTime : 0, playing: !video.paused });
  }

  // Several refusals at once count as one.
  function refused() {
    if (mending || !grant) return;
    if (mendedAt !== null && grant.elapsed() < grant.expiresIn) { // one that expired is no second refusal
      fail(new Problem("media_refused"));
      return;
    }
    const from = { time: video.currentTime, playing: !video.paused };
    mending = true;
    mendedAt = from.time;
    stop();
    start(client.mend(grant), from);
  }

  return {
    open,

    /** Gives an address below the granted folder, and no other, what the newest grant has for it. */
    sign: (address) => grant?.sign(address) ?? address,

    /** Whether requests for an address have cookies of another origin. */
    withCredentials: (address) => grant?.credentials === "include" && address.startsWith(grant.folder),

    /** To be called when a request of the player failed, with its status if that is known. */
    async failed(status = 0) {
      if (status === 403) return refused();
      if (status !== 0 || checking || !grant) return undefined;
      const mine = turn;
      checking = true;
      const found = await statusOf(grant, playing);
      checking = false;
      return mine === turn && found === 403 ? refused() : undefined;
    },

    /** Ends what the adapter does. The player is the caller's. */
    close() {
      turn++;
      grant = null;
      client.rest();
      Object.assign(client, before);
      for (const [target, name, listener] of listeners) target.removeEventListener(name, listener);
    },
  };
}
