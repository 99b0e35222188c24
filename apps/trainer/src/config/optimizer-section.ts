/** The section `optimizer` of a configuration. */
import { z } from "zod";

export interface OptimizerConfig {
  readonly learning_rate: number;
  readonly weight_decay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly clip_norm?: number | undefined;
}

export const optimizerSection: z.ZodType<OptimizerConfig, unknown> = z
  .strictObject({
    learning_rate: z.number().gt(0).default(8e-4).describe("The peak of the schedule."),
    weight_decay: z
      .number()
      .min(0)
      .default(1e-5)
      .describe(
        "Fully decoupled: subtracted at this rate whatever the learning rate's peak. Not for norms and biases.",
      ),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.98),
    eps: z.number().gt(0).default(1e-6),
    clip_norm: z
      .number()
      .gt(0)
      .optional()
      .describe("Clip gradients to this global norm; ModernBERT was trained without."),
  })
  .prefault({})
  .describe("StableAdamW.");
