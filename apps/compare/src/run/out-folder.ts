/** The folder of a comparison: one process at a time, and only a folder that is empty or was made here. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { lockFolder, writeTextFile } from "@modernbert-ts/trainer";
import { ioError } from "@modernbert-ts/training";
import { CompareError } from "../errors.ts";

const markName = "compare.json";
const mark = { made_by: "modernbert compare", version: 1 };

export interface OutFolder extends Disposable {
  readonly path: string;
  readonly records: string;
  /** What sections need while they measure; not kept. */
  readonly work: string;
  /** Fetched corpora. */
  readonly packages: string;
}

/**
 * Makes the folder, or takes up the one of an earlier run; dispose it when done.
 * @throws CompareError on a folder with other files, UserError while another process uses it, DataError of the file system.
 */
export function openOutFolder(path: string): OutFolder {
  const markPath = join(path, markName);
  try {
    if (existsSync(path)) checkFolder(path);
  } catch (error) {
    throw error instanceof CompareError ? error : ioError("compare", path, error);
  }
  const lock = lockFolder(path);
  const within = (name: string): string => join(path, name);
  try {
    if (!existsSync(markPath)) writeTextFile(markPath, `${JSON.stringify(mark, undefined, 2)}\n`);
  } catch (error) {
    lock.release();
    throw error;
  }
  return {
    path,
    records: within("records"),
    work: within("work"),
    packages: within("packages"),
    [Symbol.dispose]: () => lock.release(),
  };
}

function checkFolder(path: string): void {
  if (!statSync(path).isDirectory())
    throw new CompareError(`[compare] expected ${path} to be a folder, got a file: name another --out`);
  const [first] = readdirSync(path);
  if (first === undefined) return;
  if (!existsSync(join(path, markName)))
    throw new CompareError(
      `[compare] expected an empty folder or one of an earlier comparison, got ${path} with ${first}: name another --out`,
    );
  const version = versionOf(join(path, markName));
  if (version !== mark.version)
    throw new CompareError(
      `[compare] expected version ${mark.version} in ${join(path, markName)}, got ${String(version)}: name another --out`,
    );
}

function versionOf(path: string): unknown {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { readonly version?: unknown }).version;
  } catch (error) {
    if (error instanceof SyntaxError) return "no JSON";
    throw error;
  }
}
