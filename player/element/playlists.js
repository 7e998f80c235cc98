// Fetches the playlists of a video that the viewer may open next, so that a
// click goes straight to the first segment. VHS gets them through its xhr hook.

const LIFETIME = 60; // seconds

// How VHS chooses the first rendition (video.js: Config.INITIAL_BANDWIDTH and
// BANDWIDTH_VARIANCE, simpleSelector). A wrong guess costs one request.
const BANDWIDTH = 4194304 / 1.2;

/**
 * @param {object} [options]
 * @param {typeof globalThis.fetch} [options.fetch]
 * @param {() => {width: number, height: number}} [options.size] of the player
 * @param {() => number} [options.now] in ms
 */
export function createPlaylists({ fetch = globalThis.fetch, size = () => ({ width: 0, height: 0 }), now = Date.now } = {}) {
  const ready = new Map(); // URL -> { text, expires }
  const requests = new Set();

  /** Fetches a multivariant playlist and the media playlists that the player starts with. */
  async function prepare(url) {
    const master = await load(url);
    if (!master?.includes("#EXT-X-STREAM-INF")) return;
    await Promise.all(first(master, size()).map((uri) => load(new URL(uri, absolute(url)).href)));
  }

  async function load(address) {
    const url = absolute(address);
    const known = take(url);
    if (known !== null || requests.has(url)) return known;
    requests.add(url);
    try {
      const response = await fetch(url, { credentials: "same-origin", signal: AbortSignal.timeout(LIFETIME * 1000) });
      if (!response.ok || response.redirected) return null;
      const text = await response.text();
      // A live playlist changes within seconds.
      if (!text.includes("#EXT-X-ENDLIST") && !text.includes("#EXT-X-STREAM-INF")) return null;
      ready.set(url, { text, expires: now() + LIFETIME * 1000 });
      return text;
    } catch {
      return null; // the player finds out what is wrong
    } finally {
      requests.delete(url);
    }
  }

  /** The text of a playlist that was fetched within the last minute, or null. */
  function take(address) {
    const url = absolute(address);
    const known = ready.get(url);
    if (!known) return null;
    if (now() < known.expires) return known.text;
    ready.delete(url);
    return null;
  }

  /** The XHR function for VHS: xhr, except for playlists that are here. */
  function through(xhr) {
    return (options, callback) => {
      const text = options.requestType === "hls-playlist" ? take(options.uri) : null;
      if (text === null) return xhr(options, callback);
      let aborted = false;
      const request = {
        status: 200,
        responseURL: absolute(options.uri),
        responseText: text,
        abort() { aborted = true; },
      };
      queueMicrotask(() => { if (!aborted) callback(null, { statusCode: 200, headers: {}, body: text }); });
      return request;
    };
  }

  /** Forgets all playlists, so that the next ones come from the network. */
  function forget() {
    ready.clear();
  }

  return { prepare, take, through, forget };
}

/** URIs of the media playlists that VHS loads first for a player of this size. */
export function first(master, { width, height }) {
  const lines = master.split(/\r?\n/);
  const variants = lines.flatMap((line, at) => {
    if (!line.startsWith("#EXT-X-STREAM-INF:")) return [];
    const uri = lines.slice(at + 1).find((next) => next !== "" && !next.startsWith("#"));
    const [, w, h] = /[:,]RESOLUTION=(\d+)x(\d+)/.exec(line) ?? [];
    return uri ? [{ uri, bandwidth: Number(/[:,]BANDWIDTH=(\d+)/.exec(line)?.[1]), width: Number(w), height: Number(h), audio: /[:,]AUDIO="([^"]*)"/.exec(line)?.[1] }] : [];
  }).sort((a, b) => a.bandwidth - b.bandwidth);
  if (variants.length === 0) return [];
  const affordable = variants.filter((one) => one.bandwidth < BANDWIDTH);
  const bySize = affordable.filter((one) => one.width && one.height).sort((a, b) => a.width - b.width);
  const exact = bySize.filter((one) => one.width === width && one.height === height);
  const larger = bySize.filter((one) => one.width > width || one.height > height);
  const sameSize = larger.filter((one) => one.width === larger[0].width && one.height === larger[0].height);
  const chosen = exact.at(-1) ?? sameSize.at(-1) ?? affordable.at(-1) ?? variants[0];
  const audio = chosen.audio === undefined ? [] : lines.filter((line) => line.startsWith("#EXT-X-MEDIA:") &&
    line.includes("TYPE=AUDIO") && line.includes("DEFAULT=YES") && line.includes(`GROUP-ID="${chosen.audio}"`));
  return [chosen.uri, ...audio.flatMap((line) => /[:,]URI="([^"]*)"/.exec(line)?.[1] ?? [])];
}

function absolute(url) {
  return new URL(url, globalThis.location?.href).href;
}
