/**
 * How much is trained: fixed numbers of tokens, never a clock, so that two runs give the same model. Which plan is taken depends
 * only on the engine. How the numbers were found: README, "The quickstart".
 */
import type { TrainerConfig } from "../config/config.ts";
import { checkConfig } from "../config/read-config.ts";

export interface QuickstartPlan {
  /** What the person is told about it. */
  readonly reason: string;
  readonly vocabSize: number;
  readonly config: TrainerConfig;
}

export type QuickstartEngine = "native" | "typescript";

export function quickstartPlan(engine: QuickstartEngine, output: string, dataPath: string): QuickstartPlan {
  switch (engine) {
    case "native":
      return {
        reason: "about two minutes of training on two cores",
        vocabSize: 4096,
        config: checkConfig(
          {
            output,
            backend: "cpu",
            data: { path: dataPath, max_length: 128 },
            model: {
              num_hidden_layers: 4,
              hidden_size: 192,
              num_attention_heads: 3,
              intermediate_size: 256,
              attn_out_dropout_prob: 0,
            },
            batch: { micro_batch_tokens: 512, micro_batches: 1 },
            length: "2M tokens",
            optimizer: { learning_rate: 3e-3 },
            schedule: { kind: "linear", warmup: "10%" },
            evaluation: { every: "500k tokens", tokens: "60k" },
            checkpoints: { every: "1M tokens", keep: 1 },
          },
          "quickstart",
        ),
      };
    case "typescript":
      return {
        reason:
          "a smaller model and less text than usual, because the engine in plain TypeScript is slow: install a C compiler (cc, gcc or clang) and run again for the real one",
        vocabSize: 2048,
        config: checkConfig(
          {
            output,
            backend: "cpu",
            data: { path: dataPath, max_length: 64 },
            model: {
              num_hidden_layers: 1,
              hidden_size: 64,
              num_attention_heads: 1,
              intermediate_size: 96,
              attn_out_dropout_prob: 0,
            },
            batch: { micro_batch_tokens: 1024, micro_batches: 1 },
            length: "200k tokens",
            optimizer: { learning_rate: 5e-3 },
            schedule: { kind: "linear", warmup: "10%" },
            evaluation: { every: "100k tokens", tokens: "20k" },
            checkpoints: { every: "100k tokens", keep: 1 },
          },
          "quickstart",
        ),
      };
    default:
      throw new Error(`unknown engine ${String(engine satisfies never)}`);
  }
}
