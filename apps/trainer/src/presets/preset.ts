/** What a preset is: fields of a configuration, as a YAML file would state them, and where they come from. */
import type { Fields } from "../config/merge.ts";

export interface Preset {
  /** One line for help and for the first line of the configuration. */
  readonly title: string;
  /** Where its numbers stand, and what differs from the run that they describe. */
  readonly notes: readonly string[];
  readonly fields: Fields;
}

/** Of all that the published recipes share: packed rows in bf16, StableAdamW, special tokens masked too. */
export const publishedCommon: Fields = { objective: "masked_lm", dtype: "bf16" };

/** Warm-up, then the peak to the end. */
export function warmupThenStable(warmup: string): Fields {
  return { kind: "wsd", warmup, decay: 0 };
}

export const stable: Fields = { kind: "constant", warmup: 0 };

/** 1-sqrt from the first token to the last. */
export function decayToEnd(final: number): Fields {
  return { kind: "wsd", warmup: 0, decay: "100%", final };
}

/** Micro-batches of so many sequences of the longest length, as many as make one step. */
export function sequences(micro: number, length: number, step: number, more: Fields = {}): Fields {
  return { micro_batch_tokens: micro * length, micro_batches: step / micro, warmup_tokens: 0, warmup_from: 1, ...more };
}
