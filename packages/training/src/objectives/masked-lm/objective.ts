/** Masked language modelling, the objective that ModernBERT was pretrained with (arXiv 2412.13663 §2.2). */
import type { PackedLoaderState } from "../../data/packing/packed-loader.ts";
import { epochTokens } from "../../data/packing/sequences.ts";
import type { DocumentStore } from "../../data/packing/sequences.ts";
import { DataError } from "../../errors.ts";
import type { Objective } from "../objective.ts";
import { numberOf, switchOf } from "../settings.ts";
import { countTokens, maskedLmBaselines } from "./baselines.ts";
import { maskedLmLoader } from "./loader.ts";
import type { MaskedRow } from "./mask.ts";
import { maskedLmMetrics, maskedLmModel } from "./model.ts";

export const maskedLmObjective: Objective<MaskedRow, DocumentStore> = {
  name: "masked_lm",
  head: "masked-lm",
  lossUnit: "nats per masked token",
  metrics: maskedLmMetrics,
  settings: {
    section: "masking",
    description: "What is to be predicted.",
    fields: {
      probability: {
        kind: "share",
        default: 0.3,
        description: "Share of tokens to predict; of these 80 % become [MASK], 10 % a random token, 10 % stay.",
      },
      special_tokens: {
        kind: "switch",
        default: false,
        description: "Mask [CLS] and [SEP] too, as the original run did.",
      },
    },
    evaluation: {
      mask_probability: {
        kind: "share",
        default: 0.15,
        description: "Masks are drawn once and stay the same.",
        replaces: "probability",
      },
    },
  },
  model: maskedLmModel,
  loader({ store, roles: { cls, sep, pad, mask } }, batches, values, state) {
    if (mask === undefined) {
      throw new DataError("invalid", "masked_lm", "expected a tokenizer with a mask token, got one without");
    }
    const options = {
      ...batches,
      store,
      clsId: cls,
      sepId: sep,
      maskProbability: numberOf(values, "probability"),
      mask: {
        maskId: mask,
        specialIds: [cls, sep, pad, mask],
        maskSpecials: switchOf(values, "special_tokens"),
      },
    };
    return maskedLmLoader(options, state as PackedLoaderState | undefined);
  },
  scoredShare: (values) => numberOf(values, "probability"),
  epochTokens: ({ store, roles: { cls, sep } }, batches) => epochTokens(store, { ...batches, clsId: cls, sepId: sep }),
  baselines({ store, roles }, batches) {
    const special = Object.values(roles).filter((id) => id !== undefined);
    const { unigramLoss, mostFrequentAccuracy } = maskedLmBaselines(countTokens(store, special), batches);
    return [
      { name: "unigram", of: "loss", value: unigramLoss },
      { name: "most frequent token", of: "maskedAccuracy", value: mostFrequentAccuracy },
    ];
  },
};
