// Connects the parts: what the viewer does, what follows from it, and what the
// page shows.
import { createCatalog, playlistOf, sourceOf } from "./catalog.js";
import { createClient, Problem } from "./element/core.js";
import "./element/premium-video.js";
import { chapterAt } from "./element/times.js";
import { covers, EVERYTHING, loadEntitlements } from "./entitlements.js";
import { html } from "./html.js";
import { createPositions } from "./positions.js";
import { paid, welcome } from "./purchase.js";
import { linkTo, pathOf } from "./routes.js";
import { secureCookiesWork } from "./securecookies.js";
import { createSession } from "./signin.js";
import { createApp, nextTick, shallowReactive } from "./vendor/vue.js";
import { view } from "./view.js";
import { browserOf } from "./visitor.js";
import { storageOf } from "./element/client.js";
import { describe } from "./words.js";

const LEFT = "premium-hls.left"; // for other tabs, and for this page after the issuer's logout

// How long a viewer points at a video before it is prepared (ms): a pointer that
// crosses the list prepares nothing.
const POINTED = 65;

// How often a page that is looked at asks for new courses, and for new grants
// while something is locked (ms).
const REFRESH = 20_000;

const NOTHING = { path: "", src: "", playlist: "", details: null };

const COUNTDOWN = 8; // seconds until the next lesson plays
const SAVE = 5; // seconds between two positions that are remembered

const state = shallowReactive({
  site: "",
  view: "loading", // loading, home, course, watch, missing
  courses: [],
  videos: [],
  course: null,
  item: null,
  description: "",
  chapters: [],
  chapter: null,
  opening: false,
  problem: null,
  offer: 0, // seconds; where the viewer stopped the last time
  next: null, // { item, seconds }
  notice: "", // about a purchase, whatever is shown
  status: "",
  warning: false,
  signedIn: false,
  viewer: "",
  canSignIn: false,
  leaving: false,
  selling: false,
  entitlements: EVERYTHING,
});

// Both storages can be denied by the browser.
const browser = browserOf();
const shared = storageOf(globalThis);
const positions = createPositions(shared);
let config = {};
let session, client, catalog;
let player = null; // the element, while there is one
let shown = null; // the path of what it shows
let pointed = 0;
let countdown = 0;
let saved = 0;
let refreshing = false;
let unsure = false; // whether entitlements could not be read

