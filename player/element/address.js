// Where a grant plays: the URL of the playlist, and what its other files need.

// The parameters of a link (docs/links.md). LINK is for playlists only.
const LINK = "l";
const SIGNATURE = ["Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"];
const PLAYLIST = ".m3u8";
const SIGNED_PLAYLIST = ".link.m3u8";

/**
 * What a player needs to know of a grant.
 *
 * @param {{mode: string, path: string, response: object}} grant
 * @param {object} site
 * @param {string} site.origin of the video
 * @param {boolean} site.own whether that is the page's own
 * @param {string} site.premiumPath
 * @param {string} [playlist] below the path
 * @returns {{folder: string, url: string, credentials: RequestCredentials, sign: (address: string) => string}}
 */
export function addressOf(grant, { origin, own, premiumPath }, playlist = "master.m3u8") {
  const folder = `${origin}/${escape(premiumPath)}/${escape(grant.path)}/`;
  if (grant.mode === "cookies") {
    return { folder, url: folder + escape(playlist), credentials: own ? "same-origin" : "include", sign: (address) => address };
  }
  const link = new URL(grant.response.url);
  // On the local run without TLS the site is at http, and links are https.
  if (link.host === new URL(origin).host) link.protocol = new URL(origin).protocol;
  return { folder, url: link.href, credentials: "omit", sign: signer(link, new URL(folder)) };
}

/** Gives addresses below folder, and no others, the signature of link, in place of one that they have. */
function signer(link, folder) {
  const mine = pairs(link.search);
  return (address) => {
    const url = new URL(address, folder);
    if (url.origin !== link.origin || !url.pathname.startsWith(folder.pathname)) return address;
    const isPlaylist = url.pathname.endsWith(PLAYLIST);
    if (isPlaylist && !url.pathname.endsWith(SIGNED_PLAYLIST)) {
      url.pathname = url.pathname.slice(0, -PLAYLIST.length) + SIGNED_PLAYLIST;
    }
    const others = pairs(url.search).filter(([name]) => name !== LINK && !SIGNATURE.includes(name));
    const signature = mine.filter(([name]) => SIGNATURE.includes(name) || isPlaylist && name === LINK);
    // Not URLSearchParams: it escapes the ~ of CloudFront's base64.
    url.search = [...others, ...signature].map((pair) => pair.join("=")).join("&");
    return url.href;
  };
}

function pairs(search) {
  return search.slice(1).split("&").filter(Boolean).map((pair) => {
    const [name, ...value] = pair.split("=");
    return [name, value.join("=")];
  });
}

/** Escapes a path, segment by segment. */
export function escape(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

/**
 * Whether cookies of site are probably first-party on a page: a browser knows by
 * its list of public suffixes, which no script can read. Two hosts count as one
 * site if their last two labels are the same. Where that is wrong (example.co.uk
 * beside video.co.uk) the edge refuses the cookies that the browser withheld, and
 * the player asks for a link.
 *
 * @param {URL|Location} site
 * @param {URL|Location} page
 */
export function isNear(site, page) {
  if (site.protocol !== page.protocol) return false;
  if (site.hostname === page.hostname) return true;
  const [a, b] = [site.hostname.split("."), page.hostname.split(".")];
  const isAddress = /^[\d.]+$|:/.test(site.hostname);
  return !isAddress && a.length > 1 && a.slice(-2).join(".") === b.slice(-2).join(".");
}
