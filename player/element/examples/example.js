// The form of the examples. Its address may name the site and the video:
// hls.html?api=https://video.example.com&path=course-1. The token stays out of
// it. A page of your own has the token from its sign-in.
import { describe } from "../core.js";

const form = document.querySelector("form");
const { api, path, token } = form.elements;
const query = new URLSearchParams(location.search);
api.value = query.get("api") ?? "http://localhost:8080";
path.value = query.get("path") ?? "course-1/sample";

/** Calls play with what the viewer has filled in. */
export function onPlay(play) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show("");
    play({ api: api.value, path: path.value, token: token.value.trim() });
  });
}

/** Says why a video does not play. */
export function onRefused(problem) {
  const { heading, text } = describe(problem.code, problem);
  show(`${heading}. ${text}`);
}

function show(text) {
  document.querySelector("[role=alert]").textContent = text;
}
