/** Brings what the cache lacks of a model. */
import { join } from "node:path";
import { ModelNotFoundError } from "../errors.ts";
import { adviceOn } from "../folder/other-formats.ts";
import { blobFolder, exists, linkBlob, rememberCommit, snapshotFolder } from "./cache.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { hubEnvironment } from "./environment.ts";
import { commitOf, contentUrl, listFiles } from "./listing.ts";
import type { HubFile, HubModel } from "./listing.ts";
import { moduleFiles, settingsFiles, weightFiles, weightsEntries, weightsFile } from "./model-files.ts";
import { sweepPartials } from "./partial-file.ts";
import { markAbsent } from "./snapshot.ts";
import { transfer } from "./transfer.ts";
import type { OnBytes } from "./transfer.ts";

export interface DownloadOptions {
  /** Whether the weights are needed. */
  readonly weights: boolean;
  /** Looks at the folder when all but the weights is there; what it throws saves their download. */
  readonly check?: ((folder: string) => Promise<void>) | undefined;
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/**
 * Downloads a model and returns the snapshot's folder.
 * @throws ModelNotFoundError when the repository holds none, and what `transfer` throws
 */
export async function downloadModel(model: HubModel, options: DownloadOptions): Promise<string> {
  const connection = await connect(await hubEnvironment());
  const commit = await commitOf(connection, model);
  const files = await listFiles(connection, model, commit);
  const has = (path: string): boolean => files.has(path);
  const entry = options.weights ? weightsEntries.find(has) : undefined;
  checkListing(model, settingsFiles(has), options.weights, entry, files.keys());
  const folder = snapshotFolder(model, commit);
  const bring = await fileBringer({ connection, model, commit, files, onNotice: options.onNotice });
  await bring(settingsFiles(has));
  await bring(await moduleFiles(folder, "config.json"));
  await markAbsent(
    folder,
    settingsFiles((path) => !has(path)),
  );
  if (entry !== undefined) {
    await options.check?.(folder);
    await bring(await moduleFiles(folder, weightsFile));
    await bring([entry]);
    const shards = await weightFiles(folder, entry);
    const missing = shards.find((path) => !has(path));
    if (missing)
      throw new ModelNotFoundError(`expected ${missing} in ${model.name}, as ${entry} says, got no such file`);
    await bring(shards);
  }
  await rememberCommit(model, commit);
  return folder;
}

interface Contents {
  readonly connection: Connection;
  readonly model: HubModel;
  readonly commit: string;
  readonly files: ReadonlyMap<string, HubFile>;
  readonly onNotice: DownloadOptions["onNotice"];
}

/** A function that brings those files of a commit into its snapshot that are not there. */
export async function fileBringer(contents: Contents): Promise<(paths: readonly string[]) => Promise<void>> {
  const { connection, model, commit, files, onNotice } = contents;
  const folder = snapshotFolder(model, commit);
  const blobs = await blobFolder(model);
  await sweepPartials(blobs);
  return async (paths) => {
    for (const path of paths) {
      const file = files.get(path);
      const pointer = join(folder, path);
      if (!file || (await exists(pointer))) continue;
      const blob = join(blobs, file.hash);
      const notice = (text: string): void => onNotice?.(`downloading ${model.name}/${path} (${text})`);
      const url = contentUrl(connection, model, commit, path);
      if (!(await exists(blob))) await transfer({ connection, url, file }, blob, progress(file, notice));
      await linkBlob(blob, pointer);
    }
  };
}

function checkListing(
  { name, revision }: HubModel,
  found: readonly string[],
  weights: boolean,
  entry: string | undefined,
  all: Iterable<string>,
): void {
  if (found.length > 0 && (entry !== undefined || !weights)) return;
  const lacks = found.includes("config.json") ? "no safetensors files" : "no config.json and no safetensors files";
  throw new ModelNotFoundError(`${name}@${revision} has ${lacks}${adviceOn(all)}`);
}

/** Files of which people see how far they are. */
const largeBytes = 1 << 25;

/** A line at the beginning and, of a large file, one every tenth. */
export function progress({ size }: Pick<HubFile, "size">, notice: (text: string) => void): OnBytes {
  let next = 0;
  return (bytes) => {
    if (bytes < next) return;
    const percent = Math.floor((100 * bytes) / size);
    notice(percent === 0 ? megabytes(size) : `${percent} % of ${megabytes(size)}`);
    next = size < largeBytes ? Infinity : Math.ceil((size * (Math.floor(percent / 10) + 1)) / 10);
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
