/** Writes a checkpoint aside, syncs every file, the manifest last, renames it into place, and then removes the oldest ones. */
import { createHash } from "node:crypto";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { serializeSafetensors } from "@modernbert-ts/safetensors";
import type { TensorEntry } from "@modernbert-ts/safetensors";
import { safetensorsDType } from "@modernbert-ts/encoder";
import { AtomicDirectory } from "../files/atomic-directory.ts";
import { ioError } from "../errors.ts";
import type { ReadableTensors } from "../collectives/gather-tensors.ts";
import { CheckpointError } from "./errors.ts";
import { removeOldCheckpoints } from "./find.ts";
import { checkpointFiles, checkpointName, manifestOf } from "./format.ts";
import type { CheckpointFile } from "./format.ts";

export interface CheckpointContents {
  readonly step: number;
  readonly model: ReadableTensors;
  readonly optimizer: ReadableTensors;
  /** Anything that JSON can hold. */
  readonly state: unknown;
  /** Further text files by name, such as config.json and tokenizer.json. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface SaveOptions {
  /** Folder of all checkpoints of a run. */
  readonly directory: string;
  /** How many complete checkpoints to keep, at least 1 (default 3). */
  readonly keep?: number;
  /** Paths of those that stay beyond these; asked when the new one is there. */
  readonly spare?: () => readonly string[];
}

/**
 * Returns the path of the new checkpoint. Files are written and synced on other threads, so this one is free while it waits.
 * @throws CheckpointError `io`; earlier checkpoints are as they were then.
 */
export async function saveCheckpoint(contents: CheckpointContents, options: SaveOptions): Promise<string> {
  const { directory, keep = 3, spare } = options;
  const target = join(directory, checkpointName(contents.step));
  let aside: AtomicDirectory | undefined;
  try {
    aside = new AtomicDirectory(target);
    await writeAll(aside.path, contents);
    aside.commit();
  } catch (error) {
    aside?.discard();
    const { message } = ioError("saveCheckpoint", target, error);
    throw new CheckpointError(
      "io",
      "saveCheckpoint",
      `${message.replace(/^\[\w+\] /, "")} (earlier checkpoints are unchanged)`,
      {
        cause: error,
      },
    );
  }
  removeOldCheckpoints(directory, contents.step, keep, spare?.());
  return target;
}

async function writeAll(
  path: string,
  { step, model, optimizer, state, files = {} }: CheckpointContents,
): Promise<void> {
  const written: CheckpointFile[] = [];
  const write = async (name: string, chunks: Chunks): Promise<void> => {
    written.push(await writeHashed(path, name, chunks));
  };
  for (const [name, text] of Object.entries(files)) await write(name, [Buffer.from(text)]);
  await write(checkpointFiles.model, serializeSafetensors(entriesOf(model), { file: checkpointFiles.model }));
  await write(
    checkpointFiles.optimizer,
    serializeSafetensors(entriesOf(optimizer), { file: checkpointFiles.optimizer }),
  );
  await write(checkpointFiles.state, [json(state)]);
  await writeHashed(path, checkpointFiles.manifest, [json(manifestOf(step, written))]);
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

async function writeHashed(directory: string, file: string, chunks: Chunks): Promise<CheckpointFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  await mkdir(dirname(join(directory, file)), { recursive: true });
  const handle = await open(join(directory, file), "wx");
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += slice) {
        const part = chunk.subarray(at, at + slice);
        await writeFully(handle, part);
        hash.update(part);
        bytes += part.length;
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { file, bytes, sha256: hash.digest("hex") };
}

/** Bytes that are hashed and written at a time: the thread is free in between. */
const slice = 1 << 20;

/** The system call may write less than asked when the disk is nearly full. */
async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
}

function json(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** Read one by one, as their turn comes. */
function* entriesOf(tensors: ReadableTensors): Generator<TensorEntry> {
  for (const [name, tensor] of tensors)
    yield { name, dtype: safetensorsDType[tensor.dtype], shape: tensor.shape, data: () => tensor.read() };
}
