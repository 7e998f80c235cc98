// <premium-video>: plays a video of a Premium HLS site, on its own pages and on
// others. README.md has its attributes, methods and events.
import { createClient, storageOf } from "./client.js";
import { createCaptions } from "./captions.js";
import { createControls, make, SPEEDS } from "./controls.js";
import { createEngine } from "./engine.js";
import { actionOf } from "./keys.js";
import { Problem } from "./problem.js";
import { createSettings } from "./settings.js";
import { parseStoryboard } from "./storyboard.js";
import { styles } from "./styles.js";
import { describe, warn } from "./words.js";

// After a refusal the grant is requested again. A second refusal is final, unless
// the video played this long (seconds) in between.
const MENDED = 10;

const attributes = {
  path: "path", api: "api", src: "src", playlist: "playlist", poster: "poster", mode: "mode",
  premiumPath: "premium-path", videoTitle: "video-title",
};
// Those whose change is another video.
const OPENING = ["path", "api", "src", "details", "playlist", "mode", "premium-path"];

let sheet = null;

export class PremiumVideo extends HTMLElement {
  static observedAttributes = [...Object.values(attributes), "details", "muted"];

  #client = null; // the page's, or one of its own
  #ownClient = null;
  #clientInUse = null;
  #token = undefined;
  #details; // an object, null for none; undefined: not set
  #engine; #controls; #video; #poster; #refusal; #frame;
  #settings = createSettings(storageOf(globalThis));
  #turn = 0; // counts openings, so that a late response to an earlier one is dropped
  #scheduled = false;
  #opened = null; // what is open: { grant, details, base, source, key }
  #state = "empty"; // opening, open, refused
  #wanted = false; // to be played as soon as it is open
  #started = false;
  #mendedAt = null;
  #mending = false;
  #offline = false; // it failed because there was no connection
  #at = 0; // seconds, where the video is to begin once it is open
  #connected = null; // ends what listens to the browser
  #chapters = [];
  #captionsSet = false;
  #device = null; // the link that plays on another device

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
    }
    root.adoptedStyleSheets = [sheet];
    this.#video = make("video", { part: "video", playsinline: "", preload: "auto" });
    this.#poster = make("img", { class: "poster", part: "poster", alt: "", hidden: "" });
    this.#refusal = make("div", { class: "refusal", part: "refusal", role: "alert", hidden: "" });
    const slot = make("slot", {}, this.#refusal);
    this.#frame = make("div", { class: "frame", tabindex: "-1", part: "frame" }, this.#video, this.#poster);
    this.#controls = createControls(this.#video, this.#actions());
    this.#engine = createEngine(this.#video, {
      refused: () => this.#mend(),
      recovered: () => this.#settled(),
      trouble: (code) => this.#status("trouble", code === "network" ? "The connection is interrupted. Retrying." : "Part of the video failed to load. Retrying.", true),
      failed: (code) => this.#refuse(new Problem(code)),
      tracks: () => this.#tracksChanged(),
    }, createCaptions(this.#video, this.#controls.cues));
    this.#frame.append(this.#controls.el, slot);
    root.append(this.#frame);
    this.#listen();
  }

  // Attributes and properties.

  get token() { return this.#token; }
  set token(value) {
    const was = this.#token;
    this.#token = value;
    if (typeof value === "string" && typeof was === "string" && value !== was) this.#ownClient?.client.forget();
    if (this.#state === "refused" && value) this.#schedule();
  }

  get client() { return this.#client; }
  set client(value) {
    this.#client = value;
    this.#schedule();
  }

  get details() { return this.#details ?? this.getAttribute("details"); }
  set details(value) {
    if (typeof value === "string") {
      this.#details = undefined;
      this.setAttribute("details", value);
      return;
    }
    this.#details = value;
    if (this.hasAttribute("details")) this.removeAttribute("details");
    this.#schedule();
  }

  get video() { return this.#video; }
  get currentTime() { return this.#at || this.#video.currentTime; }
  set currentTime(seconds) {
    if (this.#video.readyState > 0) this.#video.currentTime = seconds;
    else this.#at = seconds;
  }
  get duration() {
    const { duration } = this.#video;
    return Number.isFinite(duration) && duration > 0 ? duration : this.#opened?.details?.duration ?? 0;
  }
  get paused() { return this.#video.paused; }
  get ended() { return this.#video.ended; }
  get playing() { return this.#state === "open" && !this.#video.paused && !this.#video.ended; }
  get chapters() { return this.#chapters; }

  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === "poster") this.#drawPoster();
    else if (name === "muted") this.#video.muted = after !== null;
    if (!OPENING.includes(name)) return;
    if (this.#state !== "empty") this.#at = 0; // it was for another video
    this.#schedule();
  }

  connectedCallback() {
    // What was set before this class was known.
    for (const name of ["token", "client", "details", "currentTime", ...Object.keys(attributes)]) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
    this.#connected = new AbortController();
    this.#attend(this.#connected.signal);
    if (this.#state === "empty") this.#schedule();
  }

  disconnectedCallback() {
    this.#connected.abort();
    // Moved within the page it is connected again at once.
    queueMicrotask(() => { if (!this.isConnected) this.close(); });
  }

  // Methods.

  /** Plays; as soon as the video is open, if it is not yet. */
  play() {
    this.#wanted = true;
    if (this.#state === "open") this.#play();
    else if (this.#state === "refused" || this.#state === "empty") this.#schedule();
  }

  focus(options) { this.#frame.focus(options); }

  pause() {
    this.#wanted = false;
    this.#video.pause();
  }

  /** Opens the video again, where it was, and plays it. */
  reload() {
    this.#wanted = true;
    this.#remember();
    this.#schedule();
  }

  /** Stops, and forgets the video until another one is set or it is reloaded. */
  close() {
    this.#turn++;
    this.#at = 0;
    this.#wanted = false;
    this.#leave();
    this.#state = "empty";
    this.#draw();
  }

  /** Gets ready what the viewer may open next. */
  prepare(path, playlist) {
    return this.#theClient().prepare(path, playlist);
  }

  // Opening.

  // Changes of one task are one opening.
  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.isConnected && (this.path || this.src || this.details)) this.#open();
    });
  }

  #theClient() {
    if (this.#client) return this.#client;
    const key = [this.api, this.mode, this.premiumPath].join(" ");
    if (this.#ownClient?.key !== key) {
      this.#ownClient = {
        key,
        client: createClient({
          api: this.api, mode: this.mode || "auto", premiumPath: this.premiumPath || "premium",
          token: (renew) => (typeof this.#token === "function" ? this.#token(renew) : renew ? null : this.#token),
          size: () => this.#size(),
        }),
      };
    }
    return this.#ownClient.client;
  }

  #size() {
    const scale = globalThis.devicePixelRatio || 1;
    return { width: this.clientWidth * scale, height: this.clientHeight * scale };
  }

  #leave() {
    this.#clientInUse?.rest();
    this.#engine.close();
    this.#controls.forgetStoryboard();
    this.#opened = null;
    this.#mendedAt = null;
    this.#mending = false;
    this.#offline = false;
    this.#captionsSet = false;
    this.#started = false;
    this.#device = null;
    this.#setChapters([]);
    this.#controls.setTracks();
    this.#controls.setDevice({ available: false, airplay: false, name: "" });
  }

  async #open() {
    const mine = ++this.#turn;
    this.#wanted ||= this.hasAttribute("autoplay");
    this.#leave();
    this.#state = "opening";
    this.#refusal.hidden = true;
    this.#drawPoster();
    this.#draw();
    this.#emit("opening");
    this.#status("opening", `Opening ${this.#name}…`);
    try {
      const opened = this.path && !this.src ? await this.#openPremium() : await this.#openFree();
      if (mine !== this.#turn) return;
      await this.#start(opened, this.#at);
    } catch (cause) {
      if (mine === this.#turn) this.#refuse(Problem.from(cause));
    }
  }

  async #openPremium() {
    const client = this.#clientInUse = this.#theClient();
    client.playing = () => this.playing;
    client.onTrouble = (problem, remaining) => this.#status("renewal_failed", warn(problem.code, remaining), true);
    client.onRenewed = (grant) => this.#renewed(grant);
    const grant = await client.open(this.path, { playlist: this.playlist || undefined });
    return this.#granted(grant);
  }

  /** What a grant plays. */
  async #granted(grant) {
    const opened = { grant, details: null, base: grant.folder };
    const reading = this.#readDetails(grant.folder, (url) => fetch(grant.sign(url), { credentials: grant.credentials }));
    // A link is to the lesson's newest version whatever is in lesson.json.
    if (grant.mode === "link") {
      reading.then((details) => { if (this.#opened === opened) this.#know(details); }, () => {});
      return opened;
    }
    opened.details = await reading;
    return opened;
  }

  async #openFree() {
    const base = new URL(this.api || globalThis.location.href);
    const details = this.getAttribute("details");
    const at = new URL(details ?? this.src ?? "", base).href;
    const found = await this.#readDetails(new URL(".", at).href, (url) => fetch(url, { credentials: "omit" }));
    if (!this.src && !found?.playlist) throw new Problem("media_not_found");
    const url = this.src ? new URL(this.src, base).href : new URL(found.playlist, at).href;
    return { grant: null, details: found, base: new URL(".", at).href, url };
  }

  // The details that the page has given, or lesson.json. A folder that was made
  // by hand has none.
  async #readDetails(folder, get) {
    if (this.#details !== undefined) return this.#details;
    const given = this.getAttribute("details");
    if (!given && (!this.path || this.src || this.playlist)) return null;
    try {
      const response = await get(given ? new URL(given, this.api || globalThis.location.href).href : `${folder}lesson.json`);
      return response.ok ? await response.json() : null;
    } catch {
      return null; // the playlist will say what is wrong
    }
  }

  async #start(opened, time) {
    const { grant, details } = opened;
    let source = { url: opened.url, credentials: "same-origin", sign: (address) => address };
    if (grant) {
      source = {
        url: grant.mode === "cookies" && details?.playlist && !this.playlist ? new URL(details.playlist, opened.base).href : grant.url,
        credentials: grant.credentials,
        // The newest link's: it is renewed while the video plays.
        sign: (address) => (this.#opened?.grant ?? grant).sign(address),
      };
      this.#clientInUse.keep(grant);
    }
    opened.source = source;
    this.#opened = opened;
    this.#know(details);
    this.#state = "open";
    this.#at = time;
    const mine = this.#turn;
    const goesOn = await this.#engine.open(source, { time, prepared: this.#clientInUse?.playlists });
    if (mine !== this.#turn) return;
    if (goesOn) {
      this.#at = 0;
      this.#settled();
    }
    if (this.#wanted) this.#play();
    this.#draw();
  }

  #know(details) {
    if (this.#opened) this.#opened.details = details;
    this.#controls.forgetStoryboard(); // which may have been asked for before
    this.#setChapters(details?.chapters ?? []);
    if (details) this.#emit("details", { details });
  }

  #setChapters(list) {
    this.#chapters = Array.isArray(list) ? list.filter((one) => one?.start >= 0 && typeof one.title === "string").sort((a, b) => a.start - b.start) : [];
    this.#controls.setChapters(this.#chapters);
    this.#emit("chapters", { chapters: this.#chapters });
  }

  #play() {
    // Autoplay rules may refuse it: then the viewer presses the big button.
    this.#video.play()?.catch(() => {});
  }

  #renewed(grant) {
    if (!this.#opened?.grant) return;
    this.#opened.grant = { ...this.#opened.grant, ...grant, url: this.#opened.grant.url };
    this.#settled();
    this.#emit("renewed");
  }

  // A refused playlist or segment: the grant may have expired unnoticed, or the
  // browser withholds the cookies.
  async #mend() {
    const { grant } = this.#opened ?? {};
    if (this.#mending) return;
    if (!grant) return this.#refuse(new Problem("public_media_refused"));
    // One that expired, as in a long pause, is no second refusal.
    if (this.#mendedAt !== null && grant.elapsed() < grant.expiresIn) return this.#refuse(new Problem("media_refused"));
    const mine = this.#turn;
    const time = this.currentTime;
    const playing = this.#started && !this.#video.paused;
    this.#mending = true;
    this.#mendedAt = time;
    if (this.#started) this.#wanted = playing;
    this.#status("reopening", `Reopening ${this.#name}…`);
    try {
      const opened = await this.#granted(await this.#clientInUse.mend(grant));
      if (mine !== this.#turn) return;
      await this.#start(opened, time);
    } catch (cause) {
      if (mine === this.#turn) this.#refuse(Problem.from(cause));
    } finally {
      if (mine === this.#turn) this.#mending = false;
    }
  }

  #refuse(problem) {
    this.#turn++;
    const words = describe(problem.code, { title: this.videoTitle, retryAfter: problem.retryAfter, requestId: problem.requestId });
    const { heading, text, action, reference } = words;
    this.#remember();
    this.#leave();
    this.#state = "refused";
    this.#offline = problem.code === "network";
    const again = make("button", { type: "button" }, "Try again");
    again.addEventListener("click", () => this.reload());
    this.#refusal.replaceChildren(make("div", {}, make("h2", {}, heading), make("p", {}, text),
      ...(action === "retry" ? [again] : []), ...(reference ? [make("p", { class: "reference" }, `Reference ${reference}`)] : [])));
    this.#refusal.hidden = false;
    this.#controls.say("");
    this.#draw();
    this.#emit("refused", { code: problem.code, heading, text, action, requestId: problem.requestId, retryAfter: problem.retryAfter });
  }

  // Where the video goes on if it is opened again.
  #remember() {
    if (this.#started && !this.#video.ended) this.#at = this.currentTime;
  }

  // What the viewer does.

  #actions() {
    const element = this;
    const video = this.#video;
    return {
      get duration() { return element.duration; },
      get captions() { return element.#engine.captions; },
      get quality() {
        const { heights, height, playing } = element.#engine;
        return { heights, height, playing };
      },
      toggle: () => {
        if (video.paused || video.ended) this.play();
        else this.pause();
      },
      seekTo: (seconds) => { video.currentTime = seconds; },
      seekBy: (seconds) => this.#seek(video.currentTime + seconds),
      mute: () => {
        const silent = video.muted || video.volume === 0;
        video.muted = !silent;
        if (silent && video.volume === 0) video.volume = 0.5;
        this.#settings.set({ volume: video.volume, muted: video.muted });
      },
      setVolume: (volume) => this.#setVolume(volume),
      volumeBy: (step) => this.#setVolume((video.muted ? 0 : video.volume) + step),
      setCaptions: (id) => {
        this.#engine.setCaptions(id);
        this.#settings.set({ captions: this.#engine.captions.find((one) => one.id === id)?.language ?? "" });
        this.#tracksChanged();
      },
      setHeight: (height) => {
        this.#engine.setHeight(height);
        this.#tracksChanged();
      },
      setSpeed: (speed) => {
        video.playbackRate = video.defaultPlaybackRate = speed;
        this.#settings.set({ speed });
      },
      storyboard: () => this.#storyboard(),
      remote: () => this.#remote(),
      picture: () => (document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture()).catch(() => {}),
      fullscreen: () => this.#fullscreen(),
    };
  }

  #seek(seconds) {
    const time = Math.min(Math.max(0, seconds), this.duration || 0);
    this.#video.currentTime = time;
    this.#controls.flash(time);
  }

  #setVolume(volume) {
    this.#video.volume = Math.min(1, Math.max(0, Math.round(volume * 100) / 100));
    this.#video.muted = false;
    this.#settings.set({ volume: this.#video.volume, muted: false });
  }

  #key(event) {
    if (event.defaultPrevented || this.#state !== "open") return;
    const action = actionOf(event);
    if (!action) return;
    // A focused button is pressed by these, whatever they do elsewhere.
    if ([" ", "Enter"].includes(event.key) && event.composedPath()[0].closest?.("button, a")) return;
    if (event.composedPath().some((one) => one.matches?.("input, textarea, select, [contenteditable]"))) return;
    event.preventDefault();
    this.#controls.stir();
    const act = this.#actions();
    const [name, value] = action;
    if (name === "seekTo") this.#seek(value * this.duration);
    else if (name === "captions") {
      const list = act.captions;
      const preferred = list.find((one) => one.language === this.#settings.get().captions) ?? list[0];
      if (preferred) act.setCaptions(list.some((one) => one.on) ? -1 : preferred.id);
    } else if (name === "speedBy") {
      const at = SPEEDS.indexOf(this.#video.playbackRate) + value;
      if (SPEEDS[at]) act.setSpeed(SPEEDS[at]);
    } else act[name](value);
  }

  async #fullscreen() {
    const now = document.fullscreenElement ?? document.webkitFullscreenElement;
    try {
      if (now) await (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
      else if (this.requestFullscreen) await this.requestFullscreen();
      else if (this.webkitRequestFullscreen) this.webkitRequestFullscreen();
      else this.#video.webkitEnterFullscreen?.(); // iPhones
    } catch {
      // The page, or a frame around it, does not allow it.
    }
  }

  async #storyboard() {
    const opened = this.#opened;
    const { details, base, grant } = opened ?? {};
    if (!details?.storyboard) return [];
    // The newest link's: it is renewed while the video plays.
    const sign = (address) => (opened.grant ? opened.grant.sign(address) : address);
    const url = new URL(details.storyboard, base).href;
    const response = await fetch(sign(url), { credentials: grant?.credentials ?? "same-origin" });
    if (!response.ok) return [];
    return parseStoryboard(await response.text(), url).map((cell) => ({ ...cell, get url() { return sign(cell.url); } }));
  }

  // Captions and qualities.

  #tracksChanged() {
    const list = this.#engine.captions;
    if (!this.#captionsSet && list.length > 0) {
      this.#captionsSet = true;
      const { captions } = this.#settings.get();
      this.#engine.setCaptions(captions ? list.find((one) => one.language === captions)?.id ?? -1 : -1);
    }
    this.#controls.setTracks();
  }

  // Another device: it has no cookies of this browser, so it gets a link as the
  // video's own source.

  #offerDevices() {
    const video = this.#video;
    if ("WebKitPlaybackTargetAvailabilityEvent" in globalThis) {
      let available = false;
      const draw = () => this.#controls.setDevice({ available, airplay: true, name: video.webkitCurrentPlaybackTargetIsWireless ? "Playing on another device" : "" });
      video.addEventListener("webkitplaybacktargetavailabilitychanged", (event) => {
        available = event.availability === "available";
        draw();
      });
      video.addEventListener("webkitcurrentplaybacktargetiswirelesschanged", () => {
        draw();
        this.#handOver(video.webkitCurrentPlaybackTargetIsWireless);
      });
      return;
    }
    const { remote } = video;
    if (!remote?.watchAvailability) return;
    let available = false;
    const draw = () => this.#controls.setDevice({ available, airplay: false, name: remote.state === "connected" ? "Playing on another device" : "" });
    remote.watchAvailability((value) => { available = value; draw(); }).catch(() => {});
    for (const name of ["connecting", "connect", "disconnect"]) remote.addEventListener(name, draw);
    remote.addEventListener("disconnect", () => this.#handOver(false));
  }

  async #remote() {
    const video = this.#video;
    if (video.webkitShowPlaybackTargetPicker) return video.webkitShowPlaybackTargetPicker();
    const playing = !video.paused;
    await this.#handOver(true);
    if (this.#opened?.grant && !this.#device) return undefined; // it has said why
    try {
      await video.remote.prompt();
    } catch {
      await this.#handOver(false); // the viewer chose none
      if (playing) this.#play();
    }
    return undefined;
  }

  /** Plays a link in place of what plays here, or again what played. */
  async #handOver(away) {
    const opened = this.#opened;
    if (!opened?.grant || away === (this.#device !== null)) return;
    const [time, paused] = [this.#video.currentTime, this.#video.paused];
    try {
      if (away) {
        const link = opened.grant.mode === "link" ? opened.grant
          : await this.#clientInUse.open(this.path, { link: true, playlist: this.playlist || undefined });
        if (opened !== this.#opened) return;
        this.#device = link;
        await this.#engine.open(link, { time, own: true });
      } else {
        this.#device = null;
        await this.#engine.open(opened.source, { time });
      }
      if (!paused) this.#play();
    } catch (cause) {
      const { text } = describe(Problem.from(cause).code, { title: this.videoTitle });
      this.#status("trouble", text, true);
    }
  }

  // What the video and the browser do.

  #listen() {
    const video = this.#video;
    const { volume, muted, speed } = this.#settings.get();
    video.volume = volume;
    video.muted = muted || this.hasAttribute("muted");
    video.defaultPlaybackRate = video.playbackRate = speed;
    video.addEventListener("playing", () => {
      this.#started = true;
      this.#clientInUse?.awaken();
      this.#status("playing", `Playing ${this.#name}.`);
      this.#emit("playing");
      this.#draw();
    });
    video.addEventListener("pause", () => {
      if (video.ended || this.#state !== "open") return;
      this.#status("paused", `${this.#name} is paused.`);
      this.#emit("pause");
    });
    video.addEventListener("loadedmetadata", () => {
      if (this.#at > 0 && Math.abs(video.currentTime - this.#at) > 1) video.currentTime = this.#at;
      this.#at = 0;
      this.#controls.setChapters(this.#chapters); // the duration is known now
      if (this.#started && video.paused) this.#settled(); // opened again
      if (!this.#started && !this.#wanted) this.#status("ready", `${this.#name} is ready. Press play.`);
      this.#emit("ready");
      this.#draw();
    });
    video.addEventListener("ended", () => {
      this.#status("ended", `${this.#name} has ended.`);
      this.#emit("ended");
      this.#draw();
    });
    video.addEventListener("timeupdate", () => {
      if (this.#state !== "open" || video.paused) return;
      if (this.#mendedAt !== null && Math.abs(video.currentTime - this.#mendedAt) > MENDED) this.#mendedAt = null;
      this.#emit("timeupdate", { currentTime: video.currentTime, duration: this.duration });
    });
    for (const name of ["waiting", "seeking", "canplay", "seeked", "play"]) video.addEventListener(name, () => this.#draw());
    this.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["fullscreenchange", "webkitfullscreenchange"]) {
      this.addEventListener(name, () => this.#controls.setFullscreen((document.fullscreenElement ?? document.webkitFullscreenElement) === this));
    }
    if (document.pictureInPictureEnabled) this.#controls.showPicture();
    this.#offerDevices();
  }

  // Listens to the browser while the element is in a page.
  #attend(signal) {
    // Timers stop while a computer sleeps or a tab is frozen.
    const awake = () => {
      if (document.visibilityState !== "visible") return;
      this.#clientInUse?.awaken();
      this.#engine.nudge();
      if (this.#state === "refused" && this.#offline) this.#schedule();
    };
    document.addEventListener("visibilitychange", awake, { signal });
    for (const name of ["pageshow", "focus"]) globalThis.addEventListener(name, awake, { signal });
    globalThis.addEventListener("online", awake, { signal });
  }

  #draw() {
    const video = this.#video;
    const open = this.#state === "open";
    const starved = open && (this.#started || this.#wanted) && !video.paused && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    this.#poster.hidden = this.#started || this.#poster.getAttribute("src") === null;
    this.#controls.set({ waiting: this.#state === "opening" || starved, refused: this.#state === "refused", started: this.#started && !video.ended });
  }

  #drawPoster() {
    const { poster } = this;
    if (poster) this.#poster.setAttribute("src", new URL(poster, this.api || globalThis.location.href).href);
    else this.#poster.removeAttribute("src");
    this.#draw();
  }

  get #name() { return this.videoTitle || "the video"; }

  #status(code, text, warning = false) {
    this.#controls.say(warning || code === "reopening" ? text : "");
    this.#emit("status", { code, text: text[0].toUpperCase() + text.slice(1), warning });
  }

  // What was wrong is over.
  #settled() {
    if (this.playing) this.#status("playing", `Playing ${this.#name}.`);
    else if (this.#started) this.#status("paused", `${this.#name} is paused.`);
    else this.#status("ready", `${this.#name} is ready. Press play.`);
  }

  #emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

for (const [property, attribute] of Object.entries(attributes)) {
  Object.defineProperty(PremiumVideo.prototype, property, {
    configurable: true,
    enumerable: true,
    get() { return this.getAttribute(attribute) ?? ""; },
    set(value) {
      if (value === null || value === undefined || value === "") this.removeAttribute(attribute);
      else this.setAttribute(attribute, String(value));
    },
  });
}

if (!customElements.get("premium-video")) customElements.define("premium-video", PremiumVideo);
