// Where the viewer stopped, by video, in this browser.
const KEY = "premium-hls.positions";
const MOST = 300; // videos
const BEGUN = 10; // seconds: less is not worth going on from
const LEFT = 15; // seconds: less is watched

/** @param {Storage} storage @param {() => number} [now] in ms */
export function createPositions(storage, now = Date.now) {
  function all() {
    try {
      const found = JSON.parse(storage.getItem(KEY) ?? "{}");
      return typeof found === "object" && found !== null && !Array.isArray(found) ? found : {};
    } catch {
      return {};
    }
  }

  function write(positions) {
    const newest = Object.entries(positions).sort(([, a], [, b]) => (b?.at ?? 0) - (a?.at ?? 0)).slice(0, MOST);
    try {
      storage.setItem(KEY, JSON.stringify(Object.fromEntries(newest)));
    } catch {
      // Full or denied: it is not remembered.
    }
  }

  return {
    /** Remembers a position. Near the end the video counts as watched. */
    save(path, time, duration) {
      if (!(duration > 0) || time < BEGUN) return;
      const done = time > duration - LEFT;
      write({ ...all(), [path]: { time: done ? 0 : Math.floor(time), duration: Math.floor(duration), done, at: now() } });
    },

    /** { time, share, done } of a video, or null. share is from 0 to 1. */
    of(path) {
      const positions = all();
      const one = Object.hasOwn(positions, path) ? positions[path] : null;
      if (!(one?.duration > 0)) return null;
      return { time: one.time, share: one.done ? 1 : Math.min(1, one.time / one.duration), done: one.done === true };
    },

    /** The path of these that was watched last, or null. */
    last(paths) {
      const positions = all();
      return paths.filter((path) => positions[path]?.at > 0).sort((a, b) => positions[b].at - positions[a].at)[0] ?? null;
    },
  };
}
