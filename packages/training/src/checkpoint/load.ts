/** Opens a checkpoint, trusting nothing: every hash is compared before the first tensor is touched. */
import fs from "node:fs";
import { join } from "node:path";
import { safetensorsDType } from "@modernbert-ts/encoder";
import { openSafetensors } from "@modernbert-ts/safetensors/node";
import { bytesOf, hostView } from "@modernbert-ts/tensor-core";
import { fileSha256 } from "../files/fingerprint.ts";
import type { NamedTensors } from "../optimizer/optimizer.ts";
import { CheckpointError } from "./errors.ts";
import { listCheckpoints, setAside } from "./find.ts";
import { checkpointFiles, readCheckpointManifest } from "./format.ts";

export interface Checkpoint {
  readonly path: string;
  readonly step: number;
  /** What was given as `state` to `saveCheckpoint`. */
  readonly state: unknown;
}

/** @throws CheckpointError `missing`, `corrupt`, `mismatch`. */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const { step, files } = readCheckpointManifest(path);
  for (const { file, sha256 } of files) {
    if ((await fileSha256(join(path, file))) !== sha256)
      throw new CheckpointError(
        "corrupt",
        "openCheckpoint",
        `expected ${join(path, file)} as it was written, got other bytes; use an earlier checkpoint`,
      );
  }
  const state: unknown = JSON.parse(fs.readFileSync(join(path, checkpointFiles.state), "utf8"));
  return { path, step, state };
}

/**
 * The newest checkpoint of a folder that is whole; undefined when there is none at all. One that is damaged is set aside
 * (renamed, not deleted) and `onNotice` gets one line about it. @throws CheckpointError `corrupt` when all are damaged.
 */
export async function openLatestCheckpoint(
  directory: string,
  onNotice: (notice: string) => void,
): Promise<Checkpoint | undefined> {
  const found = listCheckpoints(directory);
  for (const { path } of found.toReversed()) {
    try {
      return await openCheckpoint(path);
    } catch (error) {
      if (!(error instanceof CheckpointError && error.code === "corrupt")) throw error;
      onNotice(`${error.message}: it was renamed to ${setAside(path, "damaged")}, trying the one before`);
    }
  }
  if (found.length === 0) return undefined;
  throw new CheckpointError(
    "corrupt",
    "openLatestCheckpoint",
    `expected a whole checkpoint in ${directory}, got ${found.length} damaged; start anew without --resume`,
  );
}

/**
 * Overwrites tensors with those of a checkpoint's file; names, shapes and dtypes must be the same, but what is `optional` may be missing on either
 * side. @throws CheckpointError `mismatch`.
 */
export async function restoreTensors(
  { path }: Checkpoint,
  kind: "model" | "optimizer",
  tensors: NamedTensors,
  optional: (name: string) => boolean = () => false,
): Promise<void> {
  const file = join(path, checkpointFiles[kind]);
  const mismatch = (name: string, wanted: string, found: string): CheckpointError =>
    new CheckpointError(
      "mismatch",
      "restoreTensors",
      `expected ${wanted} for ${name}, got ${found} in ${file}; continue with the settings that it was saved with`,
    );
  await using reader = await openSafetensors(file);
  for (const name of reader.names())
    if (!tensors.has(name) && !optional(name)) throw mismatch(name, "nothing", "a tensor");
  for (const [name, tensor] of tensors) {
    const wanted = `${safetensorsDType[tensor.dtype]} [${tensor.shape.join(", ")}]`;
    if (!reader.has(name) && optional(name)) continue;
    if (!reader.has(name)) throw mismatch(name, wanted, "nothing");
    const { dtype, shape } = reader.info(name);
    const found = `${dtype} [${shape.join(", ")}]`;
    if (found !== wanted) throw mismatch(name, wanted, found);
    const values = hostView(tensor.dtype, new ArrayBuffer(tensor.size * bytesOf(tensor.dtype)));
    await reader.readInto(name, values);
    tensor.runtime.write(tensor, values);
  }
}