const act = {
  hold(element) {
    if (element === player) return;
    player = element;
    shown = null;
    if (player) listenTo(player);
  },
  skip(event) {
    event.preventDefault(); // the fragment is the page's address
    document.querySelector("#main").focus();
  },
  choose(item, event) {
    if (item.path !== state.item?.path || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(item, { start: true });
  },
  point(one) {
    clearTimeout(pointed);
    pointed = setTimeout(() => prepare(one), POINTED);
  },
  unpoint() { clearTimeout(pointed); },
  retry() {
    if (!state.item) globalThis.location.reload();
    else if (player.path || player.src || player.details) player.reload(); // where it was
    else show(state.item, { start: true });
  },
  goOn() {
    player.currentTime = state.offer;
    state.offer = 0;
    player.play();
  },
  dismiss() {
    state.offer = 0;
    player.currentTime = 0;
    player.play();
  },
  stay: stopCountdown,
  seek(seconds) {
    player.currentTime = seconds;
    player.play();
  },
  markOf, isOpen, nextOf, signIn, signOut,
  positionOf: (item) => positions.of(item.path),
  buyable: (item, course) => [item, course].find((one) => one?.paymentLink) ?? null,
  context: (one) => ({ config, session, call: (...request) => client.call(...request), entitled: state.signedIn && isOpen(one), html }),
};

createApp({ render: () => view(state, act) }).mount("#app");
start();

async function start() {
  const arrived = paid();
  config = await loadConfig();
  state.site = config.siteName ?? document.title;
  session = createSession(config.signIn, browser);
  client = createClient({
    premiumPath: config.premiumPath,
    token: (renew) => session.token(renew),
    size: () => ({ width: (player?.clientWidth ?? innerWidth) * devicePixelRatio, height: (player?.clientHeight ?? innerHeight) * devicePixelRatio }),
  });
  catalog = createCatalog({ premiumPath: config.premiumPath, sample: config.sample === true });
  state.canSignIn = Boolean(config.signIn?.clientId);

  let returned = null;
  let failure = null;
  try {
    returned = await session.finish();
  } catch (cause) {
    failure = Problem.from(cause);
  }
  greet();
  if (returned) history.replaceState(null, "", linkTo(returned.wanted ?? ""));
  await load();
  // Not awaited: from here on the viewer may choose a video.
  const entitled = refreshEntitlements();
  const bought = pathOf(location.hash) ?? "";
  listen();
  await route({ start: Boolean(returned?.wanted) });
  if (failure) refuse(failure);
  else if (returned && state.view !== "watch") say(`Signed in as ${state.viewer}.`);
  else sayGoodbye();
  if (arrived) {
    await entitled;
    const notice = (text) => { state.notice = text; };
    welcome({ signedIn: state.signedIn, say: notice, caution: notice, look: () => look(bought) });
  }
}

async function loadConfig() {
  try {
    const response = await fetch("config.json", { cache: "no-cache" });
    if (response.ok) return { premiumPath: "premium", ...(await response.json()) };
  } catch {
    // Free videos play without it.
  }
  return { premiumPath: "premium" };
}

function listen() {
  globalThis.addEventListener("hashchange", () => route({ start: true }));
  const refreshNow = () => { if (document.visibilityState === "visible") refresh(); };
  setInterval(refreshNow, REFRESH);
  document.addEventListener("visibilitychange", refreshNow);
  globalThis.addEventListener("focus", refreshNow);
  globalThis.addEventListener("pagehide", remember);
  globalThis.addEventListener("storage", async ({ key, newValue }) => {
    if (key !== LEFT || !newValue || !session.signedIn) return;
    client.forget();
    await session.end();
    leavePremium("signed_out_elsewhere");
  });
}

// What the site has.

async function load() {
  try {
    await catalog.load();
    take();
  } catch (cause) {
    const problem = Problem.from(cause);
    Object.assign(state, { view: "missing", problem: describe(problem.code) });
    say(`${state.problem.heading}. ${state.problem.text}`);
  }
}

function take() {
  Object.assign(state, { courses: catalog.courses, videos: catalog.videos });
  state.selling = [...state.courses, ...state.videos].some((one) => one.paymentLink);
}

// New courses appear, and what was bought opens, without a reload.
async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    const changed = await catalog.load();
    if (changed) take();
    if (state.view !== "missing") {
      if (state.course) await reloadCourse(state.course);
    } else if (changed) await route({ start: false }); // it may be there now
    if (session.signedIn && isLocked()) {
      await refreshEntitlements();
      unlock();
    }
  } catch {
    // The next look may find it.
  } finally {
    refreshing = false;
  }
}

async function reloadCourse(course) {
  const now = await catalog.loadCourse(course);
  take();
  if (state.course?.path !== course.path || !now) return;
  state.course = now;
  const item = now.lessons.find((one) => one.path === state.item?.path);
  if (item) state.item = item;
}

function isLocked() {
  if (unsure || state.problem?.code === "not_entitled") return true;
  return [...state.courses, ...state.videos].some((one) => !isOpen(one));
}

/** Plays what was refused and is open now. */
function unlock() {
  if (state.problem?.code === "not_entitled" && state.item && isOpen(state.item)) show(state.item, { start: false });
}

/** Looks whether what a viewer paid for, at a path, has arrived. */
async function look(path) {
  const { course, item } = catalog.find(path);
  if (!await refreshEntitlements()) return false;
  unlock();
  return isOpen(item ?? course ?? { path: "", free: false });
}

// Where the viewer is.

