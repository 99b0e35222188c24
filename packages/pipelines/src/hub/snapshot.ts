/**
 * What a snapshot of the cache says of files that are not in it. Those that its commit does not have are marked by empty files in
 * `.no_exist/COMMIT`, as Python's huggingface_hub does; of all others it is not known.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { diskFolder } from "@modernbert-ts/safetensors/node";
import { vectorFiles } from "../folder/uncertain.ts";
import type { ModelFolder } from "../folder/uncertain.ts";
import { exists } from "./cache.ts";
import { written } from "./errors.ts";

/** The commit whose snapshot in the cache a folder is; undefined for any other folder. */
export function snapshotCommit(folder: string): string | undefined {
  const path = resolve(folder);
  const name = basename(path);
  return basename(dirname(path)) === "snapshots" && /^[0-9a-f]{40}$/.test(name) ? name : undefined;
}

/** A model's folder on disk; of a snapshot it knows which settings of vectors may be missing. */
export async function openFolder(path: string): Promise<ModelFolder> {
  const folder = diskFolder(path);
  if (snapshotCommit(path) === undefined) return folder;
  // A repository without modules.json is none of sentence-transformers; one with it says there where its pooling is.
  if (await exists(absenceMark(path, "modules.json"))) return folder;
  const listed = await exists(join(path, "modules.json"));
  const uncertain: string[] = [];
  for (const file of vectorFiles) {
    if (listed && file === "1_Pooling/config.json") continue;
    const known = (await exists(join(path, file))) || (await exists(absenceMark(path, file)));
    if (!known) uncertain.push(file);
  }
  return { ...folder, uncertain };
}

/** Remembers that a snapshot's commit has no such files. @throws WriteError */
export async function markAbsent(snapshot: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const mark = absenceMark(snapshot, file);
    if (await exists(mark)) continue;
    await written(mark, mkdir(dirname(mark), { recursive: true }));
    await written(mark, writeFile(mark, ""));
  }
}

function absenceMark(snapshot: string, file: string): string {
  return join(resolve(snapshot, "../.."), ".no_exist", basename(resolve(snapshot)), file);
}
