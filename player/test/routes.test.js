import assert from "node:assert/strict";
import { test } from "node:test";
import { linkTo, pathOf } from "../page/routes.js";

for (const [hash, path] of [
  ["", ""], ["#", ""], ["#/", ""], ["#/course-1", "course-1"], ["#/course-1/lesson-1", "course-1/lesson-1"], ["#/course-1/", "course-1"],
  ["#/%C3%A9t%C3%A9", "été"], ["#course-1", null], ["#//evil.example", null], ["#/a/../b", null], ["#/a/%2e%2e/b", null], ["#/a%2Fb", null], ["#/%", null],
]) {
  test(`routes: ${hash || "no fragment"} is ${path === null ? "no path" : `“${path}”`}`, () => assert.equal(pathOf(hash), path));
}

for (const path of ["", "course-1", "course-1/lesson-1", "été 1?/a#b"]) {
  test(`routes: the address of “${path}” leads back to it`, () => assert.equal(pathOf(linkTo(path)), path));
}
