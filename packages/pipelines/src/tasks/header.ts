/** Sequences that carry what their task must know besides ids: the number of such values, the values, then the ids. */
import { packSequences } from "@modernbert-ts/encoder";
import type { PackedBatch } from "@modernbert-ts/encoder";
import { sequencesOf } from "./task.ts";

export function withHeader(values: readonly number[], ids: Int32Array): Int32Array {
  const sequence = new Int32Array(1 + values.length + ids.length);
  sequence[0] = values.length;
  sequence.set(values, 1);
  sequence.set(ids, 1 + values.length);
  return sequence;
}

/** The ids of a pack alone, and the values of each of its sequences. */
export function readHeaders(pack: PackedBatch): { readonly batch: PackedBatch; readonly headers: Int32Array[] } {
  const sequences = sequencesOf(pack);
  return {
    headers: sequences.map((sequence) => sequence.subarray(1, 1 + sequence[0]!)),
    batch: packSequences(sequences.map((sequence) => sequence.subarray(1 + sequence[0]!))),
  };
}
