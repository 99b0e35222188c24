/** The folder of a comparison. Only one that is empty or was made here is written to. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeTextFile } from "@modernbert-ts/trainer";
import { ioError } from "@modernbert-ts/training";
import { CompareError } from "../errors.ts";

const markName = "compare.json";
const mark = { made_by: "modernbert compare", version: 1 };

export interface OutFolder {
  readonly path: string;
  readonly records: string;
  /** What sections need while they measure; not kept. */
  readonly work: string;
  /** Fetched corpora. */
  readonly packages: string;
}

/** Makes the folder, or takes up the one of an earlier run. @throws CompareError on a folder with other files, DataError of the file system. */
export function openOutFolder(path: string): OutFolder {
  try {
    if (existsSync(path)) checkFolder(path);
    else mkdirSync(path, { recursive: true });
    if (!existsSync(join(path, markName)))
      writeTextFile(join(path, markName), `${JSON.stringify(mark, undefined, 2)}\n`);
  } catch (error) {
    throw error instanceof CompareError ? error : ioError("compare", path, error);
  }
  return { path, records: join(path, "records"), work: join(path, "work"), packages: join(path, "packages") };
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
