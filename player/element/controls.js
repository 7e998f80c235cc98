// The buttons, the seek bar and the menus. What they do is decided in
// premium-video.js.
import { icon } from "./icons.js";
import { cellAt } from "./storyboard.js";
import { chapterAt, clock, spoken } from "./times.js";

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
const IDLE = 2_800; // ms until the controls of a playing video hide
const SHOWN = 1_500; // ms that a preview stays after a key
const CELL = 13; // width of a preview, in em

/**
 * @param {HTMLVideoElement} video
 * @param {object} act what the controls do: see premium-video.js
 */
export function createControls(video, act) {
  const el = make("div", { class: "room" });
  const shade = make("div", { class: "shade", "aria-hidden": "true" });
  const cues = make("div", { class: "cues", part: "captions" });
  const big = button("big", "Play", "play", () => act.toggle());
  const spinner = make("div", { class: "spinner", hidden: "", "aria-hidden": "true" });
  const note = make("div", { class: "note", role: "status" });
  const remote = make("div", { class: "remote", hidden: "" });

  const played = make("div", { class: "played" });
  const buffered = make("div", { class: "buffered" });
  const marks = make("div", {});
  const line = make("div", { class: "line" }, buffered, played, marks);
  const knob = make("div", { class: "knob" });
  const image = make("img", { alt: "" });
  const cell = make("div", { class: "cell", hidden: "" }, image);
  const label = make("div", { class: "label" });
  const preview = make("div", { class: "preview", hidden: "", "aria-hidden": "true" }, cell, label);
  const seek = make("div", { class: "seek", part: "seek", role: "slider", tabindex: "0", "aria-label": "Seek", "aria-valuemin": "0" }, line, knob, preview);

  const play = button("play", "Play", "play", () => act.toggle());
  const mute = button("mute", "Mute", "volume", () => act.mute());
  const full = make("div", { class: "full" });
  const level = make("div", { class: "level", role: "slider", tabindex: "0", "aria-label": "Volume", "aria-valuemin": "0", "aria-valuemax": "100" }, make("div", { class: "line" }, full));
  const now = make("span", { class: "now" });
  const of = make("span", { class: "of" });
  const chapter = make("div", { class: "chapter", "aria-hidden": "true" });
  const chapters = menuButton("chapters", "Chapters", "chapters", listChapters);
  const captions = menuButton("captions", "Captions", "captions", listCaptions);
  const settings = menuButton("settings", "Quality and speed", "settings", listSettings);
  const cast = button("cast", "Play on another device", "cast", () => act.remote());
  const picture = button("picture", "Picture in picture", "picture", () => act.picture());
  const screen = button("fullscreen", "Full screen", "fullscreen", () => act.fullscreen());
  cast.hidden = picture.hidden = chapters.hidden = captions.hidden = true;
  const row = make("div", { class: "row" }, play, make("div", { class: "volume" }, mute, level),
    make("div", { class: "time" }, now, of), chapter, chapters, captions, settings, cast, picture, screen);
  const bar = make("div", { class: "bar", part: "controls", role: "group", "aria-label": "Video controls" }, seek, row);
  const menu = make("div", { class: "menu", role: "menu", hidden: "" });
  el.append(shade, cues, remote, big, spinner, note, bar, menu);

  let opener = null; // the button of the open menu
  let target = null; // seconds, while the viewer drags
  let chosen = []; // chapters
  let cells = [];
  let hideTimer = 0, previewTimer = 0;
  let asked = null; // the request for the storyboard
  let shown = 0; // the time of the preview

  // Seeking.

  const share = (event) => {
    const box = line.getBoundingClientRect();
    return box.width > 0 ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : 0;
  };
  seek.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !act.duration) return;
    event.preventDefault();
    seek.focus({ preventScroll: true });
    seek.setPointerCapture(event.pointerId);
    seek.classList.add("scrubbing");
    target = share(event) * act.duration;
    draw();
    point(target);
  });
  seek.addEventListener("pointermove", (event) => {
    if (!act.duration) return;
    const time = share(event) * act.duration;
    if (target !== null) {
      target = time;
      draw();
    }
    point(time);
  });
  const drop = () => {
    if (target === null) return;
    const time = target;
    target = null;
    seek.classList.remove("scrubbing");
    act.seekTo(time);
    draw();
  };
  seek.addEventListener("pointerup", (event) => { drop(); if (event.pointerType !== "mouse") unpoint(); });
  seek.addEventListener("pointercancel", () => { target = null; seek.classList.remove("scrubbing"); unpoint(); draw(); });
  seek.addEventListener("pointerleave", () => { if (target === null) unpoint(); });
  seek.addEventListener("focus", wantCells);
  seek.addEventListener("pointerenter", wantCells);
  seek.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 5, ArrowDown: -5, PageUp: 60, PageDown: -60 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    act.seekBy(step);
  });

  function wantCells() {
    if (asked) return;
    const mine = asked = {};
    act.storyboard().then((found) => {
      if (mine !== asked) return; // it is another video's
      cells = found;
      if (!preview.hidden) show(shown);
    }, () => {});
  }

  /** Shows the preview of a time. */
  function point(time) {
    clearTimeout(previewTimer);
    show(time);
    wantCells();
  }

  function show(time) {
    shown = time;
    const one = cellAt(cells, time);
    cell.hidden = !one;
    if (one) {
      const size = Number.parseFloat(getComputedStyle(el).fontSize);
      const scale = Math.min(CELL * size / one.width, CELL * size * 0.75 / one.height);
      cell.style.width = `${one.width * scale}px`;
      cell.style.height = `${one.height * scale}px`;
      image.style.transform = `scale(${scale}) translate(${-one.x}px, ${-one.y}px)`;
      const { url } = one;
      if (image.src !== url) image.src = url;
    }
    const title = chapterAt(chosen, time)?.title;
    label.replaceChildren(make("b", {}, clock(time)), ...(title ? [` ${title}`] : []));
    preview.hidden = false;
    const [width, half] = [seek.clientWidth, preview.offsetWidth / 2];
    const left = Math.min(Math.max(time / act.duration * width, half), Math.max(half, width - half));
    preview.style.transform = `translateX(${left - half}px)`;
  }

  function unpoint() {
    preview.hidden = true;
  }

  /** Shows the preview of a time that a key has chosen, for a moment. */
  function flash(time) {
    if (!act.duration) return;
    point(time);
    previewTimer = setTimeout(unpoint, SHOWN);
  }

  // Volume.

  level.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    level.setPointerCapture(event.pointerId);
    setLevel(event);
  });
  level.addEventListener("pointermove", (event) => { if (level.hasPointerCapture(event.pointerId)) setLevel(event); });
  level.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -0.1, ArrowRight: 0.1, Home: -1, End: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    act.volumeBy(step);
  });
  function setLevel(event) {
    const box = level.getBoundingClientRect();
    act.setVolume((event.clientX - box.left) / box.width);
  }

  // Menus.

  function menuButton(name, text, shape, list) {
    const made = button(name, text, shape, () => (opener === made ? closeMenu() : openMenu(made, list)));
    made.setAttribute("aria-haspopup", "menu");
    made.setAttribute("aria-expanded", "false");
    return made;
  }

  function openMenu(from, list) {
    closeMenu(false);
    opener = from;
    from.setAttribute("aria-expanded", "true");
    menu.setAttribute("aria-label", from.getAttribute("aria-label"));
    menu.replaceChildren(...list());
    menu.hidden = false;
    (menu.querySelector('[aria-checked="true"]') ?? menu.querySelector("button"))?.focus();
    stir();
  }

  /** Draws the open menu again: what it lists has changed. */
  function refresh(name, list) {
    if (opener !== name) return;
    const at = [...menu.querySelectorAll("button")].indexOf(menu.getRootNode().activeElement);
    menu.replaceChildren(...list());
    menu.querySelectorAll("button")[at]?.focus();
  }

  function closeMenu(focus = true) {
    if (!opener) return;
    opener.setAttribute("aria-expanded", "false");
    menu.hidden = true;
    if (focus) opener.focus();
    opener = null;
    stir();
  }

  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button")];
    const at = items.indexOf(menu.getRootNode().activeElement);
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Tab") closeMenu();
    if (to !== undefined) {
      event.preventDefault();
      items.at(to % items.length).focus();
    }
    event.stopPropagation(); // no keys of the player in a menu
    if (event.key === "Escape") {
      event.preventDefault();
      closeMenu();
    }
  });

  function choice(text, checked, run, { at, stay = false } = {}) {
    const made = make("button", { type: "button", role: "menuitemradio", "aria-checked": String(checked) }, icon("check"), make("span", {}, text));
    if (at !== undefined) made.append(make("span", { class: "at" }, at));
    made.addEventListener("click", () => {
      run();
      if (!stay) closeMenu();
    });
    return made;
  }

  function group(title, options, items) {
    const name = make("h2", { role: "presentation" }, title);
    return make("div", { class: "group", role: "group", "aria-label": title }, name, options ? make("div", { class: "options", role: "presentation" }, ...items) : "", ...(options ? [] : items));
  }

  function listCaptions() {
    const list = act.captions;
    return [group("Captions", false, [
      choice("Off", !list.some((one) => one.on), () => act.setCaptions(-1)),
      ...list.map((one) => choice(one.label, one.on, () => act.setCaptions(one.id))),
    ])];
  }

  function listChapters() {
    const current = chapterAt(chosen, video.currentTime);
    return [group("Chapters", false, chosen.map((one) => choice(one.title, one === current, () => act.seekTo(one.start), { at: clock(one.start) })))];
  }

  function listSettings() {
    const { heights, height, playing } = act.quality;
    const groups = [];
    if (heights.length > 1) {
      groups.push(group("Quality", true, [
        choice(height === 0 && playing ? `Auto (${playing}p)` : "Auto", height === 0, () => act.setHeight(0)),
        ...heights.map((one) => choice(`${one}p`, one === height, () => act.setHeight(one))),
      ]));
    }
    groups.push(group("Speed", true, SPEEDS.map((one) => choice(one === 1 ? "Normal" : `${one}×`, one === video.playbackRate, () => act.setSpeed(one)))));
    return groups;
  }

  // What the video does.

  function draw() {
    const { duration } = act;
    const time = target ?? video.currentTime;
    const share = duration > 0 ? Math.min(1, time / duration) : 0;
    played.style.transform = `scaleX(${share})`;
    knob.style.left = `${share * 100}%`;
    now.textContent = clock(time);
    of.textContent = duration > 0 ? ` / ${clock(duration)}` : "";
    const one = chapterAt(chosen, time);
    if (chapter.textContent !== (one?.title ?? "")) chapter.textContent = one?.title ?? "";
    seek.setAttribute("aria-valuemax", String(Math.floor(duration)));
    seek.setAttribute("aria-valuenow", String(Math.floor(time)));
    seek.setAttribute("aria-valuetext", `${spoken(time)} of ${spoken(duration)}${one ? `, ${one.title}` : ""}`);
    const { buffered: ranges } = video;
    let end = 0;
    for (let at = 0; at < ranges.length; at++) if (ranges.start(at) <= time + 0.5) end = Math.max(end, ranges.end(at));
    buffered.style.transform = `scaleX(${duration > 0 ? Math.min(1, end / duration) : 0})`;
  }

  function drawPlaying() {
    const paused = video.paused;
    const [text, shape] = video.ended ? ["Play again", "again"] : paused ? ["Play", "play"] : ["Pause", "pause"];
    relabel(play, text, shape);
    relabel(big, text === "Pause" ? "Play" : text, text === "Pause" ? "play" : shape);
    stir();
  }

  function drawVolume() {
    const silent = video.muted || video.volume === 0;
    relabel(mute, silent ? "Unmute" : "Mute", silent ? "muted" : "volume");
    full.style.transform = `scaleX(${silent ? 0 : video.volume})`;
    level.setAttribute("aria-valuenow", String(silent ? 0 : Math.round(video.volume * 100)));
    level.setAttribute("aria-valuetext", silent ? "muted" : `${Math.round(video.volume * 100)} percent`);
  }

  for (const name of ["timeupdate", "progress", "durationchange", "seeking", "seeked"]) video.addEventListener(name, draw);
  for (const name of ["play", "pause", "ended", "playing", "emptied"]) video.addEventListener(name, drawPlaying);
  video.addEventListener("volumechange", drawVolume);
  video.addEventListener("ratechange", () => refresh(settings, listSettings));

  // The controls of a video that plays hide when nobody uses them.

  function stir() {
    clearTimeout(hideTimer);
    el.classList.remove("idle");
    hideTimer = setTimeout(() => {
      const inUse = opener || target !== null || bar.matches(":hover") || bar.querySelector(":focus-visible");
      if (!video.paused && !inUse) el.classList.add("idle");
    }, IDLE);
  }
  el.addEventListener("pointermove", stir);
  el.addEventListener("focusin", stir);
  el.addEventListener("pointerleave", () => { if (!video.paused && !opener) el.classList.add("idle"); });
  shade.addEventListener("click", (event) => {
    if (opener) closeMenu(false);
    else if (event.pointerType === "touch" && el.classList.contains("idle")) stir();
    else if (event.pointerType === "touch" && !video.paused) el.classList.add("idle");
    else act.toggle();
  });
  shade.addEventListener("dblclick", (event) => { if (event.pointerType !== "touch") act.fullscreen(); });

  drawPlaying();
  drawVolume();
  draw();

  return {
    el, cues, stir, draw, flash, closeMenu,
    /** Shows what is known of the video: waiting, refused or ready. */
    set({ waiting, refused, started }) {
      spinner.hidden = !waiting || refused;
      big.hidden = started || waiting || refused;
      bar.hidden = shade.hidden = refused;
      if (refused) closeMenu(false);
    },
    setChapters(list) {
      chosen = list;
      chapters.hidden = list.length === 0;
      marks.replaceChildren(...list.filter((one) => one.start > 0 && one.start < act.duration).map((one) => {
        const mark = make("div", { class: "mark" });
        mark.style.left = `${one.start / act.duration * 100}%`;
        return mark;
      }));
      draw();
    },
    /** Captions or qualities have changed. */
    setTracks() {
      const list = act.captions;
      captions.hidden = list.length === 0;
      captions.classList.toggle("on", list.some((one) => one.on));
      refresh(captions, listCaptions);
      refresh(settings, listSettings);
    },
    forgetStoryboard() {
      asked = null;
      cells = [];
      unpoint();
    },
    setFullscreen(on) { relabel(screen, on ? "Leave full screen" : "Full screen", on ? "window" : "fullscreen"); },
    setDevice({ available, airplay, name }) {
      cast.hidden = !available;
      relabel(cast, airplay ? "AirPlay" : "Play on another device", airplay ? "airplay" : "cast");
      cast.classList.toggle("on", name !== "");
      remote.hidden = name === "";
      remote.textContent = name;
    },
    showPicture() { picture.hidden = false; },
    say(text) { note.textContent = text; },
  };

  function button(name, text, shape, run) {
    const made = make("button", { type: "button", class: name });
    relabel(made, text, shape);
    made.addEventListener("click", run);
    return made;
  }

  function relabel(which, text, shape) {
    if (which.getAttribute("aria-label") === text && which.dataset.icon === shape) return;
    which.setAttribute("aria-label", text);
    which.title = text;
    which.dataset.icon = shape;
    which.replaceChildren(icon(shape));
  }
}

export function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
