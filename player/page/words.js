// The texts of the page, beside those of the player.
import { describe as describeWith, sentences as known } from "./element/words.js";

export { inWords, warn } from "./element/words.js";

const sentences = {
  ...known,

  sign_in_cancelled: ["You are not signed in", () => "The sign-in was canceled. You can sign in at any time.", "sign-in"],
  sign_in_failed: ["Sign-in failed", () => "The response from the sign-in page is not valid for this tab. Sign in again.", "sign-in"],
  sign_in_unavailable: ["Sign-in is not available", () => "The sign-in service did not respond correctly. Try again in a moment.", "sign-in"],
  sign_in_not_set_up: ["Sign-in is not set up", () => "This page has no sign-in settings, so only free videos play. The site's owner must deploy config.json.", ""],
  insecure_context: ["This address is not secure", () => "Sign-in needs an address that begins with https:// or http://localhost. Open the page there.", ""],
  catalog_missing: ["No videos yet", () => "Please come back later. If this is your site: upload videos, and list them in public/catalog.json.", ""],
  catalog_invalid: ["The list of videos is invalid", () => "The file catalog.json does not have the expected format. The site's owner must correct it.", ""],
  signed_out_now: ["Signed out", () => "You are signed out.", ""],
  signed_out_elsewhere: ["Signed out", () => "You signed out in another tab.", ""],
  signed_out_cookies_remain: ["Signed out", () => "You are signed out, but clearing the video cookies failed, so this browser may play videos until they expire. On a shared computer, close the browser.", ""],
};

/** As the player's own, with the codes of the page. */
export function describe(code, details) {
  return describeWith(code, details, sentences);
}

/** All codes that have a text. */
export const codes = Object.freeze(Object.keys(sentences));
