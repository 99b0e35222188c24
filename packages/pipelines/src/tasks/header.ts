/** Sequences that carry what their task must know besides tokens: the number of such values, the values, then the tokens. */
import { idsOf, packSequences, partOf } from "@modernbert-ts/encoder";
import type { PackedBatch, Sequence } from "@modernbert-ts/encoder";
import { sequencesOf } from "./task.ts";

export function withHeader(values: readonly number[], sequence: Sequence): Sequence {
  const header = [values.length, ...values];
  const ids = joined(header, idsOf(sequence));
  return "typeIds" in sequence ? { ids, typeIds: joined(new Int32Array(header.length), sequence.typeIds) } : ids;
}

function joined(first: ArrayLike<number>, second: Int32Array): Int32Array {
  const whole = new Int32Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** The tokens of a pack alone, and the values of each of its sequences. */
export function readHeaders(pack: PackedBatch): { readonly batch: PackedBatch; readonly headers: Int32Array[] } {
  const sequences = sequencesOf(pack);
  const headers = sequences.map((sequence) => {
    const ids = idsOf(sequence);
    return ids.subarray(1, 1 + ids[0]!);
  });
  const batch = packSequences(sequences.map((sequence, index) => partOf(sequence, 1 + headers[index]!.length)));
  return { headers, batch };
}
