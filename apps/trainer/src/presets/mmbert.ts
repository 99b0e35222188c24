/** mmBERT (arXiv 2509.06888) by the YAML files of its repository; lengths as the paper states them. */
import { decayToEnd, publishedCommon, sequences, stable, warmupThenStable } from "./preset.ts";
import type { Fields } from "../config/merge.ts";
import type { Preset } from "./preset.ts";

const notes = [
  "Numbers of the YAML files of its repository, lengths of the paper (arXiv 2509.06888).",
  "Its vocabulary is Gemma 2's, of 256,000 tokens: prepare the text with that tokenizer.json, and with another mixture of languages for each phase (data.path).",
];
const extended = { global_rope_theta: 160_000, local_rope_theta: 160_000 };
const common: Fields = {
  ...publishedCommon,
  optimizer: { learning_rate: 8e-4, weight_decay: 8e-5, beta1: 0.9, beta2: 0.95, eps: 1e-8 },
  evaluation: { every: "10B tokens", tokens: "1M" },
  checkpoints: { every: "10B tokens", keep: 10 },
};
const thetas = { global_rope_theta: 10_000, local_rope_theta: 10_000 };

export const mmbertBase: Preset = {
  title: "mmBERT base: 2.3T tokens at 1,024, 600B at 8,192, 100B of decay, over 1,833 languages",
  notes,
  fields: {
    ...common,
    seed: 21,
    model: { preset: "base", ...thetas },
    masking: { probability: 0.25, special_tokens: true },
    phases: [
      {
        name: "pretrain",
        length: "2300B tokens",
        data: { max_length: 1024 },
        batch: sequences(48, 1024, 4608, { warmup_tokens: "60B tokens", warmup_from: 8 }),
        schedule: warmupThenStable("3B tokens"),
      },
      {
        name: "context extension",
        length: "600B tokens",
        data: { max_length: 8192 },
        model: extended,
        batch: sequences(6, 8192, 4608),
        masking: { probability: 0.15 },
        schedule: stable,
      },
      {
        name: "decay",
        length: "100B tokens",
        data: { max_length: 8192 },
        model: extended,
        batch: sequences(6, 8192, 4608),
        masking: { probability: 0.05 },
        schedule: decayToEnd(0.02),
      },
    ],
  },
};

export const mmbertSmall: Preset = {
  title: "mmBERT small: 2.3T tokens at 1,024, 600B at 8,192, 100B of decay, over 1,833 languages",
  notes,
  fields: {
    ...common,
    seed: 21,
    model: { preset: "base", hidden_size: 384, num_attention_heads: 6, ...thetas },
    masking: { probability: 0.3, special_tokens: true },
    phases: [
      {
        name: "pretrain",
        length: "2300B tokens",
        data: { max_length: 1024 },
        batch: sequences(48, 1024, 4608, { warmup_tokens: "100B tokens", warmup_from: 8 }),
        schedule: warmupThenStable("4B tokens"),
      },
      {
        name: "context extension",
        length: "600B tokens",
        seed: 12_345,
        data: { max_length: 8192 },
        model: extended,
        batch: sequences(8, 8192, 4608),
        masking: { probability: 0.15 },
        optimizer: { learning_rate: 4e-4, weight_decay: 4e-5 },
        schedule: stable,
      },
      {
        name: "decay",
        length: "100B tokens",
        seed: 12_346,
        data: { max_length: 8192 },
        model: extended,
        batch: sequences(8, 8192, 4608),
        masking: { probability: 0.05 },
        optimizer: { learning_rate: 4e-4, weight_decay: 4e-5 },
        schedule: { kind: "linear", warmup: 0, final: 0.04 },
      },
    ],
  },
};
