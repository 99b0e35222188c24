/** Brings one file: from where an earlier try stopped, again when the connection is lost, and into its place only when its hash is right. */
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder } from "@modernbert-ts/safetensors/node";
import type { Connection } from "./connection.ts";
import { DamagedDownloadError, written } from "./errors.ts";
import type { HubFile } from "./listing.ts";
import { leavePartial, takePartial } from "./partial-file.ts";
import { getRest, NoRestError } from "./rest.ts";
import { TransientError, withRetries } from "./retry.ts";

export interface Source {
  readonly connection: Connection;
  readonly url: string;
  readonly file: HubFile;
}

/** Bytes that are there. */
export type OnBytes = (bytes: number) => void;

/** Downloads a file to `blob`. @throws DamagedDownloadError HubRefusalError HubUnreachableError WriteError */
export async function transfer(source: Source, blob: string, onBytes: OnBytes): Promise<void> {
  const [folder, { hash }] = [dirname(blob), source.file];
  const partial = await written(blob, takePartial(folder, hash));
  let furthest = -1;
  try {
    await withRetries((progressed) =>
      bringRest(source, partial, (bytes) => {
        // An attempt that begins anew is no progress before it gets further.
        if (bytes <= furthest) return;
        furthest = bytes;
        progressed();
        onBytes(bytes);
      }),
    );
    await written(blob, rename(partial, blob));
    await written(blob, syncFolder(folder));
  } catch (error) {
    if (error instanceof DamagedDownloadError) await rm(partial, { force: true });
    else await leavePartial(folder, hash, partial);
    throw error;
  }
}

async function bringRest({ connection, url, file }: Source, partial: string, onBytes: OnBytes): Promise<void> {
  const handle = await written(partial, open(partial, "a+"));
  try {
    let { hash, size } = await hashOf(handle, file);
    const start = size;
    if (size < file.size) {
      onBytes(size);
      const { from, body } = await getRest(connection, url, start).catch(async (error: unknown) => {
        if (error instanceof NoRestError) await written(partial, handle.truncate(0));
        throw error;
      });
      if (from < start) {
        await written(partial, handle.truncate(0));
        [hash, size] = [newHash(file), 0];
      }
      for await (const chunk of body) {
        size += chunk.length;
        if (size > file.size)
          throw new DamagedDownloadError(`${file.path} is longer than the ${file.size} bytes that it was said to have`);
        hash.update(chunk);
        await written(partial, handle.writeFile(chunk));
        onBytes(size);
      }
      if (size < file.size) throw new TransientError(`${file.path} ended after ${size} of ${file.size} bytes`);
    }
    await written(partial, handle.sync());
    if (hash.digest("hex") === file.hash) return;
    await written(partial, handle.truncate(0));
    if (start > 0) throw new TransientError(`the beginning of ${file.path} that an earlier try left was damaged`);
    throw new DamagedDownloadError(`${file.path} arrived damaged (its hash is not ${file.hash}): try again`);
  } finally {
    await handle.close();
  }
}

/** What is there of the file, hashed; more than the file has is thrown away. */
async function hashOf(handle: FileHandle, file: HubFile): Promise<{ hash: Hash; size: number }> {
  const { size } = await handle.stat();
  const hash = newHash(file);
  if (size > file.size) {
    await handle.truncate(0);
    return { hash, size: 0 };
  }
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false })) hash.update(chunk as Buffer);
  return { hash, size };
}

function newHash({ hash, size }: HubFile): Hash {
  return hash.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}
