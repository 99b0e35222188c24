/** A bundle's manifest: the commit, a checksum of the sources and of each file. A bundle that does not fit is refused. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { sourcesChecksum } from "./sources.mjs";

const name = "manifest.json";
/** Made on the box. */
const made = ["results", "node"];

/** @returns {string[]} the bundle's files, relative, in order */
export function bundleFiles(root, folder = root) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (folder === root && [...made, name].includes(entry.name)) return [];
      return entry.isDirectory() ? bundleFiles(root, path) : [relative(root, path)];
    })
    .sort();
}

const sha256 = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

/** @param {object} contents commit, date, and the checksum of `sources` as they were before the bundle was made */
export function writeManifest(root, contents) {
  const files = Object.fromEntries(bundleFiles(root).map((file) => [file, sha256(join(root, file))]));
  const manifest = { ...contents, files };
  writeFileSync(join(root, name), `${JSON.stringify(manifest, null, 1)}\n`);
}

/**
 * @throws Error when a file is missing, changed or one too many, or the bundle lies in a repository whose sources are not those that it was
 * made of
 */
export function checkBundle(root) {
  const advice = "make it again (pnpm gpu:bundle) and copy all of it";
  const path = join(root, name);
  if (!existsSync(path)) throw new Error(`expected ${path}, found none: ${advice}`);
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  const found = new Set(bundleFiles(root));
  for (const [file, checksum] of Object.entries(manifest.files)) {
    if (!found.delete(file)) throw new Error(`expected the bundle to have ${file}, found none: ${advice}`);
    if (sha256(join(root, file)) !== checksum)
      throw new Error(`expected ${file} as it was bundled, found it changed: ${advice}`);
  }
  const [more] = found;
  if (more) throw new Error(`expected no ${more} in the bundle, found it: ${advice}`);
  const repository = repositoryAround(root);
  if (repository && sourcesChecksum(repository) !== manifest.sources)
    throw new Error(`expected the sources of commit ${manifest.commit}, found others in ${repository}: ${advice}`);
}

/** The checkout that the bundle lies in: undefined where it was copied away from it. */
function repositoryAround(folder) {
  const parent = join(folder, "..");
  if (statSync(parent).ino === statSync(folder).ino) return undefined;
  return existsSync(join(parent, "packages/backend-cuda/package.json")) ? parent : repositoryAround(parent);
}
