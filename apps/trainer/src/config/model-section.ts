/** The section `model` of a configuration. */
import { z } from "zod";

export interface ModelConfig {
  readonly from?: string | undefined;
  readonly freeze: readonly string[];
  readonly preset: string;
  readonly num_hidden_layers?: number | undefined;
  readonly hidden_size?: number | undefined;
  readonly num_attention_heads?: number | undefined;
  readonly intermediate_size?: number | undefined;
  readonly global_attn_every_n_layers?: number | undefined;
  readonly local_attention?: number | undefined;
  readonly global_rope_theta?: number | undefined;
  readonly local_rope_theta?: number | undefined;
  readonly initializer_range: number;
  readonly dropout?: number | undefined;
  readonly attn_out_dropout_prob?: number | undefined;
  readonly initialisation?: "flexbert" | "huggingface" | undefined;
  readonly hidden_dropout_prob?: number | undefined;
  readonly attention_probs_dropout_prob?: number | undefined;
  readonly positions?: "rope" | "learned" | undefined;
  readonly norm_placement?: "pre" | "post" | undefined;
  readonly gated?: boolean | undefined;
  readonly biases?: boolean | undefined;
  readonly max_position_embeddings?: number | undefined;
}

const ofBert = ["bert-tiny", "bert-mini", "bert-small", "bert-medium", "bert-base", "bert-large"];
const presetNames = ["17m", "32m", "68m", "150m", "400m", "1b", "base", "large", ...ofBert, "variant"];

const positive = z.int().min(1);
const rate = z.number().min(0).lt(1).optional();

export const modelSection: z.ZodType<ModelConfig, unknown> = z
  .strictObject({
    from: z
      .string()
      .min(1)
      .optional()
      .describe("Hugging Face folder to go on from, with the shape that it has. From scratch when left out."),
    freeze: z
      .array(z.string().min(1))
      .default([])
      .describe("Parts of names of parameters to leave as they are, such as [embeddings, layers.0-5]."),
    preset: z
      .enum(presetNames)
      .default("17m")
      .describe(`Shape to start from: ${presetNames.join(", ")}.`),
    num_hidden_layers: positive.optional().describe("These four override the preset."),
    hidden_size: positive.optional(),
    num_attention_heads: positive.optional(),
    intermediate_size: positive.optional(),
    global_attn_every_n_layers: positive
      .optional()
      .describe(
        "Of ModernBERT, as are the next three: 3 when left out. Layers 0, 3, 6, ... attend to the whole sequence, the others to a sliding window.",
      ),
    local_attention: positive
      .optional()
      .describe("Width of that window in tokens, half to each side; 128 when left out."),
    global_rope_theta: z
      .number()
      .gt(0)
      .optional()
      .describe(
        "Base of the rotary angles in layers that attend to all; 160000, or as in `from`. 10000 suits 1024 tokens.",
      ),
    local_rope_theta: z.number().gt(0).optional().describe("The same of the others; 10000, or as in `from`."),
    initializer_range: z
      .number()
      .gt(0)
      .default(0.02)
      .describe("Standard deviation of the initial weights; narrow models learn faster from larger ones."),
    dropout: rate.describe(
      "For the fields *_dropout_prob below, whichever the architecture has, where they are left out.",
    ),
    attn_out_dropout_prob: rate.describe(
      "Of ModernBERT: dropout after the attention's output projection, in training only; 0.1 when left out.",
    ),
    initialisation: z
      .enum(["flexbert", "huggingface"])
      .optional()
      .describe(
        "Of ModernBERT: initial weights as in the original training code (flexbert, when left out), or as transformers makes them.",
      ),
    hidden_dropout_prob: rate.describe(
      "Of BERT: dropout of embeddings and of what layers add, in training only; 0.1 when left out, or as in `from`.",
    ),
    attention_probs_dropout_prob: rate.describe("The same of attention probabilities."),
    positions: z
      .enum(["rope", "learned"])
      .optional()
      .describe("Of preset variant, for ablations of ModernBERT, as are the next four: rope when left out."),
    norm_placement: z.enum(["pre", "post"]).optional().describe("pre when left out."),
    gated: z.boolean().optional().describe("Whether the feed-forward part is a gated unit; true when left out."),
    biases: z.boolean().optional().describe("Of norms, attention and feed-forward parts; false when left out."),
    max_position_embeddings: positive
      .optional()
      .describe("The longest text, 8192 when left out: learned positions have a row for each place."),
  })
  .prefault({})
  .describe("Which model.");
