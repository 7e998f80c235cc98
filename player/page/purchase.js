// The button with which a viewer buys a course, and the return from the payment.
import { shallowReactive } from "./vendor/vue.js";
import { claimsOf } from "./visitor.js";

// How long to wait for the payment's event before each look (seconds): it comes
// within moments as a rule, and Stripe retries for longer than a viewer waits.
const WAITS = [1, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60];

const state = shallowReactive({ busy: "", failed: "" }); // paths

/**
 * @param {import("./catalog.js").Course|import("./catalog.js").Item} item
 * @param {object} context
 * @returns {object|null} a vnode
 */
export function purchase(item, context) {
  const { session, entitled, html } = context;
  if (entitled || !item.paymentLink) return null;
  return html`
    <button type="button" class="button button-strong" data-buy disabled=${state.busy !== ""} onClick=${() => buy(item, context)}>
      ${state.busy === item.path ? "Opening the payment…" : `Buy${item.price ? ` for ${item.price}` : ""}`}
    </button>
    ${!session.signedIn && html`<span class="quiet" data-buy-hint>You sign in or create an account first.</span>`}
    ${state.failed === item.path && html`<span role="alert" data-buy-failed>The payment could not be opened. Try again in a moment.</span>`}`;
}

// Goes to the payment link. A viewer without an account makes one first, so that
// the purchase is theirs whatever address they type at the payment, and comes
// back here.
async function buy(item, { config, session, call }, browser = globalThis) {
  Object.assign(state, { busy: item.path, failed: "" });
  try {
    if (!session.signedIn) return await session.begin(item.path);
    const { reference } = config.stripe ? await call("POST", "/api/purchases", { path: item.path }) : {};
    browser.location.assign(paymentURL(item.paymentLink, { reference, email: emailOf(await session.token()) }));
  } catch {
    state.failed = item.path;
  } finally {
    state.busy = "";
  }
}

/** A payment link for a viewer (Stripe docs, "Customize payment links with URL parameters"). */
export function paymentURL(link, { reference, email }) {
  const url = new URL(link);
  if (url.protocol !== "https:") throw new Error("a payment link must be https");
  if (reference) url.searchParams.set("client_reference_id", reference);
  if (email) url.searchParams.set("prefilled_email", email);
  return url.href;
}

/** The address in an ID token, or "". It only saves typing: the API trusts no page. */
export function emailOf(idToken) {
  const { email } = claimsOf(idToken);
  return typeof email === "string" ? email : "";
}

/** Whether the viewer comes back from a payment. The address says so no longer. */
export function paid({ location, history } = globalThis) {
  const url = new URL(location.href);
  if (url.searchParams.get("purchase") !== "done") return false;
  url.searchParams.delete("purchase");
  history.replaceState(null, "", url.href);
  return true;
}

/**
 * What a viewer is told who comes back from a payment, while the page looks.
 *
 * @param {{signedIn: boolean, look: () => Promise<boolean>, say: (text: string) => void, caution: (text: string) => void}} page
 */
export async function welcome({ signedIn, look, say, caution }, wait = pause) {
  if (!signedIn) return say("Thank you. Sign in to watch what you bought.");
  say("Thank you. Waiting for the payment to be confirmed…");
  if (await arrival(look, wait)) say("Your purchase has arrived.");
  else caution("The payment has not been confirmed yet. What you bought opens here as soon as it is.");
}

/**
 * Looks until what was bought is open. Resolves to whether it is.
 *
 * @param {() => Promise<boolean>} look
 */
export async function arrival(look, wait = pause) {
  if (await look()) return true;
  for (const seconds of WAITS) {
    await wait(seconds * 1000);
    if (await look()) return true;
  }
  return false;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
