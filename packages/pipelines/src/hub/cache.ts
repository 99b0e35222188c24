/**
 * Models of the Hugging Face hub in the standard cache, laid out as Python's huggingface_hub does (blobs, snapshots, refs), so that
 * both share what either downloaded. Each file is checked against the hash that the hub names and appears whole or not at all; two
 * processes that download the same model at once do not disturb each other.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { downloadFile, getHFHubCachePath, listFiles, modelInfo } from "@huggingface/hub";
import type { ListFileEntry } from "@huggingface/hub";
import { writeFileAtomic } from "@modernbert-ts/safetensors/node";

export interface HubModel {
  /** Such as answerdotai/ModernBERT-base. */
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

export interface DownloadOptions {
  /** Which paths of the repository to bring. */
  readonly wanted: (path: string) => boolean;
  /** Called before each file that is not in the cache yet. */
  readonly onDownload?: (path: string, bytes: number) => void;
}

/** The hub gave bytes that are not the file it promised. */
export class DamagedDownloadError extends Error {
  override readonly name = "DamagedDownloadError";
}

/** Where the cache keeps a model. */
export function cacheFolder({ name }: HubModel): string {
  return join(getHFHubCachePath(), `models--${name.replaceAll("/", "--")}`);
}

/** Brings the wanted files that are missing and returns the snapshot's folder; undefined when the repository has none of them. */
export async function downloadSnapshot(model: HubModel, options: DownloadOptions): Promise<string | undefined> {
  const { HF_ENDPOINT: endpoint, HF_TOKEN: accessToken } = process.env;
  const access = { ...(endpoint && { hubUrl: endpoint.replace(/\/+$/, "") }), ...(accessToken && { accessToken }) };
  const info = await modelInfo({ ...model, additionalFields: ["sha"], ...access });
  const revision = hexadecimal(info.sha);
  const repo = { type: "model", name: model.name } as const;
  const folder = cacheFolder(model);
  const snapshot = join(folder, "snapshots", revision);
  let found = false;
  for await (const file of listFiles({ repo, revision, recursive: true, ...access })) {
    if (file.type !== "file" || !options.wanted(file.path)) continue;
    found = true;
    const pointer = join(snapshot, file.path);
    if (await exists(pointer)) continue;
    const blob = join(folder, "blobs", hexadecimal(file.lfs?.oid ?? file.oid));
    await mkdir(dirname(blob), { recursive: true });
    if (!(await exists(blob))) {
      options.onDownload?.(file.path, file.size);
      const content = await downloadFile({ repo, path: file.path, revision, ...access });
      if (!content) throw new DamagedDownloadError(`${file.path} is listed but not there`);
      await writeFileAtomic(blob, verified(content.stream(), file));
    }
    await link(blob, pointer);
  }
  if (!found) return undefined;
  if (revision === model.revision) return snapshot;
  const ref = join(folder, "refs", model.revision);
  await mkdir(dirname(ref), { recursive: true });
  await writeFileAtomic(ref, [Buffer.from(revision)]);
  return snapshot;
}

/** The snapshot that an earlier download of this revision left, if it has a file that `complete` asks for. */
export async function cachedSnapshot(
  model: HubModel,
  complete: (files: readonly string[]) => boolean,
): Promise<string | undefined> {
  const folder = cacheFolder(model);
  const commit = await readFile(join(folder, "refs", model.revision), "utf8").then(
    (text) => text.trim(),
    () => model.revision,
  );
  const snapshot = join(folder, "snapshots", commit);
  const files = await readdir(snapshot).catch(() => []);
  return complete(files) ? snapshot : undefined;
}

/** Passes bytes on and throws at the end when they are not the file: sha256 for large files, git's hash for the others. */
async function* verified(bytes: AsyncIterable<Uint8Array>, file: ListFileEntry): AsyncGenerator<Uint8Array> {
  const expected = file.lfs?.oid ?? file.oid;
  const hash = file.lfs ? createHash("sha256") : createHash("sha1").update(`blob ${file.size}\0`);
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest("hex") !== expected) {
    throw new DamagedDownloadError(`${file.path} arrived damaged (its hash is not ${expected}): try again`);
  }
}

/** A link from the snapshot to the blob; where links are not allowed (Windows without the privilege) the file itself moves there. */
async function link(blob: string, pointer: string): Promise<void> {
  await mkdir(dirname(pointer), { recursive: true });
  await symlink(relative(dirname(pointer), blob), pointer).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "EPERM") await rename(blob, pointer);
    else if (error.code !== "EEXIST") throw error;
  });
}

/** Names of files in the cache come from the network: nothing but a hash may become a path. */
function hexadecimal(hash: string | undefined): string {
  if (hash === undefined || !/^[0-9a-f]{40,64}$/.test(hash)) {
    throw new DamagedDownloadError(`expected a commit or content hash from the hub, got ${String(hash).slice(0, 80)}`);
  }
  return hash;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
