// Plays one source in a media element: with the browser's own HLS or with hls.js.
// Reports what happens; premium-video.js decides.

import { statusOf } from "./files.js";
import { BANDWIDTH } from "./playlists.js";
import { Problem } from "./problem.js";

const STALLED = 15_000; // ms without media after a failed request, until playback has failed
const RETRY = 3_000; // ms until loading starts again after hls.js gave up

/**
 * Whether the browser's own HLS plays. Safari's does: it is the only one that
 * AirPlay takes, and iPhones had no other for long. Chromium's, and that of
 * WebKit on Linux, offer a page neither qualities nor captions, so there hls.js
 * plays.
 */
export function hasOwnHLS(video, browser = globalThis) {
  if (video.canPlayType("application/vnd.apple.mpegurl") === "") return false;
  return "WebKitPlaybackTargetAvailabilityEvent" in browser || !("MediaSource" in browser || "ManagedMediaSource" in browser);
}

/**
 * @param {HTMLVideoElement} video
 * @param {object} on refused(), trouble(code), recovered(), failed(code), tracks()
 * @param {object} captions draws those of hls.js
 */
export function createEngine(video, on, captions) {
  const native = hasOwnHLS(video);
  let library = null;
  let hls = null;
  let source = null; // { url, sign, credentials, refused }
  let playlists = null;
  let stall = 0, retry = 0, mended = false;

  // Without a connection it fails, and is loaded by the next opening.
  const loadLibrary = () => (library ??= import("./vendor/hls.js").catch(() => {
    library = null;
    throw new Problem("network");
  }));
  if (!native) loadLibrary().catch(() => {});

  video.addEventListener("playing", settle);
  video.addEventListener("error", () => { if (source && !hls && video.error) check(source); });
  video.textTracks.addEventListener("addtrack", () => on.tracks());
  video.textTracks.addEventListener("removetrack", () => on.tracks());

  /**
   * Plays a source from a time. Resolves to true if it goes on with what is there.
   *
   * @param {{url: string, credentials: string, sign: (address: string) => string}} next sign and credentials are read for each request
   * @param {object} options
   * @param {number} [options.time] seconds
   * @param {boolean} [options.own] with the browser's own HLS, for another device
   * @param {object} [options.prepared] playlists that were fetched ahead
   */
  async function open(next, { time = 0, own = false, prepared = null } = {}) {
    // With its playlists hls.js goes on where it was, without a gap.
    if (hls?.levels.length > 0 && !own && fileOf(next) === fileOf(source)) {
      source = next;
      source.refused = false;
      hls.startLoad();
      return true;
    }
    close();
    const mine = source = next;
    source.refused = false;
    playlists = prepared;
    if (native || own) {
      video.crossOrigin = next.credentials === "include" ? "use-credentials" : null;
      video.src = next.sign(next.url); // a link that was renewed since
      if (time > 0) video.addEventListener("loadedmetadata", () => { if (source === mine) video.currentTime = time; }, { once: true });
      return false;
    }
    const { default: Hls } = await loadLibrary();
    if (source !== mine) return false;
    if (!Hls.isSupported()) {
      on.failed("media_broken");
      return false;
    }
    hls = new Hls({
      startPosition: time > 0 ? time : -1,
      capLevelToPlayerSize: true,
      abrEwmaDefaultEstimate: BANDWIDTH,
      backBufferLength: 60,
      maxMaxBufferLength: 60, // not the ten minutes of its default: viewers leave, and the owner pays
      renderTextTracksNatively: false,
      pLoader: prepared ? loaderOf(Hls.DefaultConfig.loader, () => playlists) : undefined,
      xhrSetup(xhr, address) {
        xhr.withCredentials = source.credentials === "include";
        // What a newer link signs: one that was renewed while the video plays.
        const signed = source.sign(address);
        if (signed !== address) xhr.open("GET", signed, true);
      },
    });
    const made = hls;
    made.on(Hls.Events.ERROR, (_, data) => { if (made === hls) failed(Hls, data); });
    made.on(Hls.Events.CUES_PARSED, (_, { cues, subtitleTrack }) => { if (made === hls && subtitleTrack) captions.add(subtitleTrack.id, cues); });
    made.on(Hls.Events.FRAG_LOADED, () => { if (made === hls) settle(); });
    for (const name of ["MANIFEST_PARSED", "LEVEL_SWITCHED", "SUBTITLE_TRACKS_UPDATED", "SUBTITLE_TRACK_SWITCH"]) {
      // Not within its event, in which hls.js is not done with them.
      made.on(Hls.Events[name], () => queueMicrotask(() => { if (made === hls) on.tracks(); }));
    }
    made.attachMedia(video);
    made.loadSource(next.url);
    return false;
  }

  function failed(Hls, { fatal, type, response, details }) {
    const status = response?.code ?? 0;
    const ofCaptions = details.startsWith("subtitle"); // without which the video plays
    if (type === Hls.ErrorTypes.NETWORK_ERROR) {
      if (status === 403) return refused();
      if (status === 404 && fatal) return on.failed("media_not_found");
      if (!ofCaptions) trouble(codeOf(status));
      if (status === 0) inquire(source);
      if (fatal) again();
    } else if (fatal && type === Hls.ErrorTypes.MEDIA_ERROR && !mended) {
      mended = true;
      hls.recoverMediaError();
    } else if (fatal) {
      on.failed(details === Hls.ErrorDetails.MANIFEST_PARSING_ERROR && response === undefined ? "media_unavailable" : "media_broken");
    }
  }

  // hls.js retries by itself and gives up after some time: then the viewer may
  // still have a minute of the video.
  function again() {
    clearTimeout(retry);
    retry = setTimeout(load, RETRY);
  }

  function load() {
    clearTimeout(retry);
    retry = 0;
    if (!hls) return;
    if (hls.levels.length === 0) hls.loadSource(source.url);
    else hls.startLoad();
  }

  // Several 403s of one source count as one.
  function refused() {
    if (source.refused) return;
    source.refused = true;
    hls?.stopLoad();
    settle();
    on.refused();
  }

  function trouble(code) {
    if (stall) return;
    stall = setTimeout(() => {
      stall = 0;
      if (video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) on.failed(code);
    }, STALLED);
    on.trouble(code);
  }

  function settle() {
    if (!stall) return;
    clearTimeout(stall);
    stall = 0;
    on.recovered();
  }

  // A page of another origin does not learn that the edge refused a file.
  async function inquire(asked) {
    if (asked.inquired) return;
    asked.inquired = true;
    const status = await statusOf(asked, asked.url);
    asked.inquired = false;
    if (asked === source && status === 403) refused();
  }

  // An error of the browser's own HLS has no HTTP status, in some browsers no
  // cause at all.
  async function check(asked) {
    if (asked.refused) return;
    const status = await statusOf(asked, asked.url);
    if (asked !== source) return;
    if (status === 403) refused();
    else on.failed(status >= 200 && status < 300 ? "media_broken" : codeOf(status));
  }

  /** Stops and removes the video. */
  function close() {
    clearTimeout(retry);
    clearTimeout(stall);
    retry = stall = 0;
    mended = false;
    captions.clear();
    hls?.destroy();
    hls = null;
    source = null;
    if (video.hasAttribute("src")) {
      video.removeAttribute("src");
      video.load();
    }
  }

  return {
    open, close,

    /** Tries again at once: the connection is back. */
    nudge() { if (retry) load(); },

    /** Captions: [{ id, label, language, on }]. */
    get captions() {
      if (hls) return hls.subtitleTracks.map((track, id) => ({ id, label: track.name || track.lang, language: track.lang ?? "", on: hls.subtitleTrack === id }));
      return [...video.textTracks]
        .filter((track) => track.kind === "subtitles" || track.kind === "captions")
        .map((track, id) => ({ id, label: track.label || track.language, language: track.language, on: track.mode === "showing" }));
    },

    /** Shows the captions with an id; -1 shows none. */
    setCaptions(id) {
      if (hls) {
        hls.subtitleTrack = id;
        captions.show(hls.subtitleTracks[id]?.id ?? null);
        return;
      }
      [...video.textTracks]
        .filter((track) => track.kind === "subtitles" || track.kind === "captions")
        .forEach((track, at) => { track.mode = at === id ? "showing" : "disabled"; });
    },

    /** Heights that a viewer can choose from, largest first; none if the browser decides by itself. */
    get heights() {
      return hls ? [...new Set(hls.levels.map((level) => Math.min(level.width, level.height) || level.height).filter(Boolean))].sort((a, b) => b - a) : [];
    },

    /** The height that is chosen, or 0 for automatic. */
    get height() {
      return hls && !hls.autoLevelEnabled ? sideOf(hls.levels[hls.loadLevel]) : 0;
    },

    /** The height that plays, or 0. */
    get playing() { return hls ? sideOf(hls.levels[hls.currentLevel]) : 0; },

    setHeight(height) {
      if (!hls) return;
      hls.nextLevel = height === 0 ? -1 : hls.levels.findLastIndex((level) => sideOf(level) === height);
    },
  };
}

// What a source plays: a link to the same file may differ in its signature.
function fileOf({ url, credentials }) {
  return `${credentials} ${url.split("?")[0]}`;
}

// The shorter side, by which people name a quality: 720 for portrait too.
function sideOf(level) {
  return level ? Math.min(level.width, level.height) || level.height || 0 : 0;
}

// A loader of playlists that takes those which were fetched ahead.
function loaderOf(Loader, playlists) {
  return class extends Loader {
    load(context, config, callbacks) {
      const text = playlists()?.take(context.url) ?? null;
      if (text === null) {
        super.load(context, config, callbacks);
        return;
      }
      this.context = context;
      const now = performance.now();
      Object.assign(this.stats, { loaded: text.length, total: text.length });
      Object.assign(this.stats.loading, { start: now, first: now, end: now });
      queueMicrotask(() => {
        if (this.stats.aborted || this.context !== context) return;
        callbacks.onSuccess({ url: context.url, data: text, code: 200 }, this.stats, context, null);
      });
    }
  };
}

export function codeOf(status) {
  if (status === 403) return "media_refused";
  if (status === 404) return "media_not_found";
  return status === 0 ? "network" : "media_unavailable";
}
