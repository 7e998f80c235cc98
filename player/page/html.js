// Templates without a compiler: htm parses tagged templates at run time, without
// eval, into calls of Vue's h, so that the policy needs no 'unsafe-eval'.
import htm from "./vendor/htm.js";
import { h } from "./vendor/vue.js";

export const html = htm.bind(h);
