// The snippet with which another site shows a video, where the owner lets other
// sites do so.
import { shallowReactive } from "./vendor/vue.js";

const state = shallowReactive({ copied: "" }); // a path

/** The HTML of a frame with a video. */
export function snippet({ path, title }, host) {
  const address = `https://${host}/embed/${path.split("/").map(encodeURIComponent).join("/")}`;
  const quoted = title.replace(/[&"<>]/g, (c) => `&#${c.charCodeAt(0)};`);
  return `<iframe src="${address}" title="${quoted}" width="640" height="360"
  style="aspect-ratio: 16 / 9; width: 100%; height: auto; border: 0" loading="lazy"
  allow="autoplay; fullscreen; picture-in-picture; encrypted-media"></iframe>`;
}

/**
 * @param {{path: string, title: string}} item
 * @param {object} context
 * @returns {object|null} a vnode
 */
export function share(item, { config, html, location = globalThis.location }) {
  if (!(config.allowedOrigins?.length > 0)) return null;
  const text = snippet(item, location.host).replace(/^(<iframe src=")https:/, `$1${location.protocol}`);
  return html`
    <details class="share">
      <summary>Share</summary>
      <p>This shows the video on ${config.allowedOrigins.length === 1 ? config.allowedOrigins[0] : `these sites: ${config.allowedOrigins.join(", ")}`}.</p>
      <pre tabindex="0"><code data-snippet>${text}</code></pre>
      <button type="button" class="button" onClick=${() => copy(item.path, text)}>${state.copied === item.path ? "Copied" : "Copy"}</button>
    </details>`;
}

async function copy(path, text) {
  try {
    await navigator.clipboard.writeText(text);
    state.copied = path;
  } catch {
    // The browser does not allow it: the viewer selects the text.
  }
}
