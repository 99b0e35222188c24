/** A step's batch for the masked LM that has the sizes of a real one, of one row of sequences that are all `length` tokens long, 30 % of them masked. */
import type { MaskedRow } from "../../src/objectives/masked-lm/mask.ts";
import type { Batch } from "../../src/data/packing/batch.ts";

export function batchOfLength(tokens: number, length: number): Batch<MaskedRow> {
  const count = tokens / length;
  const cuSeqlens = Int32Array.from({ length: count + 1 }, (_, at) => at * length);
  const maskedPositions = Int32Array.from({ length: Math.floor(0.3 * tokens) }, (_, at) => 3 * at);
  const row: MaskedRow = {
    ids: new Int32Array(tokens).fill(9),
    cuSeqlens,
    maxSeqlen: length,
    sequences: Array.from({ length: count }, (_, document) => ({ document, chunk: 0, epoch: 0, length })),
    labels: new Int32Array(tokens),
    maskedPositions,
    maskedLabels: maskedPositions.map(() => 9),
  };
  return { rows: [row], sequences: count, tokens, weight: maskedPositions.length, packingEfficiency: 1 };
}
