/** Classification of whole texts, in the shape of transformers' text-classification pipeline. */
import { sequenceClassificationLogits } from "@modernbert-ts/encoder";
import type { EncoderInfo } from "@modernbert-ts/encoder";
import { cast } from "@modernbert-ts/tensor-core";
import { encodeTexts, requireFinite } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { softmax } from "./ranking.ts";
import { runTaskOnTexts } from "./run-task.ts";
import type { Task } from "./task.ts";

export interface LabelScore {
  readonly label: string;
  /** A probability; for regression the predicted value. */
  readonly score: number;
}

export const classifyTask: Task<object, readonly LabelScore[]> = {
  name: "classify",
  heads: ["sequence-classification"],

  prepare: (text, texts, options) => encodeTexts(text, "classify", texts, options),

  async run({ model }, pack) {
    const logits = model.run(pack, (hidden, batch) => cast(sequenceClassificationLogits(model, hidden, batch), "f32"));
    try {
      const values = requireFinite("classify", (await logits.read()) as Float32Array);
      const sequences = pack.cuSeqlens.length - 1;
      const labels = values.length / sequences;
      return Array.from({ length: sequences }, (_, row) =>
        score(model.info, values.subarray(row * labels, (row + 1) * labels)),
      );
    } finally {
      logits.dispose();
    }
  },

  transferable: () => [],
};

/**
 * All labels of each text, best first. Single label: softmax; one label, or multi label: sigmoid; regression: the value as it is
 * (`problem_type` in config.json decides, and the number of labels where it is absent).
 */
export async function classify(
  model: TextModel,
  texts: readonly string[],
  options: EncodeOptions & PackOptions = {},
): Promise<(readonly LabelScore[])[]> {
  return runTaskOnTexts(classifyTask, model, texts, options);
}

function score({ problemType, labels }: EncoderInfo, logits: Float32Array): LabelScore[] {
  const values = Array.from(probabilities(problemType, logits));
  return values.map((value, index) => ({ label: labels[index]!, score: value })).toSorted((a, b) => b.score - a.score);
}

function probabilities(problem: EncoderInfo["problemType"], logits: Float32Array): ArrayLike<number> {
  if (problem === "regression") return logits;
  if (problem === "multi_label_classification" || logits.length === 1) return Array.from(logits, sigmoid);
  return softmax(logits);
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
