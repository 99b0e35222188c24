/** Classification of whole texts, in the shape of transformers' text-classification pipeline. */
import { packSequences, sequenceClassificationLogits } from "@modernbert-ts/encoder";
import { cast, TensorError } from "@modernbert-ts/tensor-core";
import type { EncoderInfo } from "@modernbert-ts/encoder";
import type { TextModel } from "./text-model.ts";
import { softmax } from "./ranking.ts";
import { defaultPackTokens, encodeTexts, inPacks, requireFinite } from "./sequences.ts";
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
  pipeline: TextModel,
  texts: readonly string[],
  options: EncodeOptions = {},
): Promise<LabelScore[][]> {
  const { model, runtime } = pipeline;
  if (model.head !== "sequence-classification") {
    throw new TensorError("classify", `expected a sequence-classification model, got one with head ${model.head}`);
  }
  return inPacks(encodeTexts(pipeline, "classify", texts, options), defaultPackTokens, async (pack) => {
    const logits = runtime.scope(() => {
      const batch = model.upload(packSequences(pack));
      return cast(sequenceClassificationLogits(model, model.forward(batch), batch), "f32");
    });
    try {
      const values = requireFinite("classify", (await logits.read()) as Float32Array);
      const labels = values.length / pack.length;
      return pack.map((_, index) => score(model.info, values.subarray(index * labels, (index + 1) * labels)));
    } finally {
      logits.dispose();
    }
  });
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
