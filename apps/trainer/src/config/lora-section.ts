/** The section `lora` of a configuration. */
import { z } from "zod";

export interface LoraConfig {
  readonly rank?: number | undefined;
  readonly alpha: number;
  readonly targets: readonly string[];
  readonly dropout: number;
  readonly rslora: boolean;
}

export const loraSection: z.ZodType<LoraConfig, unknown> = z
  .strictObject({
    rank: z
      .int()
      .min(1)
      .optional()
      .describe(
        "Train matrices of this rank beside the linear layers of model.from, which stays, and the head; such as 8. The whole model when left out.",
      ),
    alpha: z.number().gt(0).default(16).describe("What is learned is multiplied by alpha / rank."),
    targets: z
      .array(z.string().min(1))
      .min(1)
      .default(["Wqkv", "Wo", "Wi"])
      .describe("Parts of names of the layers: Wqkv, attn.Wo, layers.0-5.mlp.Wi."),
    dropout: z
      .number()
      .refine(
        (rate) => rate === 0,
        "expected 0: inputs of adapters are never dropped here; model.attn_out_dropout_prob drops elsewhere",
      )
      .default(0)
      .describe("0; no other is built."),
    rslora: z.boolean().default(false).describe("Multiply by alpha / √rank instead, for large ranks."),
  })
  .prefault({})
  .describe("LoRA (arXiv 2106.09685): leaves an adapter as PEFT has them, and the model with it folded in.");
