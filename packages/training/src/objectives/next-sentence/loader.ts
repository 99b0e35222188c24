/** Packed rows of pairs with masks: what BERT's pretraining trains and is scored on. */
import type { Batch, BatchLoader } from "../../data/packing/batch.ts";
import { PackedLoader } from "../../data/packing/packed-loader.ts";
import type { PackedLoaderState } from "../../data/packing/packed-loader.ts";
import { scheduleValue } from "../../schedules/token-schedule.ts";
import type { MaskedLmLoaderOptions } from "../masked-lm/loader.ts";
import { createMlmMasker } from "../masked-lm/mask.ts";
import type { MaskedRow } from "../masked-lm/mask.ts";
import { createPairer } from "./pairs.ts";
import type { PairedRow } from "./pairs.ts";

export interface PretrainingRow extends MaskedRow, PairedRow {
  /**
   * Masked tokens of the step by its pairs, of this rank: sums over pairs times this, divided by masked tokens (`Batch.weight`), are means
   * over pairs.
   */
  readonly pairWeight: number;
}

export interface PretrainingLoaderOptions extends MaskedLmLoaderOptions {
  readonly clsId: number;
  readonly sepId: number;
  readonly randomShare: number;
}

/** Batches whose weight is their masked tokens. @throws as `PackedLoader` and `createPairer`. */
export function pretrainingLoader(
  { maskProbability, mask, randomShare, ...packing }: PretrainingLoaderOptions,
  state?: PackedLoaderState,
): BatchLoader<PretrainingRow> {
  const { store, seed, clsId, sepId } = packing;
  const paired = createPairer({ store, seed, clsId, sepId, randomShare });
  const masked = createMlmMasker({ ...mask, seed, vocabSize: store.vocabSize });
  const loader = new PackedLoader<PretrainingRow>(
    {
      ...packing,
      prepare(row, tokens) {
        const pairs = paired(row);
        return { ...pairs, ...masked(pairs, scheduleValue(maskProbability, tokens)), pairWeight: 0 };
      },
      weightOf: ({ maskedPositions }) => maskedPositions.length,
    },
    state,
  );
  return {
    next(tokens) {
      const batch = loader.next(tokens);
      return batch && weighted(batch);
    },
    state: () => loader.state(),
  };
}

function weighted(batch: Batch<PretrainingRow>): Batch<PretrainingRow> {
  const pairs = batch.rows.reduce((sum, { nextLabels }) => sum + nextLabels.filter((label) => label >= 0).length, 0);
  const pairWeight = pairs === 0 ? 0 : batch.weight / pairs;
  return { ...batch, rows: batch.rows.map((row) => ({ ...row, pairWeight })) };
}
