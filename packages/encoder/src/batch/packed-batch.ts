/** Batches on the host. Encoders run packed: sequences one after another, no padding anywhere. */
import { BatchError } from "../errors.ts";
import type { EncoderInfo } from "../info.ts";
import { idsOf } from "./sequence.ts";
import type { TypedSequence } from "./sequence.ts";

/** N sequences of together T tokens. */
export interface PackedBatch {
  /** Token ids [T]. */
  readonly ids: Int32Array;
  /** Where sequences begin, and T at the end: [N + 1], strictly increasing. */
  readonly cuSeqlens: Int32Array;
  /** Length of the longest sequence, or more. */
  readonly maxSeqlen: number;
  /** Token type of each token [T], for models with token types; all 0 when absent. */
  readonly typeIds?: Int32Array;
  /** Of each sequence, how many of its first tokens are seen by its tokens [N], from 1; all when absent. The others see, and are not seen. */
  readonly keyCounts?: Int32Array;
}

/** Lays sequences one after another; the types of those that have none are 0. @throws BatchError on no sequences or an empty one. */
export function packSequences(sequences: readonly (ArrayLike<number> | TypedSequence)[]): PackedBatch {
  if (sequences.length === 0) throw new BatchError("packSequences", "expected at least one sequence, got none");
  const cuSeqlens = new Int32Array(sequences.length + 1);
  let maxSeqlen = 0;
  const each = sequences.map((sequence) => idsOf(sequence));
  each.forEach(({ length }, at) => {
    if (length === 0) throw new BatchError("packSequences", `expected at least one token in sequence ${at}, got none`);
    cuSeqlens[at + 1] = cuSeqlens[at]! + length;
    maxSeqlen = Math.max(maxSeqlen, length);
  });
  const ids = new Int32Array(cuSeqlens.at(-1)!);
  each.forEach((sequence, at) => {
    checkIds("packSequences", sequence, idEnd);
    ids.set(sequence, cuSeqlens[at]!);
  });
  if (!sequences.some((sequence) => "typeIds" in sequence)) return { ids, cuSeqlens, maxSeqlen };
  const typeIds = new Int32Array(ids.length);
  sequences.forEach((sequence, at) => {
    if (!("typeIds" in sequence)) return;
    checkTypeCount("packSequences", sequence.typeIds, sequence.ids);
    typeIds.set(sequence.typeIds, cuSeqlens[at]!);
  });
  return { ids, cuSeqlens, maxSeqlen, typeIds };
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
export function checkBatch(
  { ids, cuSeqlens, maxSeqlen, typeIds, keyCounts }: PackedBatch,
  { vocabSize, typeVocabSize, maxLength }: Pick<EncoderInfo, "vocabSize" | "typeVocabSize" | "maxLength">,
): void {
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
    if (length > maxLength) {
      throw new BatchError(
        "encode",
        `expected at most ${maxLength} tokens (max_position_embeddings), got ${length} in sequence ${n}: truncate it`,
      );
    }
    longest = Math.max(longest, length);
  }
  if (!(maxSeqlen >= longest)) {
    throw new BatchError("encode", `expected maxSeqlen to be at least ${longest}, got ${maxSeqlen}`);
  }
  if (typeIds) checkTypes(typeIds, ids, typeVocabSize);
  if (keyCounts) checkKeyCounts(keyCounts, cuSeqlens);
  checkIds("encode", ids, vocabSize);
}

function checkTypeCount(operation: string, typeIds: Int32Array, { length }: Int32Array): void {
  if (typeIds.length === length) return;
  throw new BatchError(operation, `expected a type id for each of ${length} tokens, got ${typeIds.length}`);
}

function checkTypes(typeIds: Int32Array, ids: Int32Array, typeVocabSize: number): void {
  checkTypeCount("encode", typeIds, ids);
  if (typeVocabSize === 0)
    throw new BatchError("encode", "expected no token types, which the model has none of, got some");
  const at = typeIds.findIndex((type) => !(type >= 0 && type < typeVocabSize));
  if (at === -1) return;
  const message = `expected token types below ${typeVocabSize} (type_vocab_size), got ${typeIds[at]} at ${at}`;
  throw new BatchError("encode", message);
}

function checkKeyCounts(keyCounts: Int32Array, cuSeqlens: Int32Array): void {
  const sequences = cuSeqlens.length - 1;
  if (keyCounts.length !== sequences) {
    throw new BatchError("encode", `expected a key count for each of ${sequences} sequences, got ${keyCounts.length}`);
  }
  for (const [n, count] of keyCounts.entries()) {
    const length = cuSeqlens[n + 1]! - cuSeqlens[n]!;
    if (count >= 1 && count <= length) continue;
    throw new BatchError("encode", `expected from 1 to ${length} keys in sequence ${n}, got ${count}`);
  }
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
