// Reads the videos of catalog.json and their URLs.
import { Problem } from "./element/problem.js";

/**
 * Reads catalog.json, which is missing until the owner uploads it. Until then a
 * site with the sample shows the sample's own catalog.
 */
export async function loadCatalog(premiumPath, sample = false, fetch = globalThis.fetch) {
  let response;
  try {
    response = await fetch("catalog.json", { cache: "no-cache" });
    if (sample && response.status === 404) response = await fetch("sample/catalog.json", { cache: "no-cache" });
  } catch {
    throw new Problem("network");
  }
  if (response.status === 404 || response.status === 403) throw new Problem("catalog_missing");
  if (!response.ok) throw new Problem("unavailable");
  let catalog;
  try {
    catalog = await response.json();
  } catch {
    throw new Problem("catalog_invalid");
  }
  return readCatalog(catalog, premiumPath);
}

/** The videos of a parsed catalog. Throws if one has no valid path or playlist. */
export function readCatalog(catalog, premiumPath) {
  if (!Array.isArray(catalog?.videos)) throw new Problem("catalog_invalid");
  if (catalog.videos.length === 0) throw new Problem("catalog_missing");
  return catalog.videos.map((video) => {
    if (!plain(video?.path) || !plain(video.playlist ?? "master.m3u8")) throw new Problem("catalog_invalid");
    const playlist = video.playlist ?? "master.m3u8";
    const open = video.public === true; // anything else needs cookies
    return {
      path: video.path,
      title: text(video.title) || video.path,
      description: text(video.description),
      public: open,
      poster: plain(video.poster) ? `/${escape(video.poster)}` : "",
      url: open
        ? `/${escape(video.path)}/${escape(playlist)}`
        : `/${escape(premiumPath)}/${escape(video.path)}/${escape(playlist)}`,
    };
  });
}

// A path below the site's root: without a leading or double slash, which could
// make it another host's address, and without "." and ".." segments.
function plain(path) {
  return typeof path === "string" && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function escape(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

function text(value) {
  return typeof value === "string" ? value : "";
}
