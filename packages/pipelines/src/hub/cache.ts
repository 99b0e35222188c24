/**
 * The standard cache, laid out as Python's huggingface_hub does (blobs, snapshots, refs), so that both share what either downloaded.
 * Files appear whole or not at all; two processes that download the same model at once do not disturb each other.
 */
import type { Stats } from "node:fs";
import { mkdir, readFile, rename, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { writeFileAtomic } from "@modernbert-ts/safetensors/node";
import { ModelNotFoundError } from "../errors.ts";
import { cachePath } from "./environment.ts";
import { written } from "./errors.ts";
import type { HubModel } from "./listing.ts";

/** Where the cache keeps a model. */
export function cacheFolder({ name, kind = "models" }: HubModel): string {
  return join(cachePath(), `${kind}--${name.replaceAll("/", "--")}`);
}

/** Where the cache keeps a model's files as they were at a commit. */
export function snapshotFolder(model: HubModel, commit: string): string {
  return join(cacheFolder(model), "snapshots", commit);
}

/** Where the cache keeps file contents by their hash; made where it is missing. */
export async function blobFolder(model: HubModel): Promise<string> {
  const folder = join(cacheFolder(model), "blobs");
  await written(folder, mkdir(folder, { recursive: true }));
  return folder;
}

/** The snapshot that an earlier download of this revision left; it need not be whole. */
export async function cachedSnapshot(model: HubModel): Promise<string> {
  const commit = await readFile(refFile(model), "utf8").then(
    (text) => text.trim(),
    () => model.revision,
  );
  return snapshotFolder(model, commit);
}

/** Remembers which commit a branch or tag stood for. */
export async function rememberCommit(model: HubModel, commit: string): Promise<void> {
  if (commit === model.revision) return;
  const ref = refFile(model);
  await written(ref, mkdir(dirname(ref), { recursive: true }));
  await writeFileAtomic(ref, [Buffer.from(commit)]);
}

/** A link from the snapshot to the blob; where links are not allowed (Windows without the privilege) the file itself moves there. */
export async function linkBlob(blob: string, pointer: string): Promise<void> {
  await written(pointer, mkdir(dirname(pointer), { recursive: true }));
  const linked = symlink(relative(dirname(pointer), blob), pointer).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "EPERM") await rename(blob, pointer);
    else if (error.code !== "EEXIST") throw error;
  });
  await written(pointer, linked);
}

export async function exists(path: string): Promise<boolean> {
  return (await lookAt(path)) !== undefined;
}

/** What is at a path; undefined where nothing is. @throws ModelNotFoundError where that may not be known */
export function lookAt(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EACCES") return undefined;
    throw new ModelNotFoundError(`expected to be allowed to read ${path}, got EACCES: permission denied`);
  });
}

function refFile(model: HubModel): string {
  return join(cacheFolder(model), "refs", model.revision);
}
