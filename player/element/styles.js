// The player's styles, as a sheet that a content security policy without inline
// styles allows. Sizes are in em of a text size that follows the player's width,
// so that it fits 320 pixels and a television.
export const styles = `
:host {
  display: block;
  position: relative;
  aspect-ratio: 16 / 9;
  background: #06070a;
  color: #f3f1ec;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif;
  line-height: 1.4;
  --accent: var(--premium-accent, #ffc681);
  --on-accent: var(--premium-on-accent, #241500);
  --panel: #11141a;
}
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.frame {
  position: absolute;
  inset: 0;
  overflow: hidden;
  container-type: inline-size;
  outline: none;
  -webkit-tap-highlight-color: transparent;
}
.room { position: absolute; inset: 0; font-size: clamp(14px, 9px + 0.55cqw, 30px); }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
.idle video, .idle .shade { cursor: none; }
.poster { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; pointer-events: none; }
.shade {
  position: absolute;
  inset: 0;
  background: linear-gradient(to top, rgb(6 7 10 / 0.82), rgb(6 7 10 / 0.28) 5.5em, rgb(6 7 10 / 0) 9em);
  transition: opacity 0.25s;
}
button {
  display: inline-grid;
  place-items: center;
  padding: 0;
  border: 0;
  border-radius: 0.45em;
  background: none;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
svg { display: block; width: 1.6em; height: 1.6em; }
:focus-visible { outline: 0.16em solid var(--accent); outline-offset: -0.16em; }

.cues { position: absolute; inset: 0.6em 1em 5.2em; pointer-events: none; transition: bottom 0.2s; }
.idle .cues { bottom: 0.8em; }
.cues > div { position: absolute; inset: 0 0 auto; font-size: max(1em, 2.6cqw); line-height: 1.35; text-align: center; text-wrap: balance; }
.cues > .bottom { inset: auto 0 0; }
.cues p { margin: 0.15em 0 0; white-space: pre-line; }
.cues span { padding: 0.1em 0.4em; border-radius: 0.2em; background: rgb(6 7 10 / 0.8); box-decoration-break: clone; -webkit-box-decoration-break: clone; }
/* Safari draws its captions itself. */
.frame:has(.room:not(.idle)) video::-webkit-media-text-track-container { transform: translateY(-4.5em); }

.big {
  position: absolute;
  left: 50%;
  top: 50%;
  width: 4.6em;
  height: 4.6em;
  margin: -2.3em 0 0 -2.3em;
  border-radius: 50%;
  background: var(--accent);
  color: var(--on-accent);
  transition: transform 0.15s;
}
.big svg { width: 2.5em; height: 2.5em; }
.big:hover { transform: scale(1.06); }
.big:focus-visible { outline: 0.2em solid #fff; outline-offset: 0.2em; }

.spinner {
  position: absolute;
  left: 50%;
  top: 50%;
  width: 3.2em;
  height: 3.2em;
  margin: -1.6em 0 0 -1.6em;
  border: 0.2em solid rgb(255 255 255 / 0.25);
  border-top-color: var(--accent);
  border-radius: 50%;
  pointer-events: none;
  animation: turn 0.9s linear infinite;
}
@keyframes turn { to { transform: rotate(1turn); } }

.bar {
  position: absolute;
  inset: auto 0 0 0;
  padding: 0 0.75em 0.35em;
  transition: opacity 0.25s;
}
.idle .bar, .idle .shade { opacity: 0; }
.idle .bar { pointer-events: none; }
.row { display: flex; align-items: center; gap: 0.1em; }
.row > button { width: 2.75em; height: 2.75em; flex: none; }
.row > button:hover, .volume:hover > button { background: rgb(255 255 255 / 0.14); }
.row > button.on { position: relative; color: var(--accent); }
.row > button.on::after { content: ""; position: absolute; left: 0.6em; right: 0.6em; bottom: 0.3em; height: 0.15em; border-radius: 0.1em; background: currentColor; }
.time { margin-left: 0.4em; font-size: 0.95em; font-variant-numeric: tabular-nums; white-space: nowrap; }
.time .of { color: #c9c7c1; }
.chapter {
  flex: 1;
  min-width: 0;
  margin-left: 0.9em;
  padding-left: 0.9em;
  border-left: 1px solid rgb(255 255 255 / 0.3);
  font-size: 0.95em;
  color: #e4e2dc;
  overflow: hidden;
  white-space: nowrap;
  text-overflow: ellipsis;
}
.chapter:empty { border: 0; }
.volume { display: flex; align-items: center; }
.volume > button { width: 2.75em; height: 2.75em; }
.level { position: relative; width: 0; height: 2.75em; overflow: hidden; transition: width 0.15s; cursor: pointer; touch-action: none; border-radius: 0.3em; }
.volume:hover .level, .level:focus-visible { width: 5em; margin: 0 0.3em; }
.level .line, .seek .line { position: absolute; left: 0; right: 0; top: 50%; height: 0.3em; margin-top: -0.15em; border-radius: 0.15em; background: rgb(255 255 255 / 0.3); overflow: hidden; }
.level .full { position: absolute; inset: 0; background: #fff; transform-origin: left; }

.seek { position: relative; height: 1.7em; cursor: pointer; touch-action: none; border-radius: 0.3em; outline-offset: 0; }
.seek .line { transition: height 0.12s, margin 0.12s; }
.seek:hover .line, .seek:focus-visible .line, .scrubbing .line { height: 0.5em; margin-top: -0.25em; }
.seek .buffered, .seek .played { position: absolute; inset: 0; transform: scaleX(0); transform-origin: left; }
.seek .buffered { background: rgb(255 255 255 / 0.32); }
.seek .played { background: var(--accent); }
.seek .mark { position: absolute; top: 0; bottom: 0; width: 0.2em; margin-left: -0.1em; background: #06070a; }
.seek .knob {
  position: absolute;
  top: 50%;
  left: 0;
  width: 1em;
  height: 1em;
  margin: -0.5em 0 0 -0.5em;
  border-radius: 50%;
  background: var(--accent);
  box-shadow: 0 0 0 0.12em rgb(6 7 10 / 0.35);
}
.preview {
  position: absolute;
  left: 0;
  bottom: 100%;
  display: flex;
  flex-direction: column;
  align-items: center;
  gap: 0.35em;
  padding-bottom: 0.35em;
  pointer-events: none;
  width: max-content;
  max-width: 14em;
  text-align: center;
}
.preview .cell { position: relative; overflow: hidden; border-radius: 0.4em; border: 0.12em solid rgb(255 255 255 / 0.85); background: #06070a; }
.preview .cell img { position: absolute; left: 0; top: 0; max-width: none; transform-origin: 0 0; }
.preview .label { padding: 0.15em 0.6em; border-radius: 0.35em; background: rgb(6 7 10 / 0.85); font-size: 0.9em; overflow-wrap: anywhere; }
.preview .label b { font-variant-numeric: tabular-nums; }

.menu {
  position: absolute;
  right: 0.75em;
  bottom: 5.2em;
  min-width: 12em;
  max-width: calc(100% - 1.5em);
  max-height: calc(100% - 6.2em);
  overflow: auto;
  padding: 0.4em;
  border-radius: 0.75em;
  background: var(--panel);
  box-shadow: 0 0.6em 2em rgb(0 0 0 / 0.5);
}
.menu h2 { margin: 0; padding: 0.5em 0.8em 0.3em; font-size: 0.82em; font-weight: 600; color: #a9adb8; }
.menu .group + .group { margin-top: 0.3em; border-top: 1px solid rgb(255 255 255 / 0.12); }
.menu button { display: flex; align-items: center; gap: 0.6em; width: 100%; min-height: 2.6em; padding: 0.35em 0.8em; text-align: left; }
.menu button:hover, .menu button:focus-visible { background: rgb(255 255 255 / 0.12); }
.menu button svg { width: 1.15em; height: 1.15em; flex: none; visibility: hidden; }
.menu button[aria-checked="true"] svg { visibility: visible; color: var(--accent); }
.menu button .at { margin-left: auto; padding-left: 1.5em; color: #a9adb8; font-variant-numeric: tabular-nums; }
.menu .options { display: flex; flex-wrap: wrap; gap: 0.25em; padding: 0 0.4em 0.4em; }
.menu .options button { width: auto; min-width: 3.4em; justify-content: center; border: 1px solid rgb(255 255 255 / 0.16); border-radius: 2em; padding: 0 0.7em; }
.menu .options button svg { display: none; }
.menu .options button[aria-checked="true"] { border-color: var(--accent); color: var(--accent); }

.note {
  position: absolute;
  left: 0.9em;
  top: 0.9em;
  max-width: calc(100% - 1.8em);
  padding: 0.45em 0.9em;
  border-radius: 0.5em;
  background: rgb(6 7 10 / 0.85);
  font-size: 0.95em;
}
.note:empty { display: none; }
.remote { position: absolute; inset: 0; display: grid; place-items: center; padding: 1em; text-align: center; background: #101319; font-size: 1.1em; pointer-events: none; }

slot { display: contents; }
.refusal { position: absolute; inset: 0; display: grid; place-items: safe center; overflow: auto; padding: 1em; font-size: clamp(13px, 9px + 0.9cqw, 30px); text-align: center; background: rgb(6 7 10 / 0.78); }
.refusal > div { max-width: 34em; }
.refusal h2 { margin: 0; font-size: 1.5em; line-height: 1.2; }
.refusal p { margin: 0.5em 0 0; color: #dddad3; }
.refusal button { margin-top: 1em; min-height: 2.75em; padding: 0 1.5em; border-radius: 2em; background: var(--accent); color: var(--on-accent); font-weight: 600; }
.refusal .reference { font-size: 0.8em; overflow-wrap: anywhere; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@container (max-width: 30rem) {
  .chapter { visibility: hidden; margin: 0; padding: 0; border: 0; }
  .level, .picture { display: none; }
  .time .of { display: none; }
  .bar { padding: 0 0.6em 0.2em; }
  .menu { right: 0.35em; bottom: 0.35em; min-width: 10em; max-width: calc(100% - 3em); max-height: calc(100% - 0.7em); padding: 0.2em; }
  .menu button { min-height: 2.3em; }
  .menu h2 { padding: 0.3em 0.8em 0.2em; }
  .menu .options button { padding: 0 0.5em; min-width: 2.9em; }
}
@container (max-width: 24rem) {
  .row { gap: 0; }
  .row > button { flex: 0 1 2.4em; width: 2.4em; min-width: 0; }
  .volume > button { width: 2.4em; }
  .time { margin-left: 0.1em; }
}
/* What is pressed with a finger. */
@media (pointer: coarse) {
  .level { display: none; }
  .seek { height: 2.2em; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before { transition: none !important; }
  .spinner { animation-duration: 4s; }
}
@media (forced-colors: active) {
  .shade { background: none; }
  .bar { background: Canvas; }
  .seek .line, .level .line { border: 1px solid CanvasText; }
  .seek .mark { background: CanvasText; }
  .row > button.on::after { background: Highlight; }
  .seek .played, .level .full, .seek .knob { background: Highlight; forced-color-adjust: none; }
  .menu, .preview .label, .note { border: 1px solid CanvasText; }
  .menu button[aria-checked="true"] { outline: 2px solid Highlight; }
}
`;
