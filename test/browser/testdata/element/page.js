// What the tests of <premium-video> do with it. Nothing here knows its insides,
// but for at and middle, which find what a viewer points at.
import "/element/premium-video.js";

globalThis.events = []; // of the element: [name, detail]
globalThis.violations = []; // of the content security policy
globalThis.tokens = 0; // how often the element asked for one

addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));

/** Puts an element with these properties and attributes into the page. */
globalThis.show = ({ token, attributes = {}, ...properties }) => {
  const element = document.createElement("premium-video");
  for (const name of ["opening", "ready", "playing", "pause", "ended", "refused", "status", "chapters", "renewed"]) {
    element.addEventListener(name, ({ detail }) => events.push([name, detail]));
  }
  if (token !== undefined) element.token = () => { tokens++; return globalThis.token ?? token; };
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  Object.assign(element, properties);
  element.id = "video";
  document.querySelector("main").append(element);
  globalThis.video = element;
};

/** The element's own part that a selector finds. */
globalThis.at = (selector) => video.shadowRoot.querySelector(selector);

/** Whether a viewer sees the part. */
globalThis.seen = (selector) => at(selector)?.checkVisibility({ opacityProperty: true, visibilityProperty: true }) ?? false;

/** A place in the part, in pixels of the window: its middle if the shares are missing. */
globalThis.place = (selector, x = 0.5, y = 0.5) => {
  const box = at(selector).getBoundingClientRect();
  return [box.x + box.width * x, box.y + box.height * y];
};

/** The part that has the focus. */
globalThis.focused = () => video.shadowRoot.activeElement;

/** The last event with a name. */
globalThis.last = (name) => events.findLast(([one]) => one === name)?.[1] ?? null;
globalThis.ready = true;
