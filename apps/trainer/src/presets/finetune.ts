/** To go on from a trained model on a task or on text of one's own: what ModernBERT was fine-tuned with on GLUE. */
import type { Objective } from "@modernbert-ts/training";
import { merge } from "../config/merge.ts";
import type { Fields } from "../config/merge.ts";
import type { Preset } from "./preset.ts";

export const finetune: Preset = {
  title: "to go on from a trained model: a small rate that falls to 0, three epochs, no dropout",
  notes: [
    "Rate, decay and warm-up as ModernBERT base was fine-tuned with on GLUE (arXiv 2412.13663, Table 6: 5e-5 to 8e-5).",
  ],
  fields: {
    model: { dropout: 0 },
    data: { max_length: 512 },
    length: "3 epochs",
    batch: { micro_batch_tokens: 4096 },
    optimizer: { learning_rate: 5e-5, weight_decay: 8e-6 },
    schedule: { kind: "linear", warmup: "6%" },
  },
};

/** Steps are counted in rows of documents, or in labelled examples. */
export function finetuneFields({ reading }: Pick<Objective, "reading">): Fields {
  return reading ? finetune.fields : merge(finetune.fields, { batch: { micro_batches: 2 } });
}
