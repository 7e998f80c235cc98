// Asks the signer for the cookies of one path, and keeps them fresh while that
// path plays. The cookies themselves are HttpOnly: this page never sees them,
// only how long they last.
import { Problem, passes } from "./problem.js";
import { planRenewal, planRetry, stopwatch } from "./renewal.js";

const PATHS = "premium-hls.paths";

/**
 * @param {object} options
 * @param {(method: string, path: string, body?: object) => Promise<object|null>} options.call
 * @param {Storage} options.storage remembers which paths were asked for, for all tabs
 * @param {() => boolean} options.playing whether a renewal is worth it now
 * @param {(problem: Problem, remaining: number) => void} options.onTrouble a renewal failed; remaining in seconds
 * @param {() => void} options.onRenewed
 * @param {object} [options.timers] setTimeout and clearTimeout
 * @param {() => () => number} [options.watch] makes a stopwatch
 * @param {() => number} [options.random] in [0, 1), for the spread of retries
 */
export function createCookies({
  call, storage, playing, onTrouble, onRenewed,
  timers = globalThis, watch = stopwatch, random = Math.random,
}) {
  const asking = new Map(); // path -> the request under way
  let kept = null; // { path, expiresIn, elapsed, due, failures, timer, lost }

  /** Resolves to {expiresIn, elapsed} once the browser holds cookies for path. */
  function open(path) {
    if (!asking.has(path)) {
      asking.set(path, ask(path).finally(() => asking.delete(path)));
    }
    return asking.get(path);
  }

  async function ask(path) {
    remember(path);
    const elapsed = watch(); // from before the request: never longer than they live
    const answer = await call("POST", "/api/cookies", { path });
    const expiresIn = Number(answer?.ExpiresIn);
    if (!(expiresIn > 0)) throw new Problem("unavailable");
    return { expiresIn, elapsed };
  }

  /** From now on renews what open answered, until rest is called. */
  function keep(path, grant) {
    rest();
    kept = { path, ...grant, due: planRenewal(grant.expiresIn), failures: 0, timer: 0, lost: false };
    wait(kept);
  }

  function rest() {
    if (kept) timers.clearTimeout(kept.timer);
    kept = null;
  }

  function wait(one) {
    timers.clearTimeout(one.timer);
    one.timer = timers.setTimeout(() => renew(one), Math.max(0, one.due - one.elapsed()) * 1000);
  }

  /** To be called when time may have passed unseen: after sleep, on play, back online. */
  function awaken() {
    if (kept && !kept.lost && kept.elapsed() >= kept.due) renew(kept);
  }

  async function renew(one) {
    if (one !== kept || !playing() || asking.has(one.path)) return; // awaken comes back to it
    try {
      const grant = await open(one.path);
      if (one !== kept) return;
      keep(one.path, grant);
      onRenewed();
    } catch (cause) {
      if (one !== kept) return;
      const problem = Problem.from(cause);
      const remaining = one.expiresIn - one.elapsed();
      const pause = passes(problem.code)
        ? planRetry(one.failures, remaining, problem.retryAfter, random)
        : null;
      one.failures++;
      one.lost = pause === null;
      if (!one.lost) {
        one.due = one.elapsed() + pause;
        wait(one);
      }
      // One failure is not worth a word while there is time for more tries.
      if (one.lost || one.failures > 1) onTrouble(problem, remaining);
    }
  }

  /** Clears the cookies of every path asked for, by any tab. False when one could not be cleared. */
  async function close() {
    rest();
    const paths = remembered();
    const done = await Promise.allSettled(paths.map((path) => call("DELETE", "/api/cookies", { path })));
    storage.removeItem(PATHS);
    return done.every((one) => one.status === "fulfilled");
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
    const paths = remembered();
    if (!paths.includes(path)) storage.setItem(PATHS, JSON.stringify([...paths, path]));
  }

  return { open, keep, rest, awaken, close };
}
