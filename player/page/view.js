// Renders the state. Events go to act; nothing is decided here.
import { clock, spoken } from "./element/times.js";
import { share } from "./embed.js";
import { html } from "./html.js";
import { purchase } from "./purchase.js";
import { linkTo } from "./routes.js";

export function view(state, act) {
  return html`
    <div class="page">
      <a class="skip" href="#main" onClick=${act.skip}>Skip to the content</a>
      ${header(state, act)}
      <p id="notice" class=${["notice", { unseen: state.notice === "" }]} role="status">${state.notice}</p>
      <main id="main" tabindex="-1" class=${`main main-${state.view}`}>
        ${{ loading, home, course, watch, missing }[state.view](state, act)}
      </main>
      <footer class="footer">
        <p>${state.selling ? "Videos marked Free play without an account." : "Trailers are free. Sign in to watch the rest."}</p>
      </footer>
    </div>`;
}

function header(state, act) {
  return html`
    <header class="header">
      <a class="brand" href=${linkTo("")}>${icon("play")}<span>${state.site}</span></a>
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

function loading(state) {
  return html`<p class="empty" aria-live="polite">Loading the videos…</p>${status(state)}`;
}

// Nothing to show: no video on the site, or none at this address.
function missing(state, act) {
  const { problem } = state;
  return html`
    <section class="nothing">
      <h1 class="title" tabindex="-1">${problem?.heading ?? "There is no such video"}</h1>
      <p class="description">${problem?.text ?? "It may have moved. Choose another one from the list."}</p>
      ${problem
        ? problem.action === "retry" && html`<button type="button" class="button button-strong" onClick=${act.retry}>Try again</button>`
        : html`<a class="button button-strong" href=${linkTo("")}>All courses</a>`}
      ${status(state)}
    </section>`;
}

// The list of courses.

function home(state, act) {
  return html`
    <section class="home" aria-labelledby="courses">
      <h1 id="courses" class="title" tabindex="-1">${state.courses.length > 0 ? "Courses" : "Videos"}</h1>
      ${status(state)}
      <ul class="grid">
        ${state.courses.map((one) => tile(one, act, [
          one.count > 0 && `${one.count} ${one.count === 1 ? "lesson" : "lessons"}`, one.duration > 0 && length(one.duration),
        ].filter(Boolean).join(" · ")))}
        ${state.videos.map((one) => tile(one, act, one.description))}
      </ul>
    </section>`;
}

function tile(one, act, text) {
  return html`
    <li key=${one.path}>
      <a class="tile" href=${linkTo(one.path)} data-path=${one.path} onPointerenter=${() => act.point(one)} onPointerleave=${act.unpoint} onFocus=${() => act.point(one)} onBlur=${act.unpoint}>
        ${thumb(one)}
        <span class="card-title">${one.title}</span>
        <span class="card-description">${text}</span>
        ${mark(one, act)}
      </a>
    </li>`;
}

// A course with its lessons.

function course(state, act) {
  const { course: one } = state;
  const next = act.nextOf(one);
  return html`
    <section class="course" aria-labelledby="title">
      <div class="lead">
        ${one.poster && html`<img class="glow" src=${one.poster} alt="" aria-hidden="true" />`}
        <div class="cover">${one.poster ? html`<img src=${one.poster} alt="" width="640" height="360" />` : icon("play")}</div>
        <div class="about">
          <h1 id="title" class="title" tabindex="-1">${one.title}</h1>
          <p class="facts">${[one.count > 0 && `${one.count} ${one.count === 1 ? "lesson" : "lessons"}`, one.duration > 0 && length(one.duration)].filter(Boolean).join(" · ")}</p>
          ${one.description && html`<p class="description">${one.description}</p>`}
          <div class="actions">
            ${next && html`<a class=${["button", { "button-strong": act.isOpen(next) }]} href=${linkTo(next.path)} data-start>${next.begun ? "Continue" : act.isOpen(one) || !next.free ? "Start" : "Watch the preview"}</a>`}
            ${!act.isOpen(one) && purchase(one, act.context(one))}
            ${!act.isOpen(one) && !one.paymentLink && mark(one, act)}
          </div>
          ${status(state)}
          ${share(one, act.context(one))}
        </div>
      </div>
      <h2 id="lessons">Lessons</h2>
      ${one.lessons === null
        ? html`<p class="empty">Loading the lessons…</p>`
        : html`<ol class="lessons" aria-labelledby="lessons">${one.lessons.map((lesson, at) => row(lesson, state, act, at + 1))}</ol>`}
    </section>`;
}

function row(item, state, act, number) {
  const position = act.positionOf(item);
  return html`
    <li key=${item.path}>
      <a class="card" href=${linkTo(item.path)} data-path=${item.path} aria-current=${item.path === state.item?.path ? "true" : null}
        onClick=${(event) => act.choose(item, event)} onPointerenter=${() => act.point(item)} onPointerleave=${act.unpoint} onFocus=${() => act.point(item)} onBlur=${act.unpoint}>
        ${thumb(item, position)}
        <span class="card-text">
          <span class="card-title">${number > 0 && html`<span class="number">${number}. </span>`}${item.title}</span>
          <span class="card-description">${item.description}</span>
          ${mark(item, act)}
          ${position?.done && html`<span class="unseen">Watched. </span>`}
          ${position && !position.done && html`<span class="unseen">Watched to ${spoken(position.time)}. </span>`}
        </span>
      </a>
    </li>`;
}

// A video, and what else there is.

function watch(state, act) {
  const { item, problem, course: one } = state;
  return html`
    <section class="stage" aria-label="Video">
      ${item.poster && html`<img class="glow" src=${item.poster} alt="" aria-hidden="true" key=${item.poster} />`}
      <div class="screen">
        <premium-video class="player" ref=${act.hold} aria-busy=${state.opening ? "true" : "false"}>
          ${problem && refusal(state, act)}
          ${!problem && state.offer > 0 && offer(state, act)}
          ${!problem && state.next !== null && upNext(state, act)}
        </premium-video>
      </div>
      <div class="about">
        ${one && html`<p class="trail"><a href=${linkTo(one.path)}>${one.title}</a></p>`}
        <h1 class="title" tabindex="-1">${item.title}</h1>
        ${state.description && html`<p class="description">${state.description}</p>`}
        ${status(state)}
        ${state.chapters.length > 0 && chapters(state, act)}
        ${share(item, act.context(item))}
      </div>
    </section>
    <section class="videos" id="videos" aria-labelledby="videos-heading">
      <h2 id="videos-heading">${one ? "Lessons" : "Videos"}</h2>
      <ul>${(one?.lessons ?? state.videos).map((other, at) => row(other, state, act, one ? at + 1 : 0))}</ul>
    </section>`;
}

function refusal({ problem, item, course: one }, act) {
  const buyable = problem.code === "not_entitled" || problem.code === "signed_out" ? act.buyable(item, one) : null;
  return html`
    <div class="panel" data-problem=${problem.code}>
      <div class="words">
        <h2>${problem.heading}</h2>
        <p>${buyable && problem.code === "not_entitled" ? `Buy “${buyable.title}” to watch it.` : problem.text}</p>
        <div class="buttons">
          ${problem.action === "sign-in" && html`<button type="button" class="button button-strong" onClick=${act.signIn}>Sign in</button>`}
          ${problem.action === "retry" && html`<button type="button" class="button button-strong" onClick=${act.retry}>Try again</button>`}
          ${buyable && purchase(buyable, act.context(buyable))}
        </div>
        ${problem.reference && html`<p class="reference">Reference ${problem.reference}</p>`}
      </div>
    </div>`;
}

// Where the viewer stopped the last time.
function offer({ offer: time }, act) {
  return html`
    <div class="offer" role="group" aria-label="Where you stopped">
      <button type="button" class="button button-strong" data-continue onClick=${act.goOn}>Continue at ${clock(time)}</button>
      <button type="button" class="button" onClick=${act.dismiss}>From the beginning</button>
    </div>`;
}

function upNext({ next }, act) {
  return html`
    <div class="panel next" data-next=${next.item.path}>
      <div class="words">
        <p>Next in ${next.seconds} ${next.seconds === 1 ? "second" : "seconds"}</p>
        <h2>${next.item.title}</h2>
        <div class="buttons">
          <a class="button button-strong" href=${linkTo(next.item.path)}>Play now</a>
          <button type="button" class="button" onClick=${act.stay}>Cancel</button>
        </div>
      </div>
    </div>`;
}

function chapters(state, act) {
  return html`
    <section class="chapters" aria-labelledby="chapters">
      <h2 id="chapters">Chapters</h2>
      <ol>
        ${state.chapters.map((one) => html`
          <li key=${one.start}>
            <button type="button" class="chapter" data-chapter=${one.start} aria-current=${one === state.chapter ? "true" : null} onClick=${() => act.seek(one.start)}>
              <span class="at">${clock(one.start)}</span><span>${one.title}</span>
            </button>
          </li>`)}
      </ol>
    </section>`;
}

// What all views share.

function status(state) {
  return html`<p id="status" class=${["status", { unseen: state.problem && state.view === "watch", warning: state.warning }]} role="status" aria-live="polite">${state.status}</p>`;
}

function thumb(one, position = null) {
  return html`
    <span class="thumb">
      ${one.poster ? html`<img src=${one.poster} alt="" loading="lazy" width="640" height="360" />` : icon("play")}
      ${one.duration > 0 && one.count === undefined && html`<span class="length"><span class="unseen">Length </span>${clock(one.duration)}</span>`}
      ${position && html`<progress class="seen" max="1" value=${position.share} aria-hidden="true"></progress>`}
    </span>`;
}

function mark(one, act) {
  const { kind, text } = act.markOf(one);
  return html`<span class=${["mark", `mark-${kind}`]}>${kind === "locked" && icon("lock")}${text}</span>`;
}

// Hours and minutes, rounded up to a minute.
function length(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const shapes = {
  play: "M8 5.6v12.8a1 1 0 0 0 1.53.85l10.2-6.4a1 1 0 0 0 0-1.7L9.53 4.75A1 1 0 0 0 8 5.6z",
  lock: "M7 10V7a5 5 0 0 1 10 0v3h.5A1.5 1.5 0 0 1 19 11.5v8a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 19.5v-8A1.5 1.5 0 0 1 6.500 10H7zm2 0h6V7a3 3 0 0 0-6 0v3z",
};

function icon(name) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path fill="currentColor" d=${shapes[name]} /></svg>`;
}
