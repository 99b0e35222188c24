/** The choices that lie between BERT and ModernBERT, each switched alone. */
import type { JsonObject } from "../../records/record.ts";
import type { Changes } from "../training/pretrain.ts";
import { trainedModels } from "../quality/plan.ts";

export interface Choice {
  /** Of its records. */
  readonly key: string;
  /** What is switched, and from what. */
  readonly name: string;
  /** Which run it is compared with. */
  readonly of: "modernbert" | "bert";
  readonly changes: Changes;
}

const { preset: _, ...shape } = trainedModels.modernbert;
const variant = (fields: JsonObject = {}): Changes => ({ model: { ...shape, preset: "variant", ...fields } });
const modern = (changes: Changes): Changes => ({ ...variant(), ...changes });
const bert = (changes: Changes = {}): Changes => ({ model: trainedModels.bert, ...changes });

export const bases: readonly Choice[] = [
  { key: "modernbert", name: "ModernBERT's block", of: "modernbert", changes: variant() },
  { key: "bert", name: "BERT's block", of: "bert", changes: bert() },
];

/** Without a gate the unit is half as wide again, so that parameters stay. */
export const choices: readonly Choice[] = [
  {
    key: "learned-positions",
    name: "learned positions, not rotary",
    of: "modernbert",
    changes: variant({ positions: "learned", max_position_embeddings: 512 }),
  },
  {
    key: "post-norm",
    name: "norms behind the sums, not before",
    of: "modernbert",
    changes: variant({ norm_placement: "post" }),
  },
  {
    key: "gelu",
    name: "GELU, not GeGLU",
    of: "modernbert",
    changes: variant({ gated: false, intermediate_size: 288 }),
  },
  { key: "biases", name: "biases", of: "modernbert", changes: variant({ biases: true }) },
  { key: "global", name: "all layers global", of: "modernbert", changes: variant({ global_attn_every_n_layers: 1 }) },
  {
    key: "mask-15",
    name: "15 % masked, not 30 %",
    of: "modernbert",
    changes: modern({ masking: { probability: 0.15 } }),
  },
  { key: "adamw", name: "AdamW, not StableAdamW", of: "modernbert", changes: modern({ optimizer: { kind: "adamw" } }) },
  {
    key: "nsp",
    name: "next sentences beside masked tokens",
    of: "bert",
    changes: bert({ objective: "masked_lm_next_sentence" }),
  },
];
