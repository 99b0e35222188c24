/** Padded rows to packs and back: `unpad` drops the padding, `pad` puts values of a pack into padded rows. */
import { BatchError } from "../errors.ts";
import { packSequences } from "./packed-batch.ts";
import type { PackedBatch } from "./packed-batch.ts";

/** What `unpad` found: the batch and where its tokens stood. */
export interface UnpaddedBatch {
  readonly batch: PackedBatch;
  /** Index of each token in the flat padded rows [T], increasing. */
  readonly indices: Int32Array;
  /** [B, S] */
  readonly shape: readonly [number, number];
}

/**
 * Drops the padding of rows [B, S] (flat). In each row the mask's ones stand together, padded left, right or both.
 * @throws BatchError on an empty row or one with a hole: positions would not be those of the padded form.
 */
export function unpad(
  inputIds: ArrayLike<number>,
  attentionMask: ArrayLike<number>,
  shape: readonly [number, number],
): UnpaddedBatch {
  const [rows, columns] = shape;
  if (inputIds.length !== rows * columns || attentionMask.length !== rows * columns) {
    throw new BatchError(
      "unpad",
      `expected ${rows} × ${columns} ids and mask values, got ${inputIds.length} and ${attentionMask.length}`,
    );
  }
  const indices: number[] = [];
  const sequences = Array.from({ length: rows }, (_, row) => {
    const first = indices.length;
    for (let at = row * columns; at < (row + 1) * columns; at++) if (attentionMask[at] !== 0) indices.push(at);
    const kept = indices.slice(first);
    if (kept.length === 0) throw new BatchError("unpad", `expected a token in row ${row}, got a mask of zeros only`);
    if (kept.at(-1)! - kept[0]! + 1 !== kept.length) {
      throw new BatchError(
        "unpad",
        `expected the tokens of row ${row} to stand together, got a mask with zeros between`,
      );
    }
    return kept.map((at) => inputIds[at]!);
  });
  return { batch: packSequences(sequences), indices: Int32Array.from(indices), shape };
}

/** The values at the tokens of an unpadded batch, for labels given as padded rows [B, S] (flat). */
export function unpadValues(values: ArrayLike<number>, { indices }: UnpaddedBatch): Int32Array {
  return Int32Array.from(indices, (at) => values[at]!);
}

/**
 * Values of a packed batch [T, width] back into rows [B, S, width], zeros at padding.
 * @throws BatchError unless there are as many values for each token.
 */
export function pad(values: Float32Array, { indices, shape }: UnpaddedBatch): Float32Array {
  const width = values.length / indices.length;
  if (!Number.isInteger(width)) {
    throw new BatchError("pad", `expected a multiple of ${indices.length} values, got ${values.length}`);
  }
  const padded = new Float32Array(shape[0] * shape[1] * width);
  indices.forEach((at, token) => padded.set(values.subarray(token * width, (token + 1) * width), at * width));
  return padded;
}
