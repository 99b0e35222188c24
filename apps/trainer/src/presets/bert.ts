/** BERT as it was pretrained (arXiv 1810.04805 §A.2): a million steps of 256 sequences, nine tenths of them at 128 tokens. */
import type { Fields } from "../config/merge.ts";
import { sequences } from "./preset.ts";
import type { Preset } from "./preset.ts";

const notes = [
  "Numbers of the paper (arXiv 1810.04805 §3.1 and §A.2) and of google-research/bert: Adam with decoupled weight decay, linear warm-up and decay.",
  "The published rate falls on one line over both lengths; here each phase has its part of it.",
  "Segments are runs of tokens, where the original split texts into sentences. Packed rows: the batch counts tokens, not sequences.",
];

/** @param share of the published length and warm-up. */
function recipe(preset: string, share: number): Fields {
  return {
    objective: "masked_lm_next_sentence",
    model: { preset, initializer_range: 0.02 },
    optimizer: {
      kind: "adamw",
      learning_rate: 1e-4,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-6,
      weight_decay: 0.01,
      clip_norm: 1,
    },
    evaluation: { every: `${share * 500}M tokens`, tokens: "200k" },
    checkpoints: { every: `${share * 500}M tokens` },
    phases: [
      {
        name: "128 tokens",
        length: `${share * 29_491}M tokens`,
        data: { max_length: 128 },
        batch: sequences(64, 128, 256),
        schedule: { kind: "linear", warmup: `${share * 328}M tokens`, final: 0.1 },
      },
      {
        name: "512 tokens",
        length: `${share * 13_107}M tokens`,
        data: { max_length: 512 },
        batch: sequences(16, 512, 256),
        optimizer: { learning_rate: 1e-5 },
        schedule: { kind: "linear", warmup: 0 },
      },
    ],
  };
}

export const bertBase: Preset = {
  title: "BERT base: masked tokens and next sentences, 29B tokens at 128, 13B at 512",
  notes,
  fields: recipe("bert-base", 1),
};

export const bertMini: Preset = {
  title: "a BERT of 11M parameters (arXiv 1908.08962) by the same recipe on a fiftieth of the tokens",
  notes: [...notes, "Four layers of 256; length and warm-up are a fiftieth."],
  fields: recipe("bert-mini", 0.02),
};
