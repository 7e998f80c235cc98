// An error as a code, for which words.js has a text. Codes are those of the API
// (the field "code" of its JSON) or of the page; both are stable.

export class Problem extends Error {
  /**
   * @param {string} code
   * @param {{retryAfter?: number, requestId?: string}} [details] retryAfter in seconds
   */
  constructor(code, { retryAfter, requestId } = {}) {
    super(code);
    this.name = "Problem";
    this.code = code;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }

  /** cause if it is a Problem, else a Problem with the code "unexpected". */
  static from(cause) {
    return cause instanceof Problem ? cause : new Problem("unexpected");
  }
}

/** Whether the same request may succeed later without an action of the viewer. */
export function passes(code) {
  return ["network", "keys_unavailable", "entitlements_unavailable", "unavailable", "too_many_requests", "internal"].includes(code);
}
