/** Masked language modelling, the objective that ModernBERT was pretrained with (arXiv 2412.13663 §2.2). */
import type { PackedLoaderState } from "../../data/packing/packed-loader.ts";
import type { Objective } from "../objective.ts";
import { countTokens, maskedLmBaselines } from "./baselines.ts";
import { maskedLmLoader } from "./loader.ts";
import type { MaskedRow } from "./mask.ts";
import { maskedLmMetrics, maskedLmModel } from "./model.ts";

export const maskedLmObjective: Objective<MaskedRow> = {
  name: "masked_lm",
  head: "masked-lm",
  lossUnit: "nats per masked token",
  metrics: maskedLmMetrics,
  model: maskedLmModel,
  loader({ store, roles: { cls, sep, mask, pad } }, { maskSpecials, ...settings }, epochs, state) {
    const options = {
      ...settings,
      store,
      clsId: cls,
      sepId: sep,
      mask: { maskId: mask, specialIds: [cls, sep, pad, mask], maskSpecials },
      ...(epochs === undefined ? {} : { epochs }),
    };
    return maskedLmLoader(options, state as PackedLoaderState | undefined);
  },
  baselines({ store, roles }, batches) {
    const { unigramLoss, mostFrequentAccuracy } = maskedLmBaselines(countTokens(store, Object.values(roles)), batches);
    return [
      { name: "unigram", of: "loss", value: unigramLoss },
      { name: "most frequent token", of: "maskedAccuracy", value: mostFrequentAccuracy },
    ];
  },
};