async function route({ start }) {
  if (state.view === "missing" && state.courses.length + state.videos.length === 0) return;
  const path = pathOf(location.hash);
  remember();
  stopCountdown();
  const first = state.view === "loading";
  let { course, item } = path ? catalog.find(path) : { course: null, item: null };
  // A lesson that is not in the list may have come since it was read.
  if (course && !item && (course.lessons === null || path !== course.path)) {
    state.problem = null;
    Object.assign(state, { view: path === course.path ? "course" : "loading", course, item: null });
    try {
      course = await catalog.loadCourse(course);
      if (pathOf(location.hash) !== path) return;
      take();
      item = course.lessons.find((one) => one.path === path) ?? null;
    } catch (cause) {
      if (pathOf(location.hash) === path) fail(cause);
      return;
    }
  }
  // A site with a list of videos and no course shows the first one at once.
  if (path === "" && state.courses.length === 0) item = state.videos.find((one) => one.free) ?? state.videos[0] ?? null;
  if (item) await watch(item, course, { start: start && path !== "" });
  else if (path === "") browse("home", null);
  else if (course?.path === path) browse("course", course);
  else browse("missing", null);
  document.title = `${item?.title ?? ({ course: course?.title, missing: "No such video" }[state.view] ?? "Courses")} – ${state.site}`;
  if (!first) {
    await nextTick();
    // In full screen the player alone is there to hear keys.
    if (document.fullscreenElement) player?.focus();
    else document.querySelector("h1")?.focus({ preventScroll: true });
    globalThis.scrollTo(0, 0);
  }
}

function browse(name, course) {
  Object.assign(state, { view: name, course, item: null, problem: null, chapters: [], description: "" });
  say("");
}

function fail(cause) {
  const words = describe(Problem.from(cause).code);
  Object.assign(state, { view: "missing", item: null, problem: words });
  say(`${words.heading}. ${words.text}`);
}

async function watch(item, course, options) {
  Object.assign(state, { view: "watch", item, course: course ?? null });
  await nextTick(); // the element is there
  show(item, options);
}

// The video.

/** Shows a video in the element, and plays it if start is set. */
function show(item, { start }) {
  stopCountdown();
  shown = item.path;
  saved = 0;
  const position = positions.of(item.path);
  Object.assign(state, {
    item, problem: null, opening: false, chapters: [], chapter: null, description: item.description,
    offer: position && !position.done ? position.time : 0,
  });
  say("");
  player.pause();
  player.close();
  let refused = null;
  if (!item.free && !session.signedIn) refused = "signed_out";
  else if (!item.free && !secureCookiesWork()) refused = "insecure_cookies";
  Object.assign(player, { client, videoTitle: item.title, poster: item.poster }, refused ? NOTHING : sourceOf(item));
  if (refused) refuse(new Problem(refused));
  else if (start) player.play();
}

function listenTo(element) {
  const on = (name, run) => element.addEventListener(name, (event) => { if (element === player && shown !== null) run(event.detail); });
  on("opening", () => { Object.assign(state, { opening: true, problem: null }); });
  on("ready", () => { state.opening = false; });
  on("playing", () => {
    Object.assign(state, { opening: false, next: null });
    stopCountdown();
  });
  on("status", ({ text, warning, code }) => {
    if (code === "renewal_failed") greet();
    if (warning) caution(text);
    else say(text);
  });
  on("refused", ({ code, requestId, retryAfter }) => refuse(new Problem(code, { requestId, retryAfter })));
  on("chapters", ({ chapters }) => Object.assign(state, { chapters, chapter: null }));
  on("timeupdate", ({ currentTime }) => {
    state.chapter = chapterAt(state.chapters, currentTime);
    if (state.offer > 0 && currentTime > 20) state.offer = 0;
    if (state.offer === 0 && Math.abs(currentTime - saved) >= SAVE) remember();
  });
  on("details", ({ details }) => { if (details?.description) state.description = details.description; });
  on("pause", remember);
  on("ended", () => {
    remember();
    const next = following();
    if (next) beginCountdown(next);
  });
}

function remember() {
  if (!player || shown === null || state.offer > 0) return;
  saved = player.currentTime;
  positions.save(shown, player.currentTime, player.duration);
}

function following() {
  const lessons = state.course?.lessons ?? [];
  const at = lessons.findIndex((one) => one.path === state.item?.path);
  const next = at < 0 ? null : lessons[at + 1];
  return next && state.item && isOpen(next) && (next.free || state.signedIn) ? next : null;
}

function beginCountdown(item) {
  stopCountdown(); // a video can end twice
  state.next = { item, seconds: COUNTDOWN };
  say(`Next: ${item.title}, in ${COUNTDOWN} seconds.`);
  countdown = setInterval(() => {
    const { seconds } = state.next;
    if (seconds > 1) {
      state.next = { item, seconds: seconds - 1 };
      return;
    }
    stopCountdown();
    location.hash = linkTo(item.path);
  }, 1000);
}

function stopCountdown() {
  clearInterval(countdown);
  state.next = null;
}

