// The video element: video.js with its HLS engine (VHS), or the browser's own
// HLS where it has one (Safari). Says what happens; decides nothing.

const STARVED = 15_000; // ms without media, after a failed request, until that is said aloud

/**
 * @param {HTMLElement} holder an element that nothing else puts children into
 * @param {object} on playing(), paused(), ready(), ended(), progress(), refused(), trouble(code), failed(code)
 */
export function createPlayback(holder, on) {
  let player = null;
  let volume = { level: 1, muted: false };
  let source = null; // the one that events may speak about
  let starving = 0;

  fresh();

  // A player of its own for each video: what a former one still has under way
  // cannot reach the next.
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
      errorDisplay: false, // the page has words of its own
      loadingSpinner: true,
      playbackRates: [0.75, 1, 1.25, 1.5, 2],
      controlBar: { pictureInPictureToggle: false },
      userActions: { hotkeys: true },
      html5: { vhs: { withCredentials: true } },
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
      if (made === player && !request.aborted) answered(response?.statusCode ?? 0);
    }));
  }

  function answered(status) {
    if (!source) return;
    if (status >= 200 && status < 300) settle();
    else if (status === 403) refused();
    else trouble(codeOf(status));
  }

  // VHS asks on by itself, also for another rendition; several refusals of one
  // source are one refusal.
  function refused() {
    if (source.refused) return;
    source.refused = true;
    settle();
    on.refused();
  }

  function trouble(code) {
    if (starving) return;
    starving = setTimeout(() => {
      starving = 0;
      if (player.readyState() < HTMLMediaElement.HAVE_FUTURE_DATA) on.failed(code);
    }, STARVED);
    on.trouble(code);
  }

  function settle() {
    clearTimeout(starving);
    starving = 0;
  }

  // A media error tells no status, in some browsers none at all: one request for
  // the playlist does.
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
    // Refused by the browser's autoplay rules: the big button is there for it.
    player.play()?.catch(() => {});
  }

  return {
    /** Shows video, and plays it when asked to. */
    open(video, { start }) {
      fresh();
      source = { url: video.url, refused: false };
      if (video.poster) player.poster(video.poster);
      player.src({ src: video.url, type: "application/x-mpegURL" });
      if (start) play();
    },

    /** The same video from the same place, with the cookies that the browser has now. */
    reopen() {
      const [time, paused] = [player.currentTime(), player.paused()];
      source = { url: source.url, refused: false };
      player.error(null);
      player.src({ src: source.url, type: "application/x-mpegURL" });
      player.one("loadedmetadata", () => player.currentTime(time));
      if (!paused) play();
    },

    /** Stops, and lets go of the video. */
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
