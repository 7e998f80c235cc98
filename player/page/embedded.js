// One video in a frame of another site: plays what its address names, and says
// in words why it does not.
import { createCatalog, sourceOf } from "./catalog.js";
import { createClient } from "./element/core.js";
import { describe } from "./element/words.js";
import "./element/premium-video.js";
import { linkTo, pathOf } from "./routes.js";
import { createSession } from "./signin.js";
import { browserOf, createVisitor } from "./visitor.js";

const PREFIX = "/embed/";
// How long the page that shows this one may take to hand in a token before the
// viewer is asked to sign in (ms).
const GREETING = 400;
// Cookies were issued and did not reach the edge, and there are no links.
const BLOCKED = {
  code: "cookies_blocked", heading: "This browser blocks the video's cookies",
  text: "It does not send them from pages of other sites. Open the video on its own site.", action: "",
};

const video = document.querySelector("#video");
const panel = document.querySelector("#panel");
const path = pathOf(`#/${location.pathname.slice(PREFIX.length)}`);

let visitor, client;

// Opened by itself, it is a page of the site like any other.
if (globalThis.top === globalThis) location.replace(`/${path ? linkTo(path) : ""}`);
else start();

async function start() {
  const config = await loadConfig();
  const session = createSession(config.signIn, browserOf(), {
    page: `${location.origin}/signed-in.html`,
  });
  client = createClient({
    premiumPath: config.premiumPath,
    token: (renew) => visitor.token(renew),
    size: () => ({ width: video.clientWidth, height: video.clientHeight }),
  });
  let greeted = false;
  visitor = createVisitor({
    session,
    origins: config.allowedOrigins,
    changed(same) {
      if (!greeted) return;
      if (!same) client.forget();
      // A newer token of the viewer's own changes nothing that plays, nor does
      // any a free video.
      if (panel.hidden && (same || !video.path)) return;
      const rest = panel.hidden && video.paused;
      video.reload();
      if (rest) video.pause();
    },
  });
  video.client = client;
  video.addEventListener("refused", ({ detail }) => refuse(detail));
  video.addEventListener("status", ({ detail }) => { if (detail.code === "opening") hide(); });

  if (path === null || path === "") return say(describe("invalid_path"), []);
  const [item] = await Promise.all([find(config), visitor.meet(GREETING)]);
  greeted = true;
  if (item) show(item);
  else video.path = path;
}

async function loadConfig() {
  let config = {};
  try {
    const response = await fetch("config.json", { cache: "no-cache" });
    if (response.ok) config = await response.json();
  } catch {
    // Free videos play without it.
  }
  return { premiumPath: "premium", allowedOrigins: [], ...config };
}

// What the catalog says about the video; null if it does not list it.
async function find({ premiumPath, sample }) {
  const catalog = createCatalog({ premiumPath, sample: sample === true });
  try {
    await catalog.load();
    let { course, item } = catalog.find(path);
    if (course && !item) {
      course = await catalog.loadCourse(course);
      ({ item } = catalog.find(path));
      item ??= course.path === path ? course.lessons[0] : null;
    }
    return item ?? null;
  } catch {
    return null; // it may be there all the same
  }
}

function show(item) {
  document.title = item.title;
  Object.assign(video, { videoTitle: item.title, poster: item.poster }, sourceOf(item));
}

function refuse({ code, heading, text, action, requestId }) {
  const problem = code === "media_refused" && client.linksOff ? BLOCKED : { code, heading, text, action };
  visitor.refused(problem.code);
  const buttons = [];
  if (problem.action === "sign-in") buttons.push(button("Sign in", "sign-in", signIn));
  if (problem.action === "retry") buttons.push(button("Try again", "retry", () => video.reload()));
  const open = document.createElement("a");
  Object.assign(open, { href: `/${linkTo(path)}`, target: "_blank", rel: "noopener", textContent: `Open on ${location.host}` });
  open.dataset.action = "open";
  say({ ...problem, reference: problem.action === "retry" ? requestId : "" }, [...buttons, open]);
}

function signIn() {
  if (!visitor.signIn(path)) {
    // The page that shows this one forbids windows, or that they know their opener.
    say({ heading: "Sign in in another window", text: `This page cannot follow your sign-in. Open the video on ${location.host} and sign in there.` }, [...panel.querySelectorAll('a[data-action="open"]')]);
  }
}

function say({ heading, text, reference }, buttons) {
  const parts = [["h1", heading], ["p", text]].map(([tag, words]) => Object.assign(document.createElement(tag), { textContent: words }));
  const row = document.createElement("div");
  row.className = "buttons";
  row.append(...buttons);
  parts.push(row);
  if (reference) parts.push(Object.assign(document.createElement("p"), { className: "reference", textContent: `Reference ${reference}` }));
  panel.replaceChildren(...parts);
  panel.hidden = false;
}

function hide() {
  panel.hidden = true;
}

function button(text, action, run) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  made.dataset.action = action;
  made.addEventListener("click", run);
  return made;
}
