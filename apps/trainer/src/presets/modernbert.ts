/** ModernBERT base and large as they were trained (arXiv 2412.13663, and the YAML files of its repository). */
import { decayToEnd, publishedCommon, sequences, stable, warmupThenStable } from "./preset.ts";
import type { Preset } from "./preset.ts";

const source = "Numbers of the paper (arXiv 2412.13663) and of the training YAML files in its repository.";
const packed = "The loss of a step is weighted by masked tokens here; there each micro-batch counted by its sequences.";
const extended = { global_rope_theta: 160_000 };

export const base: Preset = {
  title: "ModernBERT base: 1.72T tokens at 1,024, 250B at 8,192, 50B of decay",
  notes: [source, packed],
  fields: {
    ...publishedCommon,
    seed: 17,
    model: { preset: "base", global_rope_theta: 10_000 },
    masking: { probability: 0.3, special_tokens: true },
    optimizer: { learning_rate: 8e-4, weight_decay: 1e-5 },
    evaluation: { every: "10B tokens", tokens: "1M" },
    checkpoints: { every: "10B tokens" },
    phases: [
      {
        name: "pretrain",
        length: "1719B tokens",
        data: { max_length: 1024 },
        batch: sequences(96, 1024, 4608, { warmup_tokens: "50B tokens", warmup_from: 8 }),
        schedule: warmupThenStable("3B tokens"),
      },
      {
        name: "context extension",
        length: "250B tokens",
        data: { max_length: 8192 },
        model: extended,
        batch: sequences(12, 8192, 576),
        optimizer: { learning_rate: 3e-4 },
        schedule: stable,
      },
      {
        name: "decay",
        length: "50B tokens",
        data: { max_length: 8192 },
        model: extended,
        batch: sequences(12, 8192, 576),
        optimizer: { learning_rate: 3e-4 },
        schedule: decayToEnd(0.001),
      },
    ],
  },
};

export const large: Preset = {
  title: "ModernBERT large: 900B and 819B tokens at 1,024, 250B at 8,192, 50B of decay",
  notes: [
    source,
    packed,
    "Its weights began as those of base after 1,719B tokens, tiled: modernbert-train tile BASE --to large -o START, then model.from: START.",
    "Of pretraining the paper says about 900B tokens at 5e-4, rolled back, then about 800B at 5e-5: 900B + 819B here.",
  ],
  fields: {
    ...publishedCommon,
    seed: 314,
    model: { preset: "large", global_rope_theta: 10_000 },
    masking: { probability: 0.3, special_tokens: true },
    optimizer: { learning_rate: 5e-4, weight_decay: 1e-5 },
    evaluation: { every: "10B tokens", tokens: "1M" },
    checkpoints: { every: "10B tokens" },
    phases: [
      {
        name: "pretrain",
        length: "900B tokens",
        data: { max_length: 1024 },
        batch: sequences(56, 1024, 4928, { warmup_tokens: "10B tokens", warmup_from: 8 }),
        schedule: warmupThenStable("2B tokens"),
      },
      {
        name: "pretrain at a lower rate",
        length: "819B tokens",
        data: { max_length: 1024 },
        batch: sequences(56, 1024, 4928),
        optimizer: { learning_rate: 5e-5, weight_decay: 1e-6 },
        schedule: stable,
      },
      {
        name: "context extension",
        length: "250B tokens",
        data: { max_length: 8192 },
        model: extended,
        batch: sequences(7, 8192, 616),
        optimizer: { learning_rate: 5e-5, weight_decay: 1e-6 },
        schedule: stable,
      },
      {
        name: "decay",
        length: "50B tokens",
        data: { max_length: 8192 },
        model: extended,
        batch: sequences(6, 8192, 624),
        optimizer: { learning_rate: 5e-5, weight_decay: 1e-6 },
        schedule: decayToEnd(0.001),
      },
    ],
  },
};
