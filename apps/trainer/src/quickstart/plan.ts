/**
 * How much is trained: a fixed number of tokens, never a clock, so that two runs give the same model. How the numbers were found:
 * README, "The quickstart".
 */
import type { TrainerConfig } from "../config/config.ts";
import { checkConfig } from "../config/read-config.ts";

/** Pieces of the vocabulary that is learned from the text. */
export const quickstartVocabulary = 4096;

/** What is trained in one to three minutes on two cores. */
const native = { length: "3.6M tokens", evaluate: "900k tokens", save: "1.8M tokens" };

/** Without the native engine: less than half of the text, in about the same time. */
const portable = { length: "1.4M tokens", evaluate: "350k tokens", save: "700k tokens" };

/** @param engine `native`, or another one of the CPU backend */
export function quickstartConfig(engine: "native" | "portable", output: string, dataPath: string): TrainerConfig {
  const { length, evaluate, save } = engine === "native" ? native : portable;
  const config = {
    output,
    backend: "cpu",
    data: { path: dataPath, max_length: 128 },
    model: {
      num_hidden_layers: 3,
      hidden_size: 96,
      num_attention_heads: 3,
      intermediate_size: 192,
      global_attn_every_n_layers: 3,
      local_attention: 8,
      initializer_range: 0.05,
      attn_out_dropout_prob: 0,
    },
    batch: { micro_batch_tokens: 512, micro_batches: 1 },
    length,
    optimizer: { learning_rate: 3e-3 },
    schedule: { kind: "wsd", warmup: "10%", decay: "50%" },
    evaluation: { every: evaluate, tokens: "60k" },
    checkpoints: { every: save, keep: 1 },
  };
  return checkConfig(config, "quickstart");
}
