// Every code as words: what happened and what to do. Nothing here names a part
// of the service or a cause that the viewer cannot do anything about.
//
// action is what the page offers beside the words: "sign-in", "retry", or "" for
// nothing.

const sentences = {
  // The viewer.
  signed_out: ["Sign in to watch", (d) => `${d.video} is for members. Sign in, and it starts right away.`, "sign-in"],
  session_ended: ["You have been signed out", () => "Your sign-in has ended. Sign in again to go on watching.", "sign-in"],
  unauthenticated: ["You have been signed out", () => "Your sign-in is no longer accepted. Sign in again to go on watching.", "sign-in"],
  not_entitled: ["Not part of your plan", (d) => `Your plan does not include ${lower(d.video)}. Choose another video, or ask for it to be added.`, ""],
  sign_in_cancelled: ["You are not signed in", () => "The sign-in was stopped before it was done. You can start it again at any time.", "sign-in"],
  sign_in_failed: ["Signing in did not work", () => "The answer from the sign-in page did not belong to this window, so it was not used. Start the sign-in again here.", "sign-in"],
  sign_in_unavailable: ["Signing in does not work right now", () => "The sign-in service did not answer. Try again in a moment.", "sign-in"],
  sign_in_not_set_up: ["Signing in is not set up", () => "This page does not know where to sign in, so it can play free videos only. Whoever runs it has to deploy its settings.", ""],
  insecure_context: ["This address is not secure", () => "Signing in needs an address that begins with https, or localhost. Open the page there.", ""],

  // The signer.
  keys_unavailable: ["Not available right now", (d) => `The service that opens ${lower(d.video)} is not ready. Try again ${later(d)}.`, "retry"],
  unavailable: ["Not available right now", (d) => `The service that opens ${lower(d.video)} did not answer as it should. Try again ${later(d)}.`, "retry"],
  internal: ["Not available right now", (d) => `Something failed on our side. Try again ${later(d)}.`, "retry"],
  too_many_requests: ["A little too fast", (d) => `There were too many requests at once. Try again ${later(d)}.`, "retry"],
  viewer_address_not_ipv4: ["Your network is not supported", () => "Videos are bound to an IPv4 address, and your connection uses another kind. Try another network, or turn off IPv6 or a VPN.", "retry"],
  not_through_distribution: ["Wrong address", () => "The request did not come through the video service. Open the page at its own address and try again.", "retry"],
  invalid_path: ["This video cannot be opened", (d) => `The list of videos gives ${lower(d.video)} an address that is not allowed. Whoever runs this page has to correct it.`, ""],
  forbidden: ["Not allowed", (d) => `You may not open ${lower(d.video)}. Choose another video, or sign in as somebody else.`, ""],

  // The media.
  media_refused: ["This video was refused", (d) => `${d.video} was opened for you, but the video service still refuses it. Try again; if that does not help, sign out and in again.`, "retry"],
  public_media_refused: ["This video was refused", (d) => `The video service does not show ${lower(d.video)} where you are.`, "retry"],
  media_not_found: ["This video is missing", (d) => `${d.video} is listed, but its files are not there. Choose another video.`, "retry"],
  media_unavailable: ["Not available right now", (d) => `The video service could not deliver ${lower(d.video)}. Try again in a moment.`, "retry"],
  media_broken: ["This video cannot be played", (d) => `${d.video} arrived, but this browser cannot play it. Try another browser, or choose another video.`, "retry"],

  // The page.
  network: ["No connection", () => "The network could not be reached. Check the connection, then try again.", "retry"],
  catalog_missing: ["No videos here yet", () => "Put HLS below premium/ in the bucket for viewers who sign in, or below public/ for everybody, and list it in public/catalog.json.", ""],
  catalog_invalid: ["The list of videos cannot be read", () => "The file catalog.json is not in the form that this page expects. Whoever runs this page has to correct it.", ""],
  signed_out_now: ["Signed out", () => "You are signed out.", ""],
  signed_out_elsewhere: ["Signed out", () => "You signed out in another tab.", ""],
  signed_out_cookies_remain: ["Signed out", () => "You are signed out here, but the service could not be told, so this browser may open videos a little longer. On a shared computer, close the browser.", ""],
};

/**
 * @param {string} code
 * @param {{title?: string, retryAfter?: number, requestId?: string}} [details]
 * @returns {{code: string, heading: string, text: string, action: string, reference: string}}
 */
export function describe(code, details = {}) {
  const known = Object.hasOwn(sentences, code);
  const [heading, text, action] = known
    ? sentences[code]
    : ["Something went wrong", () => "This did not work, and the page does not know why. Try again in a moment.", "retry"];
  const video = details.title ? `“${details.title}”` : "This video";
  return {
    code,
    heading,
    text: text({ ...details, video }),
    action,
    // Something that support can look up, only where the viewer cannot help themselves.
    reference: details.requestId && (!known || action === "retry") ? details.requestId : "",
  };
}

/** A problem while the video still plays: what happened, and how long it goes on (seconds). */
export function warn(code, remaining) {
  const left = remaining > 0 ? `It plays for about ${inWords(remaining)} more. ` : "";
  switch (code) {
    case "session_ended":
    case "unauthenticated":
      return `Your sign-in has ended. ${left}Sign in again to watch longer.`;
    case "not_entitled":
      return `Your plan no longer includes this video. ${left}`.trim();
    case "network":
      return `The connection was lost. ${left}It goes on by itself when the connection is back.`;
    default:
      return `The service that keeps this video open does not answer. ${left}The page goes on trying.`;
  }
}

/** All codes that have words of their own. */
export const codes = Object.freeze(Object.keys(sentences));

/** Seconds as a person says them, rounded up: never a time that turns out too early. */
export function inWords(seconds) {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 90) return count(whole, "second");
  const minutes = Math.ceil(whole / 60);
  if (minutes < 90) return count(minutes, "minute");
  return count(Math.ceil(minutes / 60), "hour");
}

function count(n, unit) {
  return `${n} ${unit}${n === 1 ? "" : "s"}`;
}

function later({ retryAfter }) {
  return retryAfter > 0 ? `in ${inWords(retryAfter)}` : "in a moment";
}

// "This video" inside a sentence.
function lower(video) {
  return video === "This video" ? "this video" : video;
}
