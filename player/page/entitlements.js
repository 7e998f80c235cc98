// What this viewer is entitled to, to show locks only: the signer checks each
// request for cookies again.
import { Problem } from "./element/problem.js";

/** Shows every video as open, for a service without such a list. */
export const EVERYTHING = Object.freeze({ all: true, paths: [] });

export async function loadEntitlements(call) {
  try {
    return readEntitlements(await call("GET", "/api/entitlements"));
  } catch (cause) {
    // A wrong lock is worse than a missing one: the signer refuses in any case.
    if (cause instanceof Problem && ["session_ended", "unauthenticated"].includes(cause.code)) throw cause;
    return EVERYTHING;
  }
}

export function readEntitlements(content) {
  if (content?.all === true || !Array.isArray(content?.paths)) return EVERYTHING;
  return { all: false, paths: content.paths.map((one) => one?.path).filter((path) => typeof path === "string") };
}

/** Whether entitlements include a video: its path or a path above it. */
export function covers(entitlements, video) {
  return video.free || entitlements.all ||
    entitlements.paths.some((path) => video.path === path || video.path.startsWith(`${path}/`));
}
