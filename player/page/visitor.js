// The viewer of an embedded page. The page that shows it hands in a token, or
// the viewer signs in in a window of this site. Nothing here is stored.
import { Problem } from "./element/problem.js";

// To the page that shows this one, and from it.
const READY = "premium-hls:ready";
const TOKEN = "premium-hls:token";
const SIGNED_IN = "premium-hls:signed-in";
const REFUSED = "premium-hls:refused";
// Between the window of the sign-in and the frame that opened it, both of this
// site.
const TOKENS = "premium-hls:tokens";
const TAKEN = "premium-hls:taken";

const LONGEST = 16_384; // characters of a token
const PATIENCE = 10_000; // ms for the other page to hand in a new token
const SIGN_IN_SIZE = "popup,width=480,height=720";

/**
 * @param {object} options
 * @param {ReturnType<import("./signin.js").createSession>} options.session
 * @param {string[]} options.origins the only origins whose tokens are accepted
 * @param {(same: boolean) => void} options.changed there is another token: of the same viewer, or of another or none
 * @param {object} [options.browser] a window
 * @param {number} [options.patience] ms
 */
export function createVisitor({ session, origins, changed, browser = globalThis, patience = PATIENCE }) {
  const own = browser.location.origin;
  let handed = null; // the token of the page that shows this one
  let waiting = []; // for the next one
  let opened = null; // the window of the sign-in

  browser.addEventListener("message", hear);

  function hear({ data, origin, source }) {
    if (typeof data !== "object" || data === null) return;
    if (data.type === TOKEN && source === browser.parent && source !== browser && origins.includes(origin)) {
      if (data.token !== null && !isToken(data.token)) return;
      if (data.token === handed) return;
      const same = viewerOf(handed) !== "" && viewerOf(handed) === viewerOf(data.token);
      handed = data.token;
      const before = waiting;
      waiting = [];
      for (const done of before) done();
      if (before.length === 0) changed(same);
    } else if (data.type === TOKENS && opened !== null && source === opened && origin === own) {
      opened = null;
      source.postMessage({ type: TAKEN }, own);
      session.adopt(data.tokens);
      tell({ type: SIGNED_IN });
      changed(false);
    }
  }

  // The origin of the page that shows this one; "" if the browser does not say.
  function shownBy() {
    let origin = browser.location.ancestorOrigins?.[0];
    if (!origin) {
      try {
        origin = new URL(browser.document.referrer).origin;
      } catch {
        return "";
      }
    }
    return origins.includes(origin) ? origin : "";
  }

  function tell(message) {
    if (browser.parent === browser) return;
    const known = shownBy();
    for (const origin of known ? [known] : origins) browser.parent.postMessage(message, origin);
  }

  /** Resolves once the page that shows this one has handed in a token other than the last, or has not. */
  function another(time) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waiting = waiting.filter((one) => one !== done);
        resolve();
      };
      const timer = setTimeout(done, time);
      waiting.push(done);
      tell({ type: READY });
    });
  }

  /** The ID token. renew: the last one was rejected, so another one is needed. */
  async function token(renew = false) {
    if (handed === null) return session.token(renew);
    if (!renew) return handed;
    const rejected = handed;
    await another(patience);
    if (handed === rejected) handed = null;
    if (handed === null) throw new Problem("session_ended");
    return handed;
  }

  /**
   * Opens the sign-in in a window, during a click. Returns false if the browser
   * does not open it, or not as one of this page's.
   */
  function signIn(wanted) {
    opened = browser.open(`/signed-in.html#/${wanted}`, "_blank", SIGN_IN_SIZE);
    return opened !== null;
  }

  return {
    token, signIn,
    /** Asks the page that shows this one for a token. Resolves when there is one, or after time (ms). */
    meet: (time) => another(time),
    /** Says why the video does not play. */
    refused: (code) => tell({ type: REFUSED, code }),
    get signedIn() { return handed !== null || session.signedIn; },
  };
}

/**
 * Hands tokens to the frame that opened this window, if it is of this site.
 * Resolves to whether it took them.
 */
export function handOver(tokens, browser = globalThis, patience = 3_000) {
  const { opener } = browser;
  if (!opener) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (taken) => {
      clearTimeout(timer);
      browser.removeEventListener("message", hear);
      resolve(taken);
    };
    const hear = ({ data, origin, source }) => {
      if (source === opener && origin === browser.location.origin && data?.type === TAKEN) done(true);
    };
    const timer = setTimeout(done, patience, false);
    browser.addEventListener("message", hear);
    opener.postMessage({ type: TOKENS, tokens }, browser.location.origin);
  });
}

/** What a session needs of a window. */
export function browserOf(browser = globalThis) {
  return {
    location: browser.location, history: browser.history, sessionStorage: storageOf(browser),
    fetch: (...request) => browser.fetch(...request), // it needs its own this
  };
}

/** Storage that a window may not have: browsers can deny it to frames of other sites. */
export function storageOf(browser = globalThis) {
  try {
    const storage = browser.sessionStorage;
    storage.setItem("premium-hls.probe", "");
    storage.removeItem("premium-hls.probe");
    return storage;
  } catch {
    const values = new Map();
    return {
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => { values.set(key, value); },
      removeItem: (key) => { values.delete(key); },
    };
  }
}

/** The claims of a token, unverified: the API verifies it. None if it cannot be parsed. */
export function claimsOf(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

/** Identifies the viewer of a token; empty without a sub. */
function viewerOf(token) {
  const { iss, sub } = claimsOf(token);
  return typeof sub === "string" ? `${iss} ${sub}` : "";
}

function isToken(value) {
  return typeof value === "string" && value.length <= LONGEST && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value);
}
