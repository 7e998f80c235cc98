// What opens videos: asks the API for cookies, or for a link where cookies do not
// reach, and renews what plays.
import { addressOf, isNear } from "./address.js";
import { createApi } from "./api.js";
import { createGrants } from "./grants.js";
import { createPlaylists } from "./playlists.js";
import { Problem } from "./problem.js";

/**
 * A grant says where a video plays and how to ask for its files.
 *
 * @typedef {object} Grant
 * @property {"cookies"|"link"} mode
 * @property {string} path COURSE or COURSE/LESSON
 * @property {string} folder URL of what it opens, with a slash at its end
 * @property {string} url of the playlist
 * @property {RequestCredentials} credentials of requests below folder
 * @property {(address: string) => string} sign gives an address below folder, and no other, what it needs
 * @property {number} expiresIn seconds, when the response came
 * @property {number} renewAfter seconds, when the response came
 * @property {() => number} elapsed seconds since the response came
 */

/**
 * @param {object} options
 * @param {string} [options.api] the origin of the site; the page's own if it is missing
 * @param {string} [options.premiumPath]
 * @param {string|((renew: boolean) => string|null|Promise<string|null>)} [options.token] the viewer's ID token.
 *   A function is called for each request; renew says that the last token was rejected. null: nobody is signed in.
 * @param {"auto"|"cookies"|"link"} [options.mode]
 * @param {() => {width: number, height: number}} [options.size] of the player
 * @param {Storage} [options.storage] has the paths whose cookies were requested, for all tabs
 * @param {() => boolean} [options.playing] whether to renew now
 * @param {(problem: Problem, remaining: number) => void} [options.onTrouble] a renewal failed; remaining in seconds
 * @param {(grant: Grant) => void} [options.onRenewed]
 * @param {typeof globalThis.fetch} [options.fetch]
 * @param {Location|URL} [options.page] the page's address
 * @param {boolean} [options.framed] whether the page is shown by another one
 * @param {object} [options.timers] setTimeout and clearTimeout
 * @param {() => () => number} [options.watch] makes a stopwatch
 * @param {() => number} [options.random] in [0, 1), for the spread of retries
 */
export function createClient({
  api = "", premiumPath = "premium", token, mode = "auto", size, storage = storageOf(globalThis),
  playing = () => true, onTrouble = () => {}, onRenewed = () => {},
  fetch = (...request) => globalThis.fetch(...request), page = globalThis.location,
  framed = globalThis.top !== globalThis.self, timers, watch, random,
}) {
  const origin = new URL(api || page.href).origin;
  const own = page !== undefined && origin === new URL(page.href).origin;
  const near = page !== undefined && isNear(new URL(origin), page);
  let blocked = false; // cookies do not reach the edge from here
  let linksOff = false;
  let kept; // the playlist of what is renewed

  const call = createApi({ token: ask }, fetch, own ? "" : origin);
  const playlists = createPlaylists({ fetch, size });
  const grants = createGrants({
    call, storage, timers, watch, random,
    playing: () => client.playing(),
    onTrouble: (problem, remaining) => client.onTrouble(problem, remaining),
    onRenewed: (grant) => client.onRenewed(complete(grant, kept)),
  });
  const client = {
    playing, onTrouble, onRenewed, // which an element sets
    open, mend, prepare, forget, call, playlists,
    /** Renews a grant until rest is called. */
    keep(grant) {
      kept = grant.playlist;
      grants.keep(grant.of);
    },
    rest: grants.rest,
    /** To be called when timers may have been late: after sleep, on play, back online. */
    awaken: grants.awaken,
    /** Clears the cookies of every path that any tab requested. Resolves to false if that failed for one. */
    close() {
      playlists.forget();
      return grants.close();
    },
    /** Whether the API has said that the site has no links. */
    get linksOff() { return linksOff; },
  };

  async function ask(renew = false) {
    if (typeof token === "function") {
      const found = await token(renew);
      if (!found) throw new Problem("signed_out");
      return found;
    }
    if (!token) throw new Problem("signed_out");
    if (renew) throw new Problem("session_ended");
    return token;
  }

  function complete(grant, playlist = grant.playlist) {
    return { ...grant, ...addressOf(grant, { origin, own, premiumPath }, playlist), playlist, of: grant };
  }

  /**
   * Resolves to a grant for a path.
   *
   * @param {string} path
   * @param {object} [options]
   * @param {boolean} [options.renew] not the one that is still fresh
   * @param {string} [options.playlist] below the path, in place of the lesson's
   * @param {boolean} [options.link] a link, also where cookies work: for another device
   * @returns {Promise<Grant>}
   */
  async function open(path, { renew = false, playlist, link = false } = {}) {
    const linked = link || mode === "link" || mode === "auto" && (blocked || !near) && !linksOff;
    if (!linked) return complete(await grants.open(path, { renew }), playlist);
    try {
      return complete(await grants.open(path, { renew, link: true, playlist }), playlist);
    } catch (cause) {
      if (cause.code !== "not_found") throw cause;
      linksOff = true;
      if (link || mode === "link") throw new Problem("links_off");
      return complete(await grants.open(path, { renew }), playlist);
    }
  }

  /**
   * Resolves to a grant in place of one that the edge refused. Cookies that a
   * browser withholds from another site, or in a frame of one, are replaced by a
   * link.
   *
   * @param {Grant} grant
   * @returns {Promise<Grant>}
   */
  async function mend(grant) {
    playlists.forget();
    const { path, playlist } = grant;
    if (grant.mode === "cookies" && mode === "auto" && (!own || framed) && !linksOff) {
      try {
        const link = await open(path, { playlist, link: true });
        blocked = true;
        return link;
      } catch (cause) {
        if (cause.code !== "links_off") throw cause;
        throw new Problem("media_refused");
      }
    }
    return open(path, { playlist, renew: true, link: grant.mode === "link" });
  }

  /**
   * Gets ready what a viewer may open next. Resolves to whether the browser has
   * its cookies. A playlist of null is not read ahead.
   */
  async function prepare(path, playlist) {
    if (mode === "link" || !near || blocked || !(await grants.prepare(path))) return false;
    if (playlist === null) return true; // its address is not known yet
    const { url, credentials } = complete({ mode: "cookies", path }, playlist);
    await playlists.prepare(url, credentials);
    return true;
  }

  /** Forgets what another viewer was granted. */
  function forget() {
    grants.forget();
    playlists.forget();
  }

  return client;
}

/** localStorage; what it would have, if the browser denies it. */
export function storageOf(browser) {
  try {
    browser.localStorage.getItem("");
    return browser.localStorage;
  } catch {
    const values = new Map();
    return {
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => { values.set(key, value); },
      removeItem: (key) => { values.delete(key); },
    };
  }
}
