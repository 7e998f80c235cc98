// Fetches the playlists of a video that the viewer may open next, so that a
// click goes straight to the first segment.

const LIFETIME = 60; // seconds

/** How fast a connection is taken to be before anything is known, in bits a second. */
export const BANDWIDTH = 3_500_000;

// What hls.js takes of it for the first rendition (its option abrBandWidthFactor).
const SHARE = 0.95;

/**
 * @param {object} [options]
 * @param {typeof globalThis.fetch} [options.fetch]
 * @param {() => {width: number, height: number}} [options.size] of the player, in pixels of the screen
 * @param {() => number} [options.now] in ms
 */
export function createPlaylists({ fetch = globalThis.fetch, size = () => ({ width: 0, height: 0 }), now = Date.now } = {}) {
  const ready = new Map(); // URL -> { text, expires }
  const requests = new Set();

  /** Fetches a multivariant playlist and the media playlists that the player starts with. */
  async function prepare(url, credentials = "same-origin") {
    const master = await load(url, credentials);
    if (!master?.includes("#EXT-X-STREAM-INF")) return;
    await Promise.all(first(master, size()).map((uri) => load(new URL(uri, absolute(url)).href, credentials)));
  }

  async function load(address, credentials) {
    const url = absolute(address);
    const known = take(url);
    if (known !== null || requests.has(url)) return known;
    requests.add(url);
    try {
      const response = await fetch(url, { credentials, signal: AbortSignal.timeout(LIFETIME * 1000) });
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

  /** Forgets all playlists, so that the next ones come from the network. */
  function forget() {
    ready.clear();
  }

  return { prepare, take, forget };
}

/** URIs of the media playlists that hls.js loads first for a player of this size. A wrong guess costs one request. */
export function first(master, { width, height }) {
  const lines = master.split(/\r?\n/);
  const variants = lines.flatMap((line, at) => {
    if (!line.startsWith("#EXT-X-STREAM-INF:")) return [];
    const uri = lines.slice(at + 1).find((next) => next !== "" && !next.startsWith("#"));
    const [, w, h] = /[:,]RESOLUTION=(\d+)x(\d+)/.exec(line) ?? [];
    return uri ? [{ uri, bandwidth: Number(/[:,]BANDWIDTH=(\d+)/.exec(line)?.[1]), width: Number(w), height: Number(h), audio: /[:,]AUDIO="([^"]*)"/.exec(line)?.[1] }] : [];
  }).sort((a, b) => a.bandwidth - b.bandwidth);
  if (variants.length === 0) return [];
  const large = variants.findIndex((one) => one.width >= width || one.height >= height);
  const fitting = large < 0 ? variants : variants.slice(0, large + 1);
  const chosen = fitting.findLast((one) => one.bandwidth < BANDWIDTH * SHARE) ?? variants[0];
  const audio = chosen.audio === undefined ? [] : lines.filter((line) => line.startsWith("#EXT-X-MEDIA:") &&
    line.includes("TYPE=AUDIO") && line.includes("DEFAULT=YES") && line.includes(`GROUP-ID="${chosen.audio}"`));
  return [chosen.uri, ...audio.flatMap((line) => /[:,]URI="([^"]*)"/.exec(line)?.[1] ?? [])];
}

function absolute(url) {
  return new URL(url, globalThis.location?.href).href;
}
