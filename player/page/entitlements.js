// What this viewer may watch, for showing locks only: the signer decides anew
// each time it is asked for cookies.
import { Problem } from "./problem.js";

/** Everything is shown as open where the service keeps no such list. */
export const EVERYTHING = Object.freeze({ all: true, paths: [] });

export async function loadEntitlements(call) {
  try {
    return readEntitlements(await call("GET", "/api/entitlements"));
  } catch (cause) {
    // A lock shown by mistake would be worse than none: the signer refuses anyway.
    if (cause instanceof Problem && ["session_ended", "unauthenticated"].includes(cause.code)) throw cause;
    return EVERYTHING;
  }
}

export function readEntitlements(answer) {
  if (answer?.all === true || !Array.isArray(answer?.paths)) return EVERYTHING;
  return { all: false, paths: answer.paths.map((one) => one?.path).filter((path) => typeof path === "string") };
}

/** Whether video is open to the holder: the path itself, or one above it. */
export function covers(entitlements, video) {
  return video.public || entitlements.all ||
    entitlements.paths.some((path) => video.path === path || video.path.startsWith(`${path}/`));
}
