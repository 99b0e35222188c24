/** Masked language modelling, the objective that ModernBERT was pretrained with (arXiv 2412.13663 §2.2). */
import type { PackedLoaderState } from "../../data/packing/packed-loader.ts";
import { epochTokens } from "../../data/packing/sequences.ts";
import type { DocumentStore } from "../../data/packing/sequences.ts";
import { DataError } from "../../errors.ts";
import type { Objective } from "../objective.ts";
import { scheduleChanges, stepSchedule } from "../../schedules/steps.ts";
import { choiceOf, stepsOf, switchOf } from "../settings.ts";
import { countTokens, maskedLmBaselines } from "./baselines.ts";
import { maskedLmLoader } from "./loader.ts";
import { replacements } from "./mask.ts";
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
        kind: "schedule",
        default: 0.3,
        description: 'Share of tokens to predict; or steps: [{ from: 0, value: 0.3 }, { from: "60%", value: 0.15 }].',
      },
      changes: {
        kind: "choice",
        choices: scheduleChanges,
        default: "stepwise",
        description: "Between steps of the probability: it jumps, or lies on a line (stepwise, linear).",
      },
      replacement: {
        kind: "choice",
        choices: replacements,
        default: "80/10/10",
        description: "What these become: 80 % [MASK], 10 % a random token, 10 % stay; or `mask`, all [MASK].",
      },
      whole_words: {
        kind: "switch",
        default: false,
        description: "Predict whole words, not single tokens of them.",
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
  loader({ store, roles: { cls, sep, pad, mask }, wordEdges }, batches, values, state) {
    if (mask === undefined) {
      throw new DataError("invalid", "masked_lm", "expected a tokenizer with a mask token, got one without");
    }
    const wholeWords = switchOf(values, "whole_words");
    if (wholeWords && wordEdges === undefined) {
      throw new DataError(
        "invalid",
        "masked_lm",
        "expected to know where words begin for whole_words, got no wordEdges",
      );
    }
    const options = {
      ...batches,
      store,
      clsId: cls,
      sepId: sep,
      maskProbability: stepSchedule(stepsOf(values, "probability"), choiceOf(values, "changes", scheduleChanges)),
      mask: {
        maskId: mask,
        specialIds: [cls, sep, pad, mask],
        maskSpecials: switchOf(values, "special_tokens"),
        replacement: choiceOf(values, "replacement", replacements),
        ...(wholeWords && wordEdges ? { wordEdges } : {}),
      },
    };
    return maskedLmLoader(options, state as PackedLoaderState | undefined);
  },
  scoredShare: (values) => stepsOf(values, "probability")[0]!.value,
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
