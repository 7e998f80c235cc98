// Lets Node load the page's modules: their imports from vendor/ are resolved to
// the npm packages that vendor.json names, and those from element/ to the
// player element, as the deploy copies them.
import { existsSync, readFileSync } from "node:fs";
import { register } from "node:module";

const player = new URL("../", import.meta.url);
const vendor = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(new URL("vendor.json", player))))
    .map(([to, from]) => [new URL(to.startsWith("element/") ? to : `page/${to}`, player).href, new URL(`node_modules/${from}`, player).href]),
);
const element = { from: new URL("page/element/", player).href, to: new URL("element/", player).href };
if (!existsSync(new URL("node_modules", player))) throw new Error("to run this test, run npm ci in player/");

register(`data:text/javascript,${encodeURIComponent(`
  const vendor = ${JSON.stringify(vendor)};
  const element = ${JSON.stringify(element)};
  export async function resolve(specifier, context, next) {
    const url = context.parentURL && specifier.startsWith(".") ? new URL(specifier, context.parentURL).href : specifier;
    return next(vendor[url] ?? (url.startsWith(element.from) ? element.to + url.slice(element.from.length) : specifier), context);
  }
`)}`);
