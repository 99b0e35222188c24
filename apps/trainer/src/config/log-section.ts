/** The section `log` of the configuration: what is shown of a run, and where. */
import { z } from "zod";

export interface LogConfig {
  readonly tensorboard: boolean;
  readonly samples: readonly string[];
  readonly wandb_project?: string | undefined;
  readonly wandb_entity?: string | undefined;
  readonly peak_tflops?: number | undefined;
}

export const logSection: z.ZodType<LogConfig, unknown> = z
  .strictObject({
    tensorboard: z
      .boolean()
      .default(false)
      .describe(
        "Write tensorboard/ in the output folder: `tensorboard --logdir OUTPUT` reads it, also while training.",
      ),
    samples: z
      .array(z.string().min(1))
      .default([])
      .describe('Texts with a mask, such as "The [MASK] barked.": each evaluation shows what the model puts there.'),
    wandb_project: z
      .string()
      .min(1)
      .optional()
      .describe("Where W&B shows the run (WANDB_PROJECT or modernbert when left out); WANDB_API_KEY lets it in."),
    wandb_entity: z
      .string()
      .min(1)
      .optional()
      .describe("The team or user of W&B that the run is of (WANDB_ENTITY, or the key's own, when left out)."),
    peak_tflops: z
      .number()
      .gt(0)
      .optional()
      .describe(
        "What the device can do at `dtype` in TFLOPS (an H100 989 in bf16): shows how much of it the model uses.",
      ),
  })
  .prefault({})
  .describe("What to show of the run.");
