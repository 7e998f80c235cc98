// The text for every code: what happened and what to do. No text names a part
// of the service or a cause that the viewer can do nothing about.
//
// action is the button below the text: "sign-in", "retry", or "" for none.

export const sentences = {
  // The viewer.
  signed_out: ["Sign in to watch", (d) => `Sign in to watch ${lower(d.video)}. It starts as soon as you have signed in.`, "sign-in"],
  session_ended: ["You are signed out", () => "Your session has expired. Sign in again to continue watching.", "sign-in"],
  unauthenticated: ["You are signed out", () => "Your session is no longer valid. Sign in again to continue watching.", "sign-in"],
  not_entitled: ["Not part of your plan", (d) => `Your plan does not include ${lower(d.video)}. Choose another video, or ask to have it added.`, ""],
  insecure_cookies: ["This browser needs https", () => "This browser does not send secure cookies over http, so videos for members cannot play here. Open the page at its https address, or use another browser.", "retry"],

  // The API.
  keys_unavailable: ["Not available right now", (d) => `The service that unlocks ${lower(d.video)} is not ready. Try again ${later(d)}.`, "retry"],
  entitlements_unavailable: ["Not available right now", (d) => `We could not check whether your plan includes ${lower(d.video)}. Try again ${later(d)}.`, "retry"],
  unavailable: ["Not available right now", (d) => `The service that unlocks ${lower(d.video)} did not respond correctly. Try again ${later(d)}.`, "retry"],
  internal: ["Not available right now", (d) => `Something failed on our side. Try again ${later(d)}.`, "retry"],
  too_many_requests: ["Too many requests", (d) => `There were too many requests in a short time. Try again ${later(d)}.`, "retry"],
  viewer_address_not_ipv4: ["Your network is not supported", () => "Videos are bound to an IPv4 address, and your connection uses IPv6. Use another network, or turn off IPv6 or your VPN.", "retry"],
  not_through_distribution: ["Wrong address", () => "The request did not pass through the video service. Open the page at its own address and try again.", "retry"],
  invalid_path: ["This video cannot be opened", (d) => `The list of videos has an invalid path for ${lower(d.video)}. The site's owner must correct it.`, ""],
  forbidden: ["Not allowed", (d) => `You are not allowed to watch ${lower(d.video)}. Choose another video, or sign in with another account.`, ""],

  // The media.
  media_refused: ["This video was refused", (d) => `You have access to ${lower(d.video)}, but the video service refused it. Try again. If it is refused again, sign out and sign in.`, "retry"],
  public_media_refused: ["This video was refused", (d) => `The video service refused ${lower(d.video)}. It may not be available in your country.`, "retry"],
  media_not_found: ["This video is missing", (d) => `${d.video} is in the list, but its files are missing. Choose another video.`, "retry"],
  media_unavailable: ["Not available right now", (d) => `The video service could not deliver ${lower(d.video)}. Try again in a moment.`, "retry"],
  media_broken: ["This video cannot be played", (d) => `This browser cannot play ${lower(d.video)}. Use another browser, or choose another video.`, "retry"],
  links_off: ["This video cannot be played here", () => "This video cannot play on this page or device. Open it on its own site.", ""],

  // Both.
  network: ["No connection", () => "The network request failed. Check your connection, then try again.", "retry"],
};

/**
 * The text for a code.
 *
 * @param {string} code
 * @param {{title?: string, retryAfter?: number, requestId?: string}} [details]
 * @param {typeof sentences} [texts] by code
 * @returns {{code: string, heading: string, text: string, action: string, reference: string}}
 */
export function describe(code, details = {}, texts = sentences) {
  const known = Object.hasOwn(texts, code);
  const [heading, text, action] = known
    ? texts[code]
    : ["Something went wrong", () => "An unexpected error occurred. Try again in a moment.", "retry"];
  const video = details.title ? `“${details.title}”` : "This video";
  return {
    code,
    heading,
    text: text({ ...details, video }),
    action,
    // For support; only if the viewer cannot solve the problem alone.
    reference: details.requestId && (!known || action === "retry") ? details.requestId : "",
  };
}

/** A problem while the video still plays: what happened, and how long it continues (seconds). */
export function warn(code, remaining) {
  const left = remaining > 0 ? `The video plays for about ${inWords(remaining)} more. ` : "";
  switch (code) {
    case "session_ended":
    case "unauthenticated":
      return `Your session has expired. ${left}Sign in again to continue watching.`;
    case "not_entitled":
      return `Your plan no longer includes this video. ${left}`.trim();
    case "network":
      return `The connection is lost. ${left}Playback continues when the connection is back.`;
    default:
      return `The service that unlocks this video does not respond. ${left}The page keeps trying.`;
  }
}

/** All codes that have a text. */
export const codes = Object.freeze(Object.keys(sentences));

/** Seconds in words, rounded up. */
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
