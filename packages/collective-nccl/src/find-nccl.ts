/** Where NCCL may be: what the environment names, else the loader's and pip's. */
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const fileName = "libnccl.so.2";

/** Names and paths in the order in which they are tried. */
export function ncclPlaces(env: NodeJS.ProcessEnv = process.env, home: string = homedir()): readonly string[] {
  const asked = env["MODERNBERT_NCCL_LIBRARY"];
  if (asked) return [asked];
  const prefixes = [env["VIRTUAL_ENV"], env["CONDA_PREFIX"], join(home, ".local"), "/usr/local", "/usr"];
  const packages = prefixes.flatMap((prefix) => (prefix ? packageFolders(join(prefix, "lib")) : []));
  return [fileName, ...packages.map((folder) => join(folder, "nvidia", "nccl", "lib", fileName))];
}

/** Of the Pythons in a folder. */
function packageFolders(lib: string): string[] {
  let names: string[];
  try {
    names = readdirSync(lib);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.startsWith("python3"))
    .flatMap((name) => ["site-packages", "dist-packages"].map((folder) => join(lib, name, folder)));
}
