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
        reason: "one to three minutes on two cores, three to ten where WebAssembly has to do for want of a C compiler",
        vocabSize: 4096,
        config: checkConfig(
          {
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
            length: "3.6M tokens",
            optimizer: { learning_rate: 3e-3 },
            schedule: { kind: "wsd", warmup: "10%", decay: "50%" },
            evaluation: { every: "900k tokens", tokens: "60k" },
            checkpoints: { every: "1.8M tokens", keep: 1 },
          },
          "quickstart",
        ),
      };
    case "typescript":
      return {
        reason:
          "a smaller model and less text than usual, because the engine in plain TypeScript is slow: take a Node with WebAssembly SIMD, or install a C compiler (cc, gcc or clang), and run again for the real one",
        vocabSize: 1024,
        config: checkConfig(
          {
            output,
            backend: "cpu",
            data: { path: dataPath, max_length: 64 },
            model: {
              num_hidden_layers: 2,
              hidden_size: 64,
              num_attention_heads: 2,
              intermediate_size: 96,
              local_attention: 8,
              initializer_range: 0.05,
              attn_out_dropout_prob: 0,
            },
            batch: { micro_batch_tokens: 256, micro_batches: 1 },
            length: "240k tokens",
            optimizer: { learning_rate: 4e-3 },
            schedule: { kind: "wsd", warmup: "10%", decay: "50%" },
            evaluation: { every: "80k tokens", tokens: "10k" },
            checkpoints: { every: "120k tokens", keep: 1 },
          },
          "quickstart",
        ),
      };
    default:
      throw new Error(`unknown engine ${String(engine satisfies never)}`);
  }
}
