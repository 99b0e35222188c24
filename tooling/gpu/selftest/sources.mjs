/** A checksum of all sources that a bundle is made of. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Sources of the packages, their fixtures, and the tools. */
const folders = ["packages", "tooling/gpu", "tooling/bench"];
const ignored = new Set(["node_modules", "dist", "build", "generated", ".turbo", "results", "__pycache__"]);

export function sourcesChecksum(repository) {
  const hash = createHash("sha256");
  for (const folder of folders) addFolder(hash, repository, folder);
  return hash.digest("hex");
}

function addFolder(hash, repository, folder) {
  const entries = readdirSync(join(repository, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (ignored.has(entry.name) || entry.name.endsWith(".tsbuildinfo")) continue;
    if (entry.isDirectory()) addFolder(hash, repository, path);
    else if (entry.isFile())
      hash
        .update(`${path}\0`)
        .update(readFileSync(join(repository, path)))
        .update("\0");
  }
}
