// The addresses of courses and lessons: #/COURSE and #/COURSE/LESSON. They are in
// the fragment, so that the page is one file for CloudFront.

/** The address of a path, relative to the page; "" is the list of courses. */
export function linkTo(path) {
  return `#/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** The path in a fragment: "" if it has none, null if it is not a path. */
export function pathOf(hash) {
  if (hash === "" || hash === "#" || hash === "#/") return "";
  if (!hash.startsWith("#/")) return null;
  try {
    const segments = hash.slice(2).replace(/\/$/, "").split("/").map(decodeURIComponent);
    return segments.every((one) => one !== "" && one !== "." && one !== ".." && !one.includes("/")) ? segments.join("/") : null;
  } catch {
    return null;
  }
}
