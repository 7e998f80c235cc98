// What this viewer is entitled to, to show locks only: the signer checks each
// request for cookies again.
/** Shows every video as open, for a service without such a list. */
export const EVERYTHING = Object.freeze({ all: true, paths: [] });

/** What the viewer is entitled to. The error is that of the request: what was known before stays. */
export async function loadEntitlements(call) {
  try {
    return readEntitlements(await call("GET", "/api/entitlements"));
  } catch (cause) {
    if (cause.code === "not_found") return EVERYTHING;
    throw cause;
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
