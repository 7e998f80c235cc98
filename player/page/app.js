// Connects the parts: what the viewer does, what follows from it, and what the
// page shows.
import { loadCatalog } from "./catalog.js";
import { createClient } from "./element/core.js";
import { covers, EVERYTHING, loadEntitlements } from "./entitlements.js";
import { createPlayback } from "./playback.js";
import { Problem } from "./element/problem.js";
import { secureCookiesWork } from "./securecookies.js";
import { createSession } from "./signin.js";
import { createApp, shallowReactive } from "./vendor/vue.js";
import { view } from "./view.js";
import { describe, warn } from "./words.js";

const LEFT = "premium-hls.left"; // for other tabs, and for this page after the issuer's logout

// After a refusal the cookies are requested again. A second refusal is final,
// unless the video played this long (seconds) in between.
const MENDED = 10;

// How long a viewer points at a video before it is prepared (ms): a pointer that
// crosses the list prepares nothing.
const POINTED = 65;

const state = shallowReactive({
  loaded: false,
  videos: [],
  video: null,
  opening: false,
  problem: null,
  status: "",
  warning: false,
  signedIn: false,
  viewer: "",
  canSignIn: false,
  leaving: false,
  entitlements: EVERYTHING,
});

let session, client, playback;
let turn = 0; // counts choices, so that a late response to an earlier choice is dropped
let mendedAt = null; // the position at which the last refusal was mended
let holder = null;
let pointed = 0;

const act = {
  hold(element) { holder = element; },
  markOf,
  choose: (video) => open(video, { start: true }),
  point(video) {
    clearTimeout(pointed);
    pointed = setTimeout(() => prepare(video), POINTED);
  },
  unpoint() { clearTimeout(pointed); },
  retry: () => (state.video ? open(state.video, { start: true }) : globalThis.location.reload()),
  signIn,
  signOut,
};

createApp({ render: () => view(state, act) }).mount("#app");
start();

async function start() {
  const config = await loadConfig();
  session = createSession(config.signIn);
  client = createClient({
    premiumPath: config.premiumPath,
    token: (renew) => session.token(renew),
    size: () => ({ width: holder.clientWidth, height: holder.clientHeight }),
    playing: () => playback.playing,
    onTrouble: (problem, remaining) => { greet(); caution(warn(problem.code, remaining)); },
    onRenewed: () => say(`Playing ${state.video.title}.`),
  });
  playback = createPlayback(holder, {
    playing: () => { client.awaken(); say(`Playing ${state.video.title}.`); },
    paused: () => say(`${state.video.title} is paused.`),
    ready: () => { if (!playback.playing && !state.status) say(`${state.video.title} is ready. Press play.`); },
    ended: () => say(`${state.video.title} has ended.`),
    progress: (time) => { if (mendedAt !== null && time > mendedAt + MENDED) mendedAt = null; },
    refused: mend,
    trouble: (code) => caution(code === "network" ? "The connection is interrupted. Retrying." : "Part of the video failed to load. Retrying."),
    failed: refuse,
  }, client.playlists);
  state.canSignIn = Boolean(config.signIn?.clientId);

  let returned = null;
  let failure = null;
  try {
    returned = await session.finish();
  } catch (cause) {
    failure = Problem.from(cause);
  }
  greet();
  try {
    state.videos = await loadCatalog(config.premiumPath, config.sample === true);
  } catch (cause) {
    state.loaded = true;
    refuse(failure ?? cause);
    return;
  }
  state.loaded = true;
  // Not awaited: from here on the viewer may choose a video, which the first one
  // must not replace.
  refreshEntitlements();

  const wanted = state.videos.find((video) => video.path === returned?.wanted);
  const first = wanted ?? state.videos.find((video) => video.public) ?? state.videos[0];
  await open(first, { start: Boolean(wanted) });
  if (failure) refuse(failure);
  else if (returned && !wanted) say(`Signed in as ${state.viewer}.`);
  else sayGoodbye();
  listen();
}

async function loadConfig() {
  try {
    const response = await fetch("config.json", { cache: "no-cache" });
    if (response.ok) return { premiumPath: "premium", ...(await response.json()) };
  } catch {
    // Public videos play without it.
  }
  return { premiumPath: "premium" };
}

function listen() {
  // Timers stop while a computer sleeps or a tab is frozen.
  const awake = () => { if (document.visibilityState === "visible") client.awaken(); };
  document.addEventListener("visibilitychange", awake);
  for (const name of ["pageshow", "focus", "online"]) globalThis.addEventListener(name, awake);
  globalThis.addEventListener("storage", async ({ key, newValue }) => {
    if (key !== LEFT || !newValue || !session.signedIn) return;
    client.forget();
    await session.end();
    leavePremium("signed_out_elsewhere");
  });
}

