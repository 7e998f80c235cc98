// What a viewer has set, for all videos of a site: remembered in the browser, if
// it lets the page.
const KEY = "premium-hls.player";

/**
 * @param {Storage} storage
 * @returns {{get: () => {volume: number, muted: boolean, speed: number, captions: string}, set: (changes: object) => void}}
 */
export function createSettings(storage) {
  const settings = { volume: 1, muted: false, speed: 1, captions: "" };
  try {
    const { volume, muted, speed, captions } = JSON.parse(storage.getItem(KEY) ?? "{}");
    if (volume >= 0 && volume <= 1) settings.volume = volume;
    if (muted === true) settings.muted = true;
    if (speed >= 0.5 && speed <= 2) settings.speed = speed;
    if (typeof captions === "string") settings.captions = captions;
  } catch {
    // What is there cannot be read: the defaults.
  }
  return {
    get: () => settings,
    set(changes) {
      Object.assign(settings, changes);
      try {
        storage.setItem(KEY, JSON.stringify(settings));
      } catch {
        // Full or denied: for this video only.
      }
    },
  };
}
