// Renders the state. Events go to act; nothing is decided here.
import { html } from "./html.js";

export function view(state, act) {
  return html`
    <div class="page">
      <a class="skip" href="#videos">Skip to the list of videos</a>
      ${header(state, act)}
      <main class="main">
        ${stage(state, act)}
        ${list(state, act)}
      </main>
      <footer class="footer">
        <p>Trailers are free. Sign in to watch the rest.</p>
      </footer>
    </div>`;
}

function header(state, act) {
  return html`
    <header class="header">
      <p class="brand">${icon("play")}<span>Premium HLS</span></p>
      <div class="account">
        ${state.signedIn
          ? html`
            <p class="viewer"><span class="quiet">Signed in as </span>${state.viewer}</p>
            <button id="sign-out" type="button" class="button" disabled=${state.leaving} onClick=${act.signOut}>Sign out</button>`
          : html`
            <button id="sign-in" type="button" class="button button-strong" disabled=${state.leaving || !state.canSignIn} onClick=${act.signIn}>Sign in</button>`}
      </div>
    </header>`;
}

function stage(state, act) {
  const { video, problem } = state;
  return html`
    <section class="stage" aria-label="Player" aria-busy=${state.opening ? "true" : "false"}>
      ${video?.poster && html`<img class="glow" src=${video.poster} alt="" aria-hidden="true" key=${video.poster} />`}
      <div class=${["screen", { covered: problem || state.opening }]}>
        <div class="holder" ref=${act.hold} inert=${Boolean(problem || state.opening)}></div>
        ${(problem || state.opening) && video?.poster && html`<img class="backdrop" src=${video.poster} alt="" />`}
        ${state.opening && !problem && html`<div class="panel"><span class="spinner" aria-hidden="true"></span></div>`}
        ${problem && refusal(problem, act)}
      </div>
      <div class="about">
        <h1 class="title">${video?.title ?? "Premium HLS"}</h1>
        ${video?.description && html`<p class="description">${video.description}</p>`}
        <p id="status" class=${["status", { unseen: problem, warning: state.warning }]} role="status" aria-live="polite">${state.status}</p>
      </div>
    </section>`;
}

function refusal(problem, act) {
  return html`
    <div class="panel">
      <div class="words">
        <h2>${problem.heading}</h2>
        <p>${problem.text}</p>
        ${problem.action === "sign-in" && html`<button type="button" class="button button-strong" onClick=${act.signIn}>Sign in</button>`}
        ${problem.action === "retry" && html`<button type="button" class="button button-strong" onClick=${act.retry}>Try again</button>`}
        ${problem.reference && html`<p class="reference">Reference ${problem.reference}</p>`}
      </div>
    </div>`;
}

function list(state, act) {
  return html`
    <section class="videos" id="videos" tabindex="-1" aria-labelledby="videos-heading">
      <h2 id="videos-heading">Videos</h2>
      ${state.videos.length === 0
        ? html`<p class="empty">${state.loaded ? "No videos yet." : "Loading the videos…"}</p>`
        : html`<ul>${state.videos.map((video) => item(video, state, act))}</ul>`}
    </section>`;
}

function item(video, state, act) {
  const mark = act.markOf(video);
  return html`
    <li key=${video.path}>
      <button type="button" class="card" data-path=${video.path} aria-current=${video === state.video ? "true" : null} onClick=${() => act.choose(video)} onPointerenter=${() => act.point(video)} onPointerleave=${act.unpoint} onFocus=${() => act.point(video)} onBlur=${act.unpoint}>
        <span class="thumb">
          ${video.poster ? html`<img src=${video.poster} alt="" loading="lazy" width="640" height="360" />` : icon("play")}
        </span>
        <span class="card-text">
          <span class="card-title">${video.title}</span>
          <span class="card-description">${video.description}</span>
          <span class=${["mark", `mark-${mark.kind}`]}>${mark.kind === "locked" && icon("lock")}${mark.text}</span>
        </span>
      </button>
    </li>`;
}

const shapes = {
  play: "M8 5.6v12.8a1 1 0 0 0 1.53.85l10.2-6.4a1 1 0 0 0 0-1.7L9.53 4.75A1 1 0 0 0 8 5.6z",
  lock: "M7 10V7a5 5 0 0 1 10 0v3h.5A1.5 1.5 0 0 1 19 11.5v8a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 19.5v-8A1.5 1.5 0 0 1 6.5 10H7zm2 0h6V7a3 3 0 0 0-6 0v3z",
};

function icon(name) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path fill="currentColor" d=${shapes[name]} /></svg>`;
}
