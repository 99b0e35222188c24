/** BERT's pretraining (arXiv 1810.04805 §3.1): masked tokens, and whether the second text of a pair followed the first. */
import type { PackedLoaderState } from "../../data/packing/packed-loader.ts";
import { epochTokens } from "../../data/packing/sequences.ts";
import type { DocumentStore } from "../../data/packing/sequences.ts";
import { DataError } from "../../errors.ts";
import { stepSchedule } from "../../schedules/steps.ts";
import { countTokens, maskedLmBaselines } from "../masked-lm/baselines.ts";
import { replacements } from "../masked-lm/mask.ts";
import type { Objective } from "../objective.ts";
import { choiceOf, numberOf, stepsOf } from "../settings.ts";
import { pretrainingLoader } from "./loader.ts";
import type { PretrainingRow } from "./loader.ts";
import { pretrainingMetrics, pretrainingModel } from "./model.ts";

const name = "masked_lm_next_sentence";

export const nextSentenceObjective: Objective<PretrainingRow, DocumentStore> = {
  name,
  head: "pretraining",
  lossUnit: "nats per masked token and per pair",
  metrics: pretrainingMetrics,
  settings: {
    section: "pretraining",
    description: "What is to be predicted.",
    fields: {
      probability: { kind: "schedule", default: 0.15, description: "Share of tokens to predict." },
      replacement: {
        kind: "choice",
        choices: replacements,
        default: "80/10/10",
        description: "What these become: 80 % [MASK], 10 % a random token, 10 % stay; or `mask`, all [MASK].",
      },
      random_next: {
        kind: "share",
        default: 0.5,
        description: "Share of pairs whose second text is of another document.",
      },
    },
    evaluation: {
      mask_probability: {
        kind: "share",
        default: 0.15,
        description: "Masks and pairs are drawn once and stay the same.",
        replaces: "probability",
      },
    },
  },
  model: pretrainingModel,
  loader({ store, roles: { cls, sep, pad, mask } }, batches, values, state) {
    if (mask === undefined)
      throw new DataError("invalid", name, "expected a tokenizer with a mask token, got one without");
    const options = {
      ...batches,
      store,
      clsId: cls,
      sepId: sep,
      randomShare: numberOf(values, "random_next"),
      maskProbability: stepSchedule(stepsOf(values, "probability")),
      mask: {
        maskId: mask,
        specialIds: [cls, sep, pad, mask],
        replacement: choiceOf(values, "replacement", replacements),
      },
    };
    return pretrainingLoader(options, state as PackedLoaderState | undefined);
  },
  scoredShare: (values) => stepsOf(values, "probability")[0]!.value,
  epochTokens: ({ store, roles: { cls, sep } }, batches) => epochTokens(store, { ...batches, clsId: cls, sepId: sep }),
  baselines({ store, roles }, batches) {
    const all = [...batches];
    const special = Object.values(roles).filter((id) => id !== undefined);
    const { unigramLoss, mostFrequentAccuracy } = maskedLmBaselines(countTokens(store, special), all);
    const labels = all.flatMap(({ rows }) => rows.flatMap(({ nextLabels }) => [...nextLabels])).filter((at) => at >= 0);
    const random = labels.filter((label) => label === 1).length / labels.length;
    return [
      {
        name: "unigram, and the share of pairs",
        of: "loss",
        value: unigramLoss + surprise(random) + surprise(1 - random),
      },
      { name: "most frequent token", of: "maskedAccuracy", value: mostFrequentAccuracy },
      { name: "always the more frequent", of: "nextSentenceAccuracy", value: Math.max(random, 1 - random) },
    ];
  },
};

/** -p log p, in nats. */
function surprise(p: number): number {
  return p > 0 ? -p * Math.log(p) : 0;
}
