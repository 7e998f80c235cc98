// Requests for files that a grant opens.

/**
 * Resolves to a folder's lesson.json, which names the newest playlist, captions
 * and chapters, relative to the folder; to null if it has none, as a folder that
 * was made by hand.
 *
 * @param {{folder: string, credentials: RequestCredentials, sign: (address: string) => string}} grant
 * @param {typeof globalThis.fetch} [fetch]
 */
export async function readLesson(grant, fetch = (...request) => globalThis.fetch(...request)) {
  try {
    const response = await fetch(grant.sign(`${grant.folder}lesson.json`), { credentials: grant.credentials });
    return response.ok ? await response.json() : null;
  } catch {
    return null; // the playlist says what is wrong
  }
}

/**
 * Resolves to the status of an address that a grant opens, for players that
 * learn none; 0 if there is no response. It is 403 also where the browser hides
 * it: a refusal of CloudFront itself lacks the headers with which a page of
 * another origin may read it.
 *
 * @param {{credentials: RequestCredentials, sign: (address: string) => string}} grant
 * @param {string} address
 * @param {typeof globalThis.fetch} [fetch]
 */
export async function statusOf(grant, address, fetch = (...request) => globalThis.fetch(...request)) {
  const signed = grant.sign(address);
  const options = { credentials: grant.credentials, cache: "no-store" };
  try {
    return (await fetch(signed, options)).status;
  } catch {
    return fetch(signed, { ...options, mode: "no-cors" }).then(() => 403, () => 0);
  }
}
