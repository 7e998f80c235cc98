// Requests the cookies of a path, or a link, from the API, reuses them while they
// are fresh and renews them while that path plays. The cookies are HttpOnly: the
// page never sees them, only their lifetime.
import { Problem, passes } from "./problem.js";
import { planRenewal, planRetry, stopwatch } from "./renewal.js";

const PATHS = "premium-hls.paths";

// How many paths may be requested ahead, and for how long each counts (seconds):
// 16 requests a minute at most, so that a viewer who points at many videos stays
// far from the API's limit for a viewer.
const AHEAD = 4;
const AHEAD_SECONDS = 15;

/**
 * @param {object} options
 * @param {(method: string, path: string, body?: object) => Promise<object|null>} options.call
 * @param {Storage} options.storage has the paths that were requested, for all tabs
 * @param {() => boolean} options.playing whether cookies should be renewed now
 * @param {(problem: Problem, remaining: number) => void} options.onTrouble a renewal failed; remaining in seconds
 * @param {(grant: object) => void} options.onRenewed
 * @param {object} [options.timers] setTimeout and clearTimeout
 * @param {() => () => number} [options.watch] makes a stopwatch
 * @param {() => number} [options.random] in [0, 1), for the spread of retries
 */
export function createGrants({
  call, storage, playing, onTrouble, onRenewed,
  timers = globalThis, watch = stopwatch, random = Math.random,
}) {
  const requests = new Map(); // key -> the request under way, of this viewer
  let viewer = 0; // counts them: what one was granted is not another's
  const grants = new Map(); // key -> the last response
  const ahead = new Map(); // path -> seconds since it was requested ahead
  let kept = null; // { grant, due, failures, timer, lost, renewing }

  /**
   * Resolves to a grant, { mode, path, playlist, response, expiresIn, renewAfter,
   * elapsed }, once the browser has cookies for path, or a link: at once if what
   * it has is not due for renewal.
   */
  function open(path, { renew = false, link = false, playlist } = {}) {
    ahead.delete(path);
    return request({ mode: link ? "link" : "cookies", path, playlist: link ? playlist : undefined }, renew);
  }

  /** Requests the cookies of a path that the viewer may open next. Resolves to whether the browser has them. */
  function prepare(path) {
    const wanted = { mode: "cookies", path };
    if (!requests.has(keyOf(wanted)) && !fresh(wanted)) {
      for (const [other, age] of ahead) if (age() >= AHEAD_SECONDS) ahead.delete(other);
      if (ahead.has(path) || ahead.size >= AHEAD) return Promise.resolve(false);
      ahead.set(path, watch());
    }
    return request(wanted).then(() => true, () => false); // if it matters, open says why
  }

  async function request(wanted, renew = false) {
    const key = keyOf(wanted);
    if (!renew && fresh(wanted)) return grants.get(key);
    if (!requests.has(key)) {
      const asked = ask(wanted).finally(() => { if (requests.get(key) === asked) requests.delete(key); });
      requests.set(key, asked);
    }
    return requests.get(key);
  }

  function fresh(wanted) {
    const grant = grants.get(keyOf(wanted));
    return grant !== undefined && grant.elapsed() < grant.renewAfter;
  }

  async function ask({ mode, path, playlist }) {
    if (mode === "cookies") remember(path);
    const mine = viewer;
    grants.delete(keyOf({ mode, path, playlist }));
    const elapsed = watch(); // from before the request: never later than the server's clock
    const response = mode === "link"
      ? await call("POST", "/api/links", playlist ? { path, playlist } : { path })
      : await call("POST", "/api/cookies", { path });
    const { expiresIn, renewAfter } = response ?? {};
    if (!(expiresIn > 0 && renewAfter > 0)) throw new Problem("unavailable");
    const grant = { mode, path, playlist, response, expiresIn, renewAfter: planRenewal(renewAfter), elapsed };
    if (mine === viewer) grants.set(keyOf(grant), grant);
    return grant;
  }

  /** Renews what open resolved to until rest is called. */
  function keep(grant) {
    rest();
    kept = { grant, due: grant.renewAfter, failures: 0, timer: 0, lost: false, renewing: false };
    wait(kept);
  }

  function rest() {
    if (kept) timers.clearTimeout(kept.timer);
    kept = null;
  }

  function wait(one) {
    timers.clearTimeout(one.timer);
    one.timer = timers.setTimeout(() => renew(one), Math.max(0, one.due - one.grant.elapsed()) * 1000);
  }

  /** To be called when timers may have been late: after sleep, on play, back online. */
  function awaken() {
    if (kept && !kept.lost && kept.grant.elapsed() >= kept.due) renew(kept);
  }

  async function renew(one) {
    if (one !== kept || one.renewing || !playing()) return; // awaken tries again
    one.renewing = true;
    try {
      const grant = await request(one.grant, true);
      if (one !== kept) return;
      keep(grant);
      onRenewed(grant);
    } catch (cause) {
      if (one !== kept) return;
      const problem = Problem.from(cause);
      const remaining = one.grant.expiresIn - one.grant.elapsed();
      const pause = passes(problem.code)
        ? planRetry(one.failures, remaining, problem.retryAfter, random)
        : null;
      one.failures++;
      one.lost = pause === null;
      if (!one.lost) {
        one.due = one.grant.elapsed() + pause;
        wait(one);
      }
      // The viewer need not know of one failure while there is time for more retries.
      if (one.lost || one.failures > 1) onTrouble(problem, remaining);
    } finally {
      one.renewing = false;
    }
  }

  /** Forgets what another viewer was granted or is about to be. What plays is renewed. */
  function forget() {
    viewer++;
    requests.clear();
    grants.clear();
    ahead.clear();
  }

  /** Clears the cookies of every path that any tab requested. Resolves to false if that failed for one. */
  async function close() {
    rest();
    // Their cookies would come after those that are cleared.
    while (requests.size > 0) await Promise.allSettled(requests.values());
    forget();
    const paths = remembered().reverse(); // if there are more than the API takes, those that live longest go
    const done = await Promise.allSettled(paths.map((path) => call("DELETE", "/api/cookies", { path })));
    const left = paths.filter((_, i) => done[i].status === "rejected");
    keepPaths(left.reverse());
    return left.length === 0;
  }

  function remembered() {
    try {
      const paths = JSON.parse(storage.getItem(PATHS) ?? "[]");
      return Array.isArray(paths) ? paths.filter((path) => typeof path === "string") : [];
    } catch {
      return [];
    }
  }

  function remember(path) {
    keepPaths([...remembered().filter((one) => one !== path), path]);
  }

  function keepPaths(paths) {
    try {
      if (paths.length > 0) storage.setItem(PATHS, JSON.stringify(paths));
      else storage.removeItem(PATHS);
    } catch {
      // It is full. The video plays, and its cookies expire by themselves.
    }
  }

  return { open, prepare, keep, rest, awaken, forget, close };
}

// What a response is for. Cookies open all playlists of a path.
function keyOf({ mode, path, playlist = "" }) {
  return `${mode} ${path} ${playlist}`;
}
