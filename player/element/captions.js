// Draws captions over the video, above the controls: what a browser draws itself
// lies under them, and the elements that hls.js makes for it are against the
// page's content security policy.

const TOP = 40; // a cue that is placed above this share of the picture, in percent, stays at the top

/**
 * @param {HTMLVideoElement} video
 * @param {HTMLElement} el where they are drawn
 */
export function createCaptions(video, el) {
  const known = new Map(); // track -> cues
  const track = video.addTextTrack("metadata"); // for its clock only
  track.mode = "hidden";
  let shown = null;
  track.addEventListener("cuechange", draw);

  function draw() {
    el.replaceChildren(...[true, false].map((top) => {
      const block = document.createElement("div");
      block.className = top ? "top" : "bottom";
      for (const cue of track.activeCues ?? []) {
        if (isOnTop(cue) !== top) continue;
        const line = document.createElement("p");
        const text = document.createElement("span");
        text.append(cue.getCueAsHTML());
        line.append(text);
        block.append(line);
      }
      return block;
    }));
  }

  return {
    /** Adds cues of a track. Those of a part that is loaded again are known. */
    add(of, cues) {
      const list = known.get(of) ?? [];
      known.set(of, list);
      for (const cue of cues) {
        if (list.some((one) => one.startTime === cue.startTime && one.endTime === cue.endTime && one.text === cue.text)) continue;
        list.push(cue);
        if (of === shown) track.addCue(cue);
      }
    },

    /** Shows the cues of a track; null shows none. */
    show(of) {
      if (of === shown) return;
      shown = of;
      for (const cue of [...track.cues]) track.removeCue(cue);
      for (const cue of known.get(of) ?? []) track.addCue(cue);
      draw();
    },

    /** Forgets all cues. */
    clear() {
      this.show(null);
      known.clear();
    },
  };
}

/** Whether a cue is placed in the upper part of the picture. */
export function isOnTop({ line, snapToLines }) {
  if (typeof line !== "number") return false;
  return snapToLines ? line >= 0 && line < 5 : line < TOP;
}
