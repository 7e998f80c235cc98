// The video element: video.js with its HLS engine (VHS), or the browser's own
// HLS engine if it has one (Safari). Reports what happens; app.js decides.

const STALLED = 15_000; // ms without media after a failed request, until playback has failed

/**
 * @param {HTMLElement} holder an element without other children
 * @param {object} on playing(), paused(), ready(), ended(), progress(), refused(), trouble(code), failed(code)
 * @param {ReturnType<import("./element/playlists.js").createPlaylists>} playlists
 */
export function createPlayback(holder, on, playlists) {
  let player = null;
  let volume = { level: 1, muted: false };
  let source = null; // the video that events are about
  let stall = 0;

  window.videojs.Vhs.xhr = playlists.through(window.videojs.xhr);
  fresh();

  // Each video gets a new player, so that requests of the last one cannot
  // affect it.
  function fresh() {
    if (player) {
      volume = { level: player.volume(), muted: player.muted() };
      player.dispose();
    }
    settle();
    source = null;
    const element = document.createElement("video");
    element.className = "video-js vjs-big-play-centered";
    element.setAttribute("playsinline", "");
    holder.append(element);
    const made = window.videojs(element, {
      controls: true,
      fill: true,
      preload: "auto",
      errorDisplay: false, // the page has its own texts
      loadingSpinner: true,
      playbackRates: [0.75, 1, 1.25, 1.5, 2],
      controlBar: { pictureInPictureToggle: false },
      userActions: { hotkeys: true },
      html5: {
        // WebKitGTK never starts a video for which video.js manages native text tracks.
        nativeTextTracks: false,
        vhs: { withCredentials: true },
      },
    });
    player = made;
    made.volume(volume.level);
    made.muted(volume.muted);
    made.on("playing", () => { settle(); on.playing(); });
    made.on("pause", () => { if (!made.ended()) on.paused(); });
    made.on("loadedmetadata", () => on.ready());
    made.on("ended", () => on.ended());
    made.on("timeupdate", () => { if (!made.paused()) on.progress(made.currentTime()); });
    made.on("error", () => failed(made));
    made.on("xhr-hooks-ready", () => made.tech(true).vhs.xhr.onResponse((request, error, response) => {
      if (made === player && !request.aborted) responded(response?.statusCode ?? 0);
    }));
  }

  function responded(status) {
    if (!source) return;
    if (status >= 200 && status < 300) settle();
    else if (status === 403) refused();
    else trouble(codeOf(status));
  }

  // VHS retries by itself, also with another rendition: several 403s of one
  // source count as one.
  function refused() {
    if (source.refused) return;
    source.refused = true;
    settle();
    on.refused();
  }

  function trouble(code) {
    if (stall) return;
    stall = setTimeout(() => {
      stall = 0;
      if (player.readyState() < HTMLMediaElement.HAVE_FUTURE_DATA) on.failed(code);
    }, STALLED);
    on.trouble(code);
  }

  function settle() {
    clearTimeout(stall);
    stall = 0;
  }

  // A media error has no HTTP status, in some browsers no cause at all: one
  // request for the playlist shows the status.
  async function failed(from) {
    const asked = source;
    if (!asked || from !== player || asked.refused) return;
    const code = await fetch(asked.url, { cache: "no-store", credentials: "same-origin" }).then(
      (response) => (response.ok ? "media_broken" : codeOf(response.status)),
      () => "network",
    );
    if (asked !== source) return;
    settle();
    if (code === "media_refused") refused();
    else on.failed(code);
  }

  function play() {
    // Autoplay rules may refuse it: then the viewer presses the big play button.
    player.play()?.catch(() => {});
  }

  return {
    /** Shows a video, and plays it if start is set. */
    open(video, { start }) {
      fresh();
      source = { url: video.url, refused: false };
      if (video.poster) player.poster(video.poster);
      player.src({ src: video.url, type: "application/x-mpegURL" });
      if (start) play();
    },

    /** Opens the same video at the same position, with the browser's new cookies. */
    reopen() {
      const [time, paused] = [player.currentTime(), player.paused()];
      source = { url: source.url, refused: false };
      player.error(null);
      player.src({ src: source.url, type: "application/x-mpegURL" });
      player.one("loadedmetadata", () => player.currentTime(time));
      if (!paused) play();
    },

    /** Stops and removes the video. */
    close() {
      fresh();
    },

    get playing() { return source !== null && !player.paused() && !player.ended(); },
    get time() { return player.currentTime(); },
  };
}

function codeOf(status) {
  if (status === 403) return "media_refused";
  if (status === 404) return "media_not_found";
  return status === 0 ? "network" : "media_unavailable";
}
