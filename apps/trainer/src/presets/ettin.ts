/** Ettin's encoders (arXiv 2507.11412) by the YAML files of their repository: 1.7T tokens, 250B at 8k, 50B of long texts. */
import { decayToEnd, publishedCommon, sequences, warmupThenStable } from "./preset.ts";
import type { Preset } from "./preset.ts";

interface Size {
  readonly preset: string;
  /** Sequences of a micro-batch in each phase. */
  readonly micro: readonly [number, number, number];
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmup: string;
  /** Of local layers in the second phase; the smallest alone left them as they were. */
  readonly localTheta: number;
}

const longest = 7999;

function ettin({ preset, micro, learningRate, weightDecay, warmup, localTheta }: Size): Preset {
  return {
    title: `Ettin encoder ${preset}: 1.7T tokens at 1,024, 250B at 8k, 50B of decay on long texts`,
    notes: [
      "Numbers of the YAML files of its repository (arXiv 2507.11412).",
      "It was trained without packing, so its steps held fewer tokens than these; a batch warm-up is in its files, and works with packing alone.",
    ],
    fields: {
      ...publishedCommon,
      seed: 21,
      model: { preset, global_rope_theta: 10_000, local_rope_theta: 10_000 },
      masking: { probability: 0.3, special_tokens: true },
      optimizer: { learning_rate: learningRate, weight_decay: weightDecay },
      evaluation: { every: "10B tokens", tokens: "1M" },
      checkpoints: { every: "8500M tokens" },
      phases: [
        {
          name: "pretrain",
          length: "1700B tokens",
          data: { max_length: 1024 },
          batch: sequences(micro[0], 1024, 4608),
          schedule: warmupThenStable(warmup),
        },
        {
          name: "context extension",
          length: "250B tokens",
          data: { max_length: longest },
          model: { global_rope_theta: 160_000, local_rope_theta: localTheta },
          batch: sequences(micro[1], longest, 4608),
          schedule: decayToEnd(0.5),
        },
        {
          name: "decay",
          length: "50B tokens",
          data: { max_length: longest },
          model: { global_rope_theta: 160_000, local_rope_theta: 160_000 },
          batch: sequences(micro[2], longest, 4608),
          masking: { probability: 0.15 },
          optimizer: { learning_rate: learningRate / 2 },
          schedule: decayToEnd(0.04),
        },
      ],
    },
  };
}

const small = { learningRate: 3e-3, weightDecay: 3e-4, localTheta: 160_000 };

export const ettin17m: Preset = ettin({
  ...small,
  preset: "17m",
  micro: [144, 24, 12],
  warmup: "4B tokens",
  localTheta: 10_000,
});
export const ettin32m: Preset = ettin({ ...small, preset: "32m", micro: [128, 24, 12], warmup: "4B tokens" });
export const ettin68m: Preset = ettin({ ...small, preset: "68m", micro: [96, 18, 8], warmup: "3B tokens" });
export const ettin150m: Preset = ettin({
  ...small,
  preset: "150m",
  micro: [72, 16, 12],
  learningRate: 8e-4,
  weightDecay: 1e-5,
  warmup: "3B tokens",
});
