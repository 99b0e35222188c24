/** Packed rows with masks: what the masked-LM objective trains and is scored on. */
import type { Batch } from "../../data/packing/batch.ts";
import { PackedLoader } from "../../data/packing/packed-loader.ts";
import type { PackedLoaderOptions, PackedLoaderState } from "../../data/packing/packed-loader.ts";
import { scheduleValue } from "../../schedules/token-schedule.ts";
import type { TokenSchedule } from "../../schedules/token-schedule.ts";
import { createMlmMasker } from "./mask.ts";
import type { MaskedRow, MaskOptions } from "./mask.ts";

export interface MaskedLmLoaderOptions extends Omit<PackedLoaderOptions<MaskedRow>, "prepare" | "weightOf"> {
  /** Share of tokens to predict: 0.3 for training, 0.15 for evaluation in the recipe. */
  readonly maskProbability: TokenSchedule;
  /** `seed` of the loader names the masks too. */
  readonly mask: Omit<MaskOptions, "seed" | "vocabSize">;
}

export type MaskedLmBatch = Batch<MaskedRow>;

/** Batches whose weight is their masked tokens. @throws as `PackedLoader`; everything but `rows` and the mask settings must be as it was. */
export function maskedLmLoader(options: MaskedLmLoaderOptions, state?: PackedLoaderState): PackedLoader<MaskedRow> {
  const { maskProbability, mask, ...packing } = options;
  const masked = createMlmMasker({ ...mask, seed: packing.seed, vocabSize: packing.store.vocabSize });
  return new PackedLoader(
    {
      ...packing,
      prepare: (row, tokens) => masked(row, scheduleValue(maskProbability, tokens)),
      weightOf: ({ maskedPositions }) => maskedPositions.length,
    },
    state,
  );
}
