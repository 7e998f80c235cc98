// Lets Node load the page's modules: their imports from vendor/ are resolved to
// the npm packages that vendor.json names, as the deploy copies them.
import { existsSync, readFileSync } from "node:fs";
import { register } from "node:module";

const player = new URL("../", import.meta.url);
const vendor = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(new URL("vendor.json", player))))
    .map(([to, from]) => [new URL(`page/${to}`, player).href, new URL(`node_modules/${from}`, player).href]),
);
if (!existsSync(new URL("node_modules", player))) throw new Error("to run this test, run npm ci in player/");

register(`data:text/javascript,${encodeURIComponent(`
  const vendor = ${JSON.stringify(vendor)};
  export async function resolve(specifier, context, next) {
    const url = context.parentURL && specifier.startsWith(".") ? new URL(specifier, context.parentURL).href : specifier;
    return next(vendor[url] ?? specifier, context);
  }
`)}`);
