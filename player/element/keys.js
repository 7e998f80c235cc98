// What a key does in the player: one table for the player and its documentation.

const SKIP = 5; // seconds
const JUMP = 10;

/**
 * The action of a key: a name and a value, or null.
 *
 * @param {{key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean}} event
 * @returns {[string, number?]|null}
 */
export function actionOf({ key, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return null;
  if (/^[0-9]$/.test(key)) return ["seekTo", Number(key) / 10];
  switch (key.length === 1 ? key.toLowerCase() : key) {
    case " ": case "k": case "MediaPlayPause": return ["toggle"];
    case "ArrowLeft": return ["seekBy", -SKIP];
    case "ArrowRight": return ["seekBy", SKIP];
    case "j": return ["seekBy", -JUMP];
    case "l": return ["seekBy", JUMP];
    case "Home": return ["seekTo", 0];
    case "End": return ["seekTo", 1];
    case "ArrowUp": return ["volumeBy", 0.1];
    case "ArrowDown": return ["volumeBy", -0.1];
    case "m": return ["mute"];
    case "f": return ["fullscreen"];
    case "c": return ["captions"];
    case "<": return ["speedBy", -1];
    case ">": return ["speedBy", 1];
    default: return null;
  }
}
