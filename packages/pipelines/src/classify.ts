/** Classification of whole texts, in the shape of transformers' text-classification pipeline. */
import { packSequences, sequenceClassificationLogits } from "@modernbert-ts/modernbert";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Pipeline } from "./pipeline.ts";
import { softmax } from "./ranking.ts";
import { defaultPackTokens, encodeTexts, inPacks } from "./sequences.ts";
import type { EncodeOptions } from "./sequences.ts";

export interface LabelScore {
  readonly label: string;
  /** A probability; for regression the predicted value. */
  readonly score: number;
}

/**
 * All labels of each text, best first. Single label: softmax; one label, or multi label: sigmoid; regression: the value as it is
 * (`problem_type` in config.json decides, and the number of labels where it is absent).
 */
export async function classify(
  pipeline: Pipeline,
  texts: readonly string[],
  options: EncodeOptions = {},
): Promise<LabelScore[][]> {
  const { model, runtime } = pipeline;
  if (model.head !== "sequence-classification") {
    throw new TensorError("classify", `expected a sequence-classification model, got head ${model.head}`);
  }
  return inPacks(encodeTexts(pipeline, "classify", texts, options), defaultPackTokens, async (pack) => {
    const batch = packSequences(pack);
    const logits = runtime.scope(() => sequenceClassificationLogits(model, model.encode(batch), batch));
    try {
      const values = (await logits.read()) as Float32Array;
      const labels = values.length / pack.length;
      return pack.map((_, index) => score(model.config, values.subarray(index * labels, (index + 1) * labels)));
    } finally {
      logits.dispose();
    }
  });
}

function score(config: Pipeline["model"]["config"], logits: Float32Array): LabelScore[] {
  const { problemType } = config;
  const scores =
    problemType === "regression"
      ? logits
      : problemType === "multi_label_classification" || logits.length === 1
        ? logits.map(sigmoid)
        : softmax(logits);
  return Array.from(scores, (value, index) => ({
    label: config.id2label[index] ?? `LABEL_${index}`,
    score: value,
  })).toSorted((a, b) => b.score - a.score);
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
