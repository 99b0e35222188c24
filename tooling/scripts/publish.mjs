/**
 * Publishes the versions that the registry lacks, with provenance: first the native libraries, so that the package that names them never
 * stands there without them, then the packages of the workspace. Called by .github/workflows/release.yml.
 *
 *   node tooling/scripts/publish.mjs FOLDER [--dry-run]
 *
 * FOLDER/<backend>-<platform>/ is what packages/<backend>/scripts/platform-package.mjs made.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { platforms as cpuPlatforms } from "../../packages/backend-cpu/scripts/platforms.mjs";
import { platforms as cudaPlatforms } from "../../packages/backend-cuda/scripts/platforms.mjs";
import { pnpm, step } from "./steps.mjs";

const [folder, ...options] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const { version } = read(new URL("../../packages/backend-cpu/package.json", import.meta.url));

const names = [
  ...Object.keys(cpuPlatforms).map((platform) => `backend-cpu-${platform}`),
  ...Object.keys(cudaPlatforms).map((platform) => `backend-cuda-${platform}`),
];
const libraries = names.map((name) => {
  const path = resolve(folder, name);
  const manifest = read(join(path, "package.json"));
  if (manifest.version !== version)
    throw new Error(`expected ${manifest.name} of version ${version}, got ${manifest.version}`);
  return { path, name: manifest.name };
});
const publish = ["publish", "--access", "public", "--provenance", "--no-git-checks", ...options];

for (const { path, name } of libraries) {
  if (spawnSync("npm", ["view", `${name}@${version}`, "version"], { encoding: "utf8" }).stdout.trim() === version)
    continue;
  step(`publish ${name}`, [...pnpm, ...publish, path]);
}
step("publish the packages", [...pnpm, "--recursive", ...publish]);
if (!options.includes("--dry-run")) step("tags", [...pnpm, "changeset", "tag"]);
