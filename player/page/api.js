// Calls of the signer's API with the viewer's ID token, and its refusals as
// Problems.
import { Problem } from "./problem.js";

const TIMEOUT = 20_000; // ms; longer than the API may take

/**
 * @param {{token: (renew?: boolean) => Promise<string>}} session
 * @returns {(method: string, path: string, body?: object) => Promise<object|null>}
 */
export function createApi(session, fetch = globalThis.fetch) {
  async function once(method, path, body, token) {
    let response;
    try {
      response = await fetch(path, {
        method,
        headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) },
        body: body && JSON.stringify(body),
        cache: "no-store",
        credentials: "same-origin",
        signal: AbortSignal.timeout(TIMEOUT),
      });
    } catch {
      throw new Problem("network");
    }
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => null);
    if (response.ok) return answer;
    throw refusal(response.status, answer, response.headers.get("Retry-After"));
  }

  return async function call(method, path, body) {
    const token = await session.token();
    try {
      return await once(method, path, body, token);
    } catch (cause) {
      if (cause.code !== "unauthenticated") throw cause;
      // The clock or the key set may have moved on: one try with a new token.
      return once(method, path, body, await session.token(true));
    }
  };
}

/** The API's own code where it gives one; the gateway before it gives only a status. */
export function refusal(status, answer, retryAfter) {
  const seconds = Number(retryAfter);
  const details = {
    retryAfter: retryAfter !== null && seconds > 0 ? seconds : undefined,
    requestId: typeof answer?.requestId === "string" ? answer.requestId : undefined,
  };
  if (typeof answer?.code === "string") return new Problem(answer.code, details);
  const byStatus = { 401: "unauthenticated", 403: "forbidden", 404: "not_found", 429: "too_many_requests" };
  return new Problem(byStatus[status] ?? (status >= 500 ? "unavailable" : "unexpected"), details);
}