// Fetches what a video needs before it is opened, so that a click plays sooner.
// It never refreshes the token: pointing at a video is no reason for a request to
// the issuer.
async function prepare(one) {
  if (one.count !== undefined) {
    if (one.lessons === null) await catalog.loadCourse(one).then(take, () => {});
    return;
  }
  if (one === state.item) return;
  if (one.free) {
    if (!one.details) await client.playlists.prepare(playlistOf(one));
    return;
  }
  if (session?.fresh && isOpen(one) && secureCookiesWork()) await client.prepare(one.path, one.details ? null : one.playlist);
}

function refuse(cause) {
  const problem = Problem.from(cause);
  const words = describe(problem.code, { title: state.item?.title, retryAfter: problem.retryAfter, requestId: problem.requestId });
  Object.assign(state, { opening: false, problem: words, offer: 0 });
  stopCountdown();
  say(`${words.heading}. ${words.text}`);
  greet();
  if (problem.code === "not_entitled") refreshEntitlements();
}

function say(text) {
  Object.assign(state, { status: text, warning: false });
}

function caution(text) {
  Object.assign(state, { status: text, warning: true });
}

// The viewer.

function greet() {
  state.signedIn = session?.signedIn ?? false;
  state.viewer = session?.viewer ?? "";
}

/** Resolves to whether it is known what the viewer may watch. If not, what was known stays. */
async function refreshEntitlements() {
  if (!session.signedIn) {
    state.entitlements = EVERYTHING;
    return true;
  }
  try {
    state.entitlements = await loadEntitlements(client.call);
    unsure = false;
  } catch {
    unsure = true;
    greet(); // the session may have expired
  }
  return !unsure;
}

/** Whether the viewer may watch something, as far as the page knows. */
function isOpen(one) {
  return one.free || state.signedIn && covers(state.entitlements, one);
}

function markOf(one) {
  if (one.free) return { kind: "free", text: "Free" };
  if (isOpen(one)) return { kind: "open", text: "Included" };
  if (one.price && one.paymentLink) return { kind: "locked", text: one.price };
  return { kind: "locked", text: state.signedIn ? "Not part of your plan" : "Sign in to watch" };
}

/** The lesson with which a viewer goes on in a course; begun says whether it is not the first look. */
function nextOf({ lessons }) {
  if (!lessons?.length) return null;
  const last = lessons.findIndex((one) => one.path === positions.last(lessons.map(({ path }) => path)));
  if (last >= 0) {
    const watched = positions.of(lessons[last].path)?.done;
    return { ...lessons[watched ? Math.min(last + 1, lessons.length - 1) : last], begun: true };
  }
  return { ...(lessons.find(isOpen) ?? lessons[0]), begun: false };
}

async function signIn() {
  state.leaving = true;
  say("Opening the sign-in page…");
  try {
    await session.begin(state.item?.path ?? state.course?.path ?? "");
  } catch (cause) {
    state.leaving = false;
    if (state.view === "watch") refuse(cause);
    else caution(describe(Problem.from(cause).code).text);
  }
}

async function signOut() {
  state.leaving = true;
  remember();
  player?.close();
  say("Signing out…");
  const cleared = await client.close().catch(() => false);
  const outcome = cleared ? "signed_out_now" : "signed_out_cookies_remain";
  try {
    shared.setItem(LEFT, String(Date.now())); // a new value each time: tabs get changes only
  } catch {
    // It is full.
  }
  const next = await session.end();
  if (next) {
    browser.sessionStorage.setItem(LEFT, outcome);
    globalThis.location.assign(next);
    return;
  }
  state.leaving = false;
  leavePremium(outcome);
}

// After a sign-out: leaves what was premium, and says why.
async function leavePremium(code) {
  client.rest();
  client.forget();
  greet();
  await refreshEntitlements();
  if (state.view === "watch" && !state.item.free) {
    if (location.hash === linkTo("") || location.hash === "") await route({ start: false });
    else location.hash = linkTo("");
    await nextTick();
  }
  setTimeout(() => say(describe(code).text));
}

// After the redirect from the issuer's logout.
function sayGoodbye() {
  const code = browser.sessionStorage.getItem(LEFT);
  browser.sessionStorage.removeItem(LEFT);
  if (code && !session.signedIn) say(describe(code).text);
}
