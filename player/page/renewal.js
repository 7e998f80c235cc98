// When to ask for cookies again. All times are seconds since the answer arrived,
// measured against its ExpiresIn: the viewer's clock may be wrong by any amount.

/** Never sooner than this after an answer, however short its life. */
export const FLOOR = 5;

// setTimeout fires at once when asked for more than 2^31-1 ms.
const LONGEST = 2 ** 31 / 1000 - 1;

/**
 * How long after an answer to renew: at two thirds of its life, which leaves a
 * third for retries. The floor keeps a page from asking without end when an
 * entitlement is about to stop and each answer lives shorter than the last.
 */
export function planRenewal(expiresIn) {
  return Math.min(Math.max((expiresIn * 2) / 3, FLOOR), LONGEST);
}

/**
 * How long to wait before trying a failed renewal again, or null when the
 * cookies end before that. Doubles from two seconds up to a minute, spread over
 * its upper half so that many pages do not come back at the same moment; never
 * sooner than the server's Retry-After.
 *
 * @param {number} attempt failures before this one, from 0
 * @param {number} remaining seconds until the cookies end
 * @param {number} [retryAfter] seconds
 * @param {() => number} [random] in [0, 1)
 */
export function planRetry(attempt, remaining, retryAfter = 0, random = Math.random) {
  const backoff = Math.min(60, 2 * 2 ** Math.min(attempt, 10));
  const wait = Math.max(backoff * (0.5 + random() / 2), retryAfter);
  return wait < remaining ? wait : null;
}

/**
 * Seconds since the call. A steady clock may stand still while the computer
 * sleeps and a wall clock may be set back; the larger of the two is never too
 * small for either reason alone.
 */
export function stopwatch(wall = () => Date.now(), steady = () => performance.now()) {
  const [wallStart, steadyStart] = [wall(), steady()];
  return () => Math.max(wall() - wallStart, steady() - steadyStart) / 1000;
}
