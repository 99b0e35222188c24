/**
 * Batches on the host. The model runs packed: sequences one after another, no padding. `packSequences` makes a batch from lists of
 * ids, `unpad` from padded rows with a mask, and `pad` puts values of a packed batch back into padded rows.
 */
import { BatchError } from "./errors.ts";
import type { ModernBertConfig } from "./config/config.ts";

/** N sequences of together T tokens. */
export interface PackedBatch {
  /** Token ids [T]. */
  readonly ids: Int32Array;
  /** Where sequences begin, and T at the end: [N + 1], strictly increasing. */
  readonly cuSeqlens: Int32Array;
  /** Length of the longest sequence, or more. */
  readonly maxSeqlen: number;
}

/** What `unpad` found: the batch and where its tokens stood. */
export interface UnpaddedBatch {
  readonly batch: PackedBatch;
  /** Index of each token in the flat padded rows [T], increasing. */
  readonly indices: Int32Array;
  /** [B, S] */
  readonly shape: readonly [number, number];
}

/** Lays sequences one after another. @throws BatchError on no sequences or an empty one. */
export function packSequences(sequences: readonly ArrayLike<number>[]): PackedBatch {
  if (sequences.length === 0) throw new BatchError("packSequences", "expected at least one sequence, got none");
  const cuSeqlens = new Int32Array(sequences.length + 1);
  let maxSeqlen = 0;
  sequences.forEach(({ length }, at) => {
    if (length === 0) throw new BatchError("packSequences", `expected at least one token in sequence ${at}, got none`);
    cuSeqlens[at + 1] = cuSeqlens[at]! + length;
    maxSeqlen = Math.max(maxSeqlen, length);
  });
  const ids = new Int32Array(cuSeqlens.at(-1)!);
  sequences.forEach((sequence, at) => {
    checkIds("packSequences", sequence, idEnd);
    ids.set(sequence, cuSeqlens[at]!);
  });
  return { ids, cuSeqlens, maxSeqlen };
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

/** Values of a packed batch [T, width] back into rows [B, S, width], zeros at padding. */
export function pad(values: Float32Array, { indices, shape }: UnpaddedBatch): Float32Array {
  const width = values.length / indices.length;
  if (!Number.isInteger(width)) {
    throw new BatchError("pad", `expected a multiple of ${indices.length} values, got ${values.length}`);
  }
  const padded = new Float32Array(shape[0] * shape[1] * width);
  indices.forEach((at, token) => padded.set(values.subarray(token * width, (token + 1) * width), at * width));
  return padded;
}

/** Position of each token in its sequence [T]. */
export function positionsOf({ ids, cuSeqlens }: PackedBatch): Int32Array {
  const positions = new Int32Array(ids.length);
  for (let n = 0; n + 1 < cuSeqlens.length; n++) {
    const start = cuSeqlens[n]!;
    for (let at = start; at < cuSeqlens[n + 1]!; at++) positions[at] = at - start;
  }
  return positions;
}

/** Checks a batch against the model before anything is queued. @throws BatchError */
export function checkBatch({ ids, cuSeqlens, maxSeqlen }: PackedBatch, config: ModernBertConfig): void {
  if (ids.length === 0 || cuSeqlens.length < 2) throw new BatchError("encode", "expected at least one token, got none");
  if (cuSeqlens[0] !== 0 || cuSeqlens.at(-1) !== ids.length) {
    throw new BatchError(
      "encode",
      `expected cuSeqlens from 0 to ${ids.length} (the tokens), got ${cuSeqlens[0]} to ${cuSeqlens.at(-1)}`,
    );
  }
  let longest = 0;
  for (let n = 0; n + 1 < cuSeqlens.length; n++) {
    const length = cuSeqlens[n + 1]! - cuSeqlens[n]!;
    if (length < 1) throw new BatchError("encode", `expected at least one token in sequence ${n}, got ${length}`);
    if (length > config.maxPositionEmbeddings) {
      throw new BatchError(
        "encode",
        `expected at most ${config.maxPositionEmbeddings} tokens (max_position_embeddings), got ${length} in sequence ${n}: truncate it`,
      );
    }
    longest = Math.max(longest, length);
  }
  if (!(maxSeqlen >= longest)) {
    throw new BatchError("encode", `expected maxSeqlen to be at least ${longest}, got ${maxSeqlen}`);
  }
  checkIds("encode", ids, config.vocabSize);
}

/** Ids are 32-bit. */
const idEnd = 2 ** 31;

function checkIds(operation: string, ids: ArrayLike<number>, end: number): void {
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at]!;
    if (!(id >= 0 && id < end && Number.isInteger(id))) {
      const limit = end === idEnd ? "2³¹" : `${end} (vocab_size)`;
      throw new BatchError(operation, `expected token ids from 0 to below ${limit}, got ${id} at ${at}`);
    }
  }
}
