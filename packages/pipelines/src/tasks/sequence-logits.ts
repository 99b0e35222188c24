/** Logits of a sequence classifier, and what probabilities they stand for. */
import { sequenceClassificationLogits } from "@modernbert-ts/encoder";
import type { EncoderInfo, Head, PackedBatch } from "@modernbert-ts/encoder";
import { requireCrossEncoder } from "../folder/cross-encoder.ts";
import { requireFinite } from "../sequences.ts";
import { requireSteps } from "../text-model.ts";
import type { TextModel } from "../text-model.ts";
import { pooledVectors } from "./pooled-vectors.ts";
import { softmax } from "./ranking.ts";
import { readLogits } from "./read-logits.ts";
import type { Task } from "./task.ts";

/** How logits become scores: the names of transformers. */
export type FunctionToApply = "sigmoid" | "softmax" | "none";

const heads: readonly Head[] = ["sequence-classification"];

/** What all tasks on such a model share: an output is the logits [C] of its sequence. */
export function sequenceLogitsTask(
  name: string,
): Pick<Task<never, object, Float32Array>, "name" | "heads" | "run" | "transferable"> {
  return {
    name,
    heads,
    run: (text, pack) => sequenceLogits(name, text, pack),
    transferable: ({ buffer }) => [buffer as ArrayBuffer],
  };
}

/** Of the folder's modules where these make scores, else of the model's head. */
async function sequenceLogits(operation: string, text: TextModel, pack: PackedBatch): Promise<Float32Array[]> {
  const { crossEncoder } = text.settings;
  if (crossEncoder) {
    const rows = await pooledVectors(operation, text, pack, requireCrossEncoder(operation, crossEncoder));
    const steps = requireSteps(operation, text, crossEncoder);
    return rows.map((row) =>
      requireFinite(
        operation,
        steps.reduce((vector, step) => step(vector), row),
      ),
    );
  }
  const values = await readLogits(operation, text, pack, sequenceClassificationLogits);
  const classes = text.info.labels.length;
  return Array.from({ length: values.length / classes }, (_, row) => values.slice(row * classes, (row + 1) * classes));
}

/** Single label: softmax; multi label, or one label: sigmoid; regression: none. Where config.json says no problem type, labels decide. */
export function usualFunction({ problemType, labels }: Pick<EncoderInfo, "problemType" | "labels">): FunctionToApply {
  if (problemType === "regression") return "none";
  return problemType === "multi_label_classification" || labels.length === 1 ? "sigmoid" : "softmax";
}

/** Scores of logits [C], in f64. @throws TensorError where softmax meets NaN or infinity. */
export function applyFunction(name: FunctionToApply, logits: Float32Array): number[] {
  switch (name) {
    case "softmax":
      return Array.from(softmax(logits));
    case "sigmoid":
      return Array.from(logits, sigmoid);
    case "none":
      return Array.from(logits);
    default:
      throw new Error(`internal: unknown function ${String(name satisfies never)}`);
  }
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
