/**
 * Replaced-token detection (ELECTRA, arXiv 2003.10555; DeBERTaV3, arXiv 2111.09543): a generator fills masks, and the model says of every
 * token whether it is the original one. Both learn in one step: the generator's masked-LM loss, and `weight` times the detection's.
 */
import { PackedLoader } from "../../data/packing/packed-loader.ts";
import type { PackedLoaderState } from "../../data/packing/packed-loader.ts";
import { epochTokens } from "../../data/packing/sequences.ts";
import type { DocumentStore } from "../../data/packing/sequences.ts";
import { DataError } from "../../errors.ts";
import { createMlmMasker } from "../masked-lm/mask.ts";
import type { Objective } from "../objective.ts";
import { defaultValues, numberOf } from "../settings.ts";
import type { ObjectiveSettings } from "../settings.ts";
import { countTokens, maskedLmBaselines } from "../masked-lm/baselines.ts";
import { generators } from "./generator.ts";
import { detectionMetrics } from "./metrics.ts";
import { replacedTokenDetectionModel } from "./model.ts";
import { detectionRow } from "./row.ts";
import type { DetectionRow } from "./row.ts";

const settings: ObjectiveSettings = {
  section: "detection",
  description: "What replaces tokens, and how much finding them counts.",
  fields: {
    probability: { kind: "share", default: 0.15, description: "Share of tokens that are masked for the generator." },
    generator: {
      kind: "choice",
      choices: generators,
      default: "disentangled",
      description:
        "A smaller model whose embeddings the model adds to (disentangled), shares (shared) or not (separate); or the model itself under a masked-LM head (trunk).",
    },
    generator_layers: {
      kind: "share",
      default: 0.5,
      description: "Layers of the smaller model, as a share of the model's.",
    },
    weight: { kind: "number", default: 50, description: "Of the detection loss beside the generator's." },
  },
  evaluation: {},
};

export const replacedTokenDetectionObjective: Objective<DetectionRow, DocumentStore> = {
  name: "replaced_token_detection",
  head: "token-classification",
  headSettings: () => ({ labels: ["original", "replaced"] }),
  lossUnit: "nats, both losses together",
  besides: "a generator",
  metrics: detectionMetrics,
  settings,
  model: (encoder, options, values = defaultValues(settings)) => replacedTokenDetectionModel(encoder, options, values),
  loader({ store, roles }, batches, values, state) {
    const { cls, sep, pad, mask } = roles;
    if (mask === undefined)
      throw new DataError(
        "invalid",
        "replaced_token_detection",
        "expected a tokenizer with a mask token, got one without",
      );
    const { seed } = batches;
    const specialIds = [cls, sep, pad, mask];
    const masked = createMlmMasker({
      seed,
      vocabSize: store.vocabSize,
      maskId: mask,
      specialIds,
      replacement: "mask",
    });
    const special = new Set(specialIds);
    const probability = numberOf(values, "probability");
    return new PackedLoader(
      {
        ...batches,
        store,
        clsId: cls,
        sepId: sep,
        prepare: (row) => detectionRow(masked(row, probability), special),
        weightOf: ({ scored }) => scored,
      },
      state as PackedLoaderState | undefined,
    );
  },
  epochTokens: ({ store, roles: { cls, sep } }, batches) => epochTokens(store, { ...batches, clsId: cls, sepId: sep }),
  baselines({ store, roles }, batches) {
    const special = Object.values(roles).filter((id) => id !== undefined);
    const { unigramLoss, mostFrequentAccuracy } = maskedLmBaselines(countTokens(store, special), batches);
    return [
      { name: "unigram", of: "generatorLoss", value: unigramLoss },
      { name: "most frequent token", of: "generatorAccuracy", value: mostFrequentAccuracy },
    ];
  },
};
