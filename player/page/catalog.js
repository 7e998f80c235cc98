// Reads the courses and videos of the site: catalog.json, with the courses that
// ingest publishes, videos that were listed by hand, or both, and
// catalog/COURSE.json with a course's lessons.
import { Problem } from "./element/problem.js";

/**
 * @typedef {object} Item what can be played: a lesson, or a video that was listed by hand
 * @property {string} path COURSE/LESSON, or that of a folder
 * @property {string} title
 * @property {string} description
 * @property {string} poster URL or ""
 * @property {boolean} free
 * @property {number} duration seconds, or 0
 * @property {string} details URL of lesson.json, or ""
 * @property {string} folder URL of its folder, with a slash at its end
 * @property {string} playlist below the folder
 * @property {string} price
 * @property {string} paymentLink
 *
 * @typedef {object} Course
 * @property {string} path
 * @property {string} title
 * @property {string} description
 * @property {string} poster
 * @property {boolean} free every lesson is
 * @property {number} duration
 * @property {number} count of lessons
 * @property {string} price
 * @property {string} paymentLink
 * @property {Item[]|null} lessons null until they are loaded
 */

/**
 * @param {object} options
 * @param {string} options.premiumPath
 * @param {boolean} [options.sample] whether the sample's list counts as long as the owner has none
 * @param {typeof globalThis.fetch} [options.fetch]
 */
export function createCatalog({ premiumPath, sample = false, fetch = (...request) => globalThis.fetch(...request) }) {
  let courses = [];
  let videos = [];
  let changed = "";

  async function read(file) {
    let response;
    try {
      response = await fetch(file, { cache: "no-cache" });
    } catch {
      throw new Problem("network");
    }
    if (response.status === 404 || response.status === 403) return null;
    if (!response.ok) throw new Problem("unavailable");
    try {
      return await response.json();
    } catch {
      throw new Problem("catalog_invalid");
    }
  }

  /** Reads the lists. Resolves to whether they have changed. An empty site is a Problem, catalog_missing. */
  async function load() {
    const found = await read("/catalog.json") ?? (sample ? await read("/sample/catalog.json") : null);
    if (found === null) throw new Problem("catalog_missing");
    const made = readCatalog(found, premiumPath);
    if (made.courses.length + made.videos.length === 0) throw new Problem("catalog_missing");
    const text = JSON.stringify(found);
    if (text === changed) return false;
    changed = text;
    ({ videos } = made);
    courses = made.courses.map((course) => ({ ...course, lessons: courses.find((one) => one.path === course.path)?.lessons ?? null }));
    return true;
  }

  /** Reads the lessons of a course. Resolves to the course as find has it then. */
  async function loadCourse({ path }) {
    const found = await read(`/catalog/${encodeURIComponent(path)}.json`);
    const lessons = found === null ? [] : readCourse(found, premiumPath);
    courses = courses.map((one) => (one.path === path ? { ...one, lessons } : one));
    return courses.find((one) => one.path === path);
  }

  /** The course and the item of a path; each is null if there is none. */
  function find(path) {
    const course = courses.find((one) => one.path === path || path.startsWith(`${one.path}/`)) ?? null;
    const item = course?.lessons?.find((one) => one.path === path) ?? videos.find((one) => one.path === path) ?? null;
    return { course, item };
  }

  return { load, loadCourse, find, get courses() { return courses; }, get videos() { return videos; } };
}

/** The URL of the playlist of a video that was listed by hand. */
export function playlistOf(item) {
  return item.folder + escape(item.playlist);
}

/** What <premium-video> needs to play an item. */
export function sourceOf(item) {
  const byHand = item.details === "";
  return {
    path: item.free ? "" : item.path,
    src: item.free && byHand ? playlistOf(item) : "",
    playlist: !item.free && byHand ? item.playlist : "",
    details: item.details || null,
  };
}

/** The courses and videos of a parsed catalog.json. Throws if one has no valid path. */
export function readCatalog(catalog, premiumPath) {
  const { courses = [], videos = [] } = catalog ?? {};
  if (!Array.isArray(courses) || !Array.isArray(videos) || !catalog?.courses && !catalog?.videos) throw new Problem("catalog_invalid");
  return {
    courses: courses.map((course) => {
      if (!plain(course?.path)) throw new Problem("catalog_invalid");
      return {
        ...named(course), free: course.free === true, count: Number.isInteger(course.lessons) ? course.lessons : 0, lessons: null,
      };
    }),
    videos: videos.map((video) => {
      if (!plain(video?.path) || !plain(video.playlist ?? "master.m3u8")) throw new Problem("catalog_invalid");
      const free = video.public === true; // anything else needs cookies
      return {
        ...named(video), free, details: "", playlist: video.playlist ?? "master.m3u8",
        folder: free ? `/${escape(video.path)}/` : `/${escape(premiumPath)}/${escape(video.path)}/`,
      };
    }),
  };
}

/** The lessons of a parsed catalog/COURSE.json, in order. */
export function readCourse(course, premiumPath) {
  if (!Array.isArray(course?.lessons)) throw new Problem("catalog_invalid");
  return course.lessons.map((lesson) => {
    if (!plain(lesson?.path) || !plain(lesson.details)) throw new Problem("catalog_invalid");
    const details = `/${escape(lesson.details)}`;
    const free = lesson.free === true;
    const folder = details.slice(0, details.lastIndexOf("/") + 1);
    if (free === folder.startsWith(`/${escape(premiumPath)}/`)) throw new Problem("catalog_invalid");
    return { ...named(lesson), free, details, folder, playlist: "" };
  });
}

function named(one) {
  return {
    path: one.path,
    title: text(one.title) || one.path,
    description: text(one.description),
    poster: plain(one.poster) ? `/${escape(one.poster)}` : "",
    duration: one.duration > 0 ? one.duration : 0,
    price: text(one.price),
    paymentLink: /^https:\/\//.test(text(one.paymentLink)) ? one.paymentLink : "",
  };
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
