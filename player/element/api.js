// Calls the API with the viewer's ID token. Errors are Problems.
import { Problem } from "./problem.js";

const TIMEOUT = 20_000; // ms; longer than the API's own timeout

/**
 * @param {{token: (renew?: boolean) => Promise<string>}} session
 * @param {typeof globalThis.fetch} [fetch]
 * @param {string} [site] the origin of the API, if it is not the page's
 * @returns {(method: string, path: string, body?: object) => Promise<object|null>}
 */
export function createApi(session, fetch = (...request) => globalThis.fetch(...request), site = "") {
  async function once(method, path, body, token) {
    let response;
    try {
      response = await fetch(site + path, {
        method,
        headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) },
        body: body && JSON.stringify(body),
        cache: "no-store",
        // Only the cookies of videos are the API's; it reads none.
        credentials: site === "" ? "same-origin" : path === "/api/cookies" ? "include" : "omit",
        signal: AbortSignal.timeout(TIMEOUT),
      });
    } catch {
      throw new Problem("network");
    }
    if (response.status === 204) return null;
    const content = await response.json().catch(() => null);
    if (response.ok) return content;
    throw refusal(response.status, content, response.headers.get("Retry-After"));
  }

  return async function call(method, path, body) {
    const token = await session.token();
    try {
      return await once(method, path, body, token);
    } catch (cause) {
      if (cause.code !== "unauthenticated") throw cause;
      // The token may have expired meanwhile: one retry with a new one.
      return once(method, path, body, await session.token(true));
    }
  };
}

/** The code in the API's response, or one for the status: API Gateway and CloudFront send no code. */
export function refusal(status, content, retryAfter) {
  const seconds = Number(retryAfter);
  const details = {
    retryAfter: retryAfter !== null && seconds > 0 ? seconds : undefined,
    requestId: typeof content?.requestId === "string" ? content.requestId : undefined,
  };
  if (typeof content?.code === "string") return new Problem(content.code, details);
  const byStatus = { 401: "unauthenticated", 403: "forbidden", 404: "not_found", 429: "too_many_requests" };
  return new Problem(byStatus[status] ?? (status >= 500 ? "unavailable" : "unexpected"), details);
}
