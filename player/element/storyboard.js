// The pictures above the seek bar: a WebVTT index whose cues are cells of sprites.

const TIME = /(?:(\d+):)?(\d{2}):(\d{2})\.(\d{3})/;
const CUE = new RegExp(`^${TIME.source}\\s+-->\\s+${TIME.source}`);

/**
 * Reads an index. Cues without a cell are skipped.
 *
 * @param {string} text
 * @param {string} base the index's address
 * @returns {{start: number, end: number, url: string, x: number, y: number, width: number, height: number}[]}
 */
export function parseStoryboard(text, base) {
  const lines = text.split(/\r\n|\r|\n/);
  const cells = [];
  for (const [at, line] of lines.entries()) {
    const times = CUE.exec(line);
    if (!times) continue;
    const [uri, fragment = ""] = (lines[at + 1] ?? "").trim().split("#");
    const cell = /(?:^|&)xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)/.exec(fragment);
    if (!uri || !cell) continue;
    const [x, y, width, height] = cell.slice(1).map(Number);
    if (width === 0 || height === 0) continue;
    cells.push({ start: seconds(times.slice(1, 5)), end: seconds(times.slice(5, 9)), url: new URL(uri, base).href, x, y, width, height });
  }
  return cells;
}

/** The cell for a time, or null. */
export function cellAt(cells, time) {
  return cells.find((cell) => time < cell.end && time >= cell.start) ?? (time >= (cells.at(-1)?.end ?? Infinity) ? cells.at(-1) : null);
}

function seconds([h = 0, m, s, ms]) {
  return Number(h ?? 0) * 3600 + Number(m) * 60 + Number(s) + Number(ms) / 1000;
}
