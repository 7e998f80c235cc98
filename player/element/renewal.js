// When to renew cookies and when to retry. All times are in seconds since a
// response arrived, since this device's clock may be wrong by any amount.

/** Never sooner than this after a response, however short the cookies' lifetime. */
export const FLOOR = 5;

// setTimeout fires at once if its delay is longer than 2^31-1 ms.
const LONGEST = 2 ** 31 / 1000 - 1;

/**
 * How long after a response to renew: as long as the server says, which spreads
 * viewers whose cookies expire at the same moment. The floor limits requests
 * when an entitlement is about to expire and each response has a shorter
 * lifetime than the last.
 */
export function planRenewal(renewAfter) {
  return Math.min(Math.max(renewAfter, FLOOR), LONGEST);
}

/**
 * How long to wait before a failed renewal is retried, or null if the cookies
 * expire before that is possible. The wait is random, so that pages which
 * failed at the same moment do not return at the same moment: between the
 * server's Retry-After and twice that, or in the upper half of a backoff that
 * doubles from two seconds to a minute, whichever is longer.
 *
 * @param {number} attempt failures before this one, from 0
 * @param {number} remaining seconds until the cookies expire
 * @param {number} [retryAfter] seconds
 * @param {() => number} [random] in [0, 1)
 */
export function planRetry(attempt, remaining, retryAfter = 0, random = Math.random) {
  const backoff = Math.min(60, 2 * 2 ** Math.min(attempt, 10));
  const earliest = Math.max(backoff / 2, retryAfter);
  if (earliest >= remaining) return null;
  return earliest + random() * Math.min(earliest, remaining - earliest);
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
