/**
 * Random token detection: some tokens are replaced by random ones, and the model says of each whether it was. The objective "Random" of
 * Yamaguchi et al. 2021 (arXiv 2109.01819), cheaper than the masked LM: every token is scored, and no decoder over the vocabulary runs.
 */
import { PackedLoader } from "../../data/packing/packed-loader.ts";
import type { PackedLoaderState } from "../../data/packing/packed-loader.ts";
import { epochTokens } from "../../data/packing/sequences.ts";
import type { DocumentStore } from "../../data/packing/sequences.ts";
import type { Objective } from "../objective.ts";
import { numberOf } from "../settings.ts";
import { detectionMetrics, detectionModel } from "./model.ts";
import { createReplacer } from "./replace.ts";
import type { ReplacedRow } from "./replace.ts";

export const randomTokenDetectionObjective: Objective<ReplacedRow, DocumentStore> = {
  name: "random_token_detection",
  head: "token-classification",
  headSettings: () => ({ labels: ["original", "replaced"] }),
  lossUnit: "nats per token",
  metrics: detectionMetrics,
  settings: {
    section: "replacing",
    description: "What is to be detected.",
    fields: {
      share: { kind: "share", default: 0.15, description: "Share of tokens that are replaced by random ones." },
    },
    evaluation: {},
  },
  model: detectionModel,
  loader({ store, roles }, batches, values, state) {
    const { seed } = batches;
    const { cls, sep } = roles;
    const share = numberOf(values, "share");
    const specialIds = Object.values(roles).filter((id) => id !== undefined);
    const replaced = createReplacer({ seed, vocabSize: store.vocabSize, specialIds });
    return new PackedLoader(
      {
        ...batches,
        store,
        clsId: cls,
        sepId: sep,
        prepare: (row) => replaced(row, share),
        weightOf: ({ scored }) => scored,
      },
      state as PackedLoaderState | undefined,
    );
  },
  epochTokens: ({ store, roles: { cls, sep } }, batches) => epochTokens(store, { ...batches, clsId: cls, sepId: sep }),
  baselines(_train, batches) {
    let [tokens, replaced] = [0, 0];
    for (const { rows, weight } of batches) {
      tokens += weight;
      for (const { labels } of rows) for (const label of labels) if (label === 1) replaced++;
    }
    const share = replaced / tokens;
    return [
      { name: "share of the replaced", of: "loss", value: surprise(share) + surprise(1 - share) },
      { name: "always the more frequent", of: "detectionAccuracy", value: Math.max(share, 1 - share) },
    ];
  },
};

/** -p log p, in nats. */
function surprise(p: number): number {
  return p > 0 ? -p * Math.log(p) : 0;
}
