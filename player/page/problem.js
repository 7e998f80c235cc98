// What went wrong, as a code that words.js turns into a sentence. Codes are the
// API's own (its JSON "code") or the page's; both are stable.

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

  /** The Problem that an exception is: anything unexpected is "unexpected". */
  static from(cause) {
    return cause instanceof Problem ? cause : new Problem("unexpected");
  }
}

/** Whether the same request may succeed a little later without the viewer doing anything. */
export function passes(code) {
  return ["network", "keys_unavailable", "unavailable", "too_many_requests", "internal"].includes(code);
}
