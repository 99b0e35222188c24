/** Modules of the API have the names under which they are imported. */
import { readFileSync } from "node:fs";
import { Converter, ReflectionKind } from "typedoc";

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, reflection) => {
    if (reflection.kindOf(ReflectionKind.Module)) reflection.name = importName(reflection.name);
  });
}

/** @param {string} path Of a package's folder and file, such as `packages/pipelines/src/worker`. */
function importName(path) {
  const [, folder, inside] = /^((?:packages|apps)\/[^/]+)\/src(?:\/(.+))?$/.exec(path) ?? [];
  if (folder === undefined) return path;
  const { name } = JSON.parse(readFileSync(new URL(`../${folder}/package.json`, import.meta.url), "utf8"));
  return inside === undefined ? name : `${name}/${inside}`;
}
