// The window in which a viewer of an embedded video signs in.
import { Problem } from "./element/problem.js";
import { createSession } from "./signin.js";
import { browserOf, handOver } from "./visitor.js";
import { describe } from "./words.js";

start().catch((cause) => {
  const { heading, text } = describe(Problem.from(cause).code);
  say(heading, text);
});

async function start() {
  const response = await fetch("config.json", { cache: "no-cache" }).catch(() => { throw new Problem("network"); });
  const { signIn } = response.ok ? await response.json() : {};
  const session = createSession(signIn, browserOf(), {
    page: `${location.origin}/signed-in.html`,
  });
  const returned = await session.finish();
  if (!returned) return session.begin(location.hash.slice(2));
  if (await handOver(session.tokens)) {
    session.adopt(null); // they are the frame's now
    close();
    say("You are signed in", "You can close this window.");
    return;
  }
  // The issuer's pages cut this window off from the frame, or it is gone: the
  // site's own page has this tab's tokens.
  location.replace(`/#/${returned.wanted}`);
}

function say(heading, text) {
  const panel = document.querySelector("#panel");
  const [title, words] = [document.createElement("h1"), document.createElement("p")];
  title.textContent = heading;
  words.textContent = text;
  panel.replaceChildren(title, words);
}