async function open(video, { start }) {
  const mine = ++turn;
  client.rest();
  playback.close();
  mendedAt = null;
  Object.assign(state, { video, problem: null, opening: false });
  document.title = `${video.title} – Premium HLS`;
  if (video.public) {
    say("");
    playback.open(video, { start });
    return;
  }
  if (!session.signedIn) {
    refuse(new Problem("signed_out"));
    return;
  }
  if (!secureCookiesWork()) {
    refuse(new Problem("insecure_cookies"));
    return;
  }
  state.opening = true;
  say(`Opening ${video.title}…`);
  try {
    const grant = await client.open(video.path);
    if (mine !== turn) return;
    state.opening = false;
    say("");
    client.keep(grant);
    playback.open(video, { start });
  } catch (cause) {
    if (mine !== turn) return;
    state.opening = false;
    refuse(cause);
  }
}

// Fetches what a video needs before it is opened, so that a click plays sooner.
// It never refreshes the token: pointing at a video is no reason for a request to
// the issuer.
async function prepare(video) {
  if (video === state.video) return;
  if (!video.public) {
    if (!session?.fresh || !covers(state.entitlements, video) || !secureCookiesWork()) return;
    if (!(await client.prepare(video.path))) return;
  }
  await client.playlists.prepare(video.url);
}

// A refused playlist or segment: the cookies may have expired unnoticed, so they
// are requested again once.
async function mend() {
  const { video } = state;
  if (video.public) return refuse(new Problem("public_media_refused"));
  if (mendedAt !== null) return refuse(new Problem("media_refused"));
  const mine = turn;
  mendedAt = playback.time;
  say(`Reopening ${video.title}…`);
  try {
    client.playlists.forget();
    const grant = await client.open(video.path, { renew: true });
    if (mine !== turn) return;
    client.keep(grant);
    playback.reopen();
  } catch (cause) {
    if (mine === turn) refuse(cause);
  }
}

function refuse(cause) {
  const problem = typeof cause === "string" ? new Problem(cause) : Problem.from(cause);
  turn++;
  client?.rest();
  playback.close();
  const words = describe(problem.code, {
    title: state.video?.title,
    retryAfter: problem.retryAfter,
    requestId: problem.requestId,
  });
  state.opening = false;
  state.problem = words;
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

function greet() {
  state.signedIn = session?.signedIn ?? false;
  state.viewer = session?.viewer ?? "";
}

async function refreshEntitlements() {
  if (!session.signedIn) {
    state.entitlements = EVERYTHING;
    return;
  }
  try {
    state.entitlements = await loadEntitlements(client.call);
  } catch {
    greet(); // the session has expired
  }
}

function markOf(video) {
  if (video.public) return { kind: "free", text: "Free" };
  if (!state.signedIn) return { kind: "locked", text: "Sign in to watch" };
  return covers(state.entitlements, video)
    ? { kind: "open", text: "Included" }
    : { kind: "locked", text: "Not part of your plan" };
}

async function signIn() {
  state.leaving = true;
  say("Opening the sign-in page…");
  try {
    await session.begin(state.video?.path);
  } catch (cause) {
    state.leaving = false;
    refuse(cause);
  }
}

async function signOut() {
  state.leaving = true;
  turn++;
  playback.close();
  say("Signing out…");
  const cleared = await client.close().catch(() => false);
  const outcome = cleared ? "signed_out_now" : "signed_out_cookies_remain";
  localStorage.setItem(LEFT, String(Date.now())); // a new value each time: tabs get changes only
  const next = await session.end();
  if (next) {
    sessionStorage.setItem(LEFT, outcome);
    globalThis.location.assign(next);
    return;
  }
  state.leaving = false;
  leavePremium(outcome);
}

// After a sign-out: shows a public video, and why.
async function leavePremium(code) {
  client.playlists.forget();
  greet();
  await refreshEntitlements();
  const first = state.videos.find((video) => video.public) ?? state.videos[0];
  if (first) await open(first, { start: false });
  say(describe(code).text);
}

// After the redirect from the issuer's logout.
function sayGoodbye() {
  const code = sessionStorage.getItem(LEFT);
  sessionStorage.removeItem(LEFT);
  if (code && !session.signedIn) say(describe(code).text);
}
