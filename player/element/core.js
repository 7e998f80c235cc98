// The player without its element: what opens and renews videos, for players of
// your own.
export { createClient } from "./client.js";
export { readLesson, statusOf } from "./files.js";
export { Problem } from "./problem.js";
export { codes, describe, inWords, warn } from "./words.js";
