// Whether this browser keeps and sends cookies with the Secure attribute at the
// page's address. Over https all do. At http://localhost Chromium and Firefox
// do, and WebKit (Safari) does not.

const PROBE = "premium-hls-probe";

export function secureCookiesWork({ location, document } = globalThis) {
  if (location.protocol === "https:") return true;
  document.cookie = `${PROBE}=1; Secure; SameSite=Lax; Path=/`;
  const kept = document.cookie.includes(`${PROBE}=1`);
  document.cookie = `${PROBE}=; Secure; SameSite=Lax; Path=/; Max-Age=0`;
  return kept;
}
