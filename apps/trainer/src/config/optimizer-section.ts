/** The section `optimizer` of a configuration. */
import { optimizerKinds } from "@modernbert-ts/training";
import type { Objective, OptimizerKind } from "@modernbert-ts/training";
import { z } from "zod";

export interface OptimizerConfig {
  readonly kind: OptimizerKind;
  readonly learning_rate: number;
  readonly learning_rates: Readonly<Record<string, number>>;
  readonly weight_decay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly momentum: number;
  readonly skip_above?: number | undefined;
  readonly skip_patience: number;
  readonly ema_decay?: number | undefined;
  readonly clip_norm?: number | undefined;
  readonly zero_stage: 0 | 1;
  readonly reduce_dtype: "f32" | "bf16";
  readonly bucket_mb?: number | undefined;
}

export function optimizerSection({ reading }: Pick<Objective, "reading">): z.ZodType<OptimizerConfig, unknown> {
  return z
    .strictObject({
      kind: z
        .enum(optimizerKinds)
        .default("stable_adamw")
        .describe(
          "stable_adamw: ModernBERT's; adamw: as in torch; muon: for the matrices of layers, AdamW for the rest.",
        ),
      learning_rate: z
        .number()
        .gt(0)
        .default(reading ? 8e-5 : 8e-4)
        .describe("The peak of the schedule."),
      learning_rates: z
        .record(z.string().min(1), z.number().gt(0))
        .default({})
        .describe(
          "Multiples of it by parts of names of parameters, the first that fits: {embeddings: 0.1, layers.0-5: 0.5}.",
        ),
      weight_decay: z
        .number()
        .min(0)
        .default(1e-5)
        .describe(
          "Not for norms and biases. stable_adamw: subtracted at this rate at the peak of the schedule, whatever the peak; adamw, muon: times the learning rate, so that 0.01 to 0.1 are usual.",
        ),
      beta1: z.number().min(0).lt(1).default(0.9),
      beta2: z.number().min(0).lt(1).default(0.98),
      eps: z.number().gt(0).default(1e-6),
      momentum: z.number().min(0).lt(1).default(0.95).describe("Of muon's matrices."),
      skip_above: z
        .number()
        .gt(1)
        .optional()
        .describe(
          "Skip steps whose gradient norm or loss is so many times its running mean, or not finite; 4 is a good start. When left out every step counts, as in the recipe, and one that is not finite ends the run.",
        ),
      skip_patience: z.int().min(1).default(20).describe("So many skipped steps in a row end the run."),
      ema_decay: z
        .number()
        .gt(0)
        .lt(1)
        .optional()
        .describe(
          "Keep an exponential moving average of the weights, such as 0.999: it is evaluated and exported in their place.",
        ),
      clip_norm: z
        .number()
        .gt(0)
        .optional()
        .describe("Clip gradients to this global norm; ModernBERT was trained without."),
      zero_stage: z
        .literal([0, 1])
        .default(0)
        .describe(
          "1 (ZeRO-1): processes that train together share the optimizer's state, each holds about its part; results are the same.",
        ),
      reduce_dtype: z
        .enum(["f32", "bf16"])
        .default("f32")
        .describe("In what processes that train together sum gradients: bf16 halves what they exchange, and rounds."),
      bucket_mb: z
        .number()
        .min(0)
        .optional()
        .describe(
          "They sum gradients in buckets of so many megabytes while the backward pass goes on; 0: behind it. When left out 25 on GPUs and 0 on CPUs.",
        ),
    })
    .prefault({})
    .describe("How parameters follow their gradients.");
}
