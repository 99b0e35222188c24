/** Classification of whole texts, and of pairs of texts, in the shape of transformers' text-classification pipeline. */
import { chosenPrompt } from "../folder/prompts.ts";
import { encodeText } from "../sequences.ts";
import type { EncodeOptions, PackOptions, TextInput, TextPair } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { runTask } from "./run-task.ts";
import { applyFunction, sequenceLogitsTask, usualFunction } from "./sequence-logits.ts";
import type { FunctionToApply } from "./sequence-logits.ts";
import type { Task, TextSide } from "./task.ts";

export interface LabelScore {
  readonly label: string;
  /** A probability; for regression the predicted value. */
  readonly score: number;
}

export interface ClassifyOptions {
  /** How many of the best labels; all by default. */
  readonly topK?: number;
  /**
   * Default: by `problem_type` of config.json, or the number of labels where it says none: softmax for single label, sigmoid for multi
   * label or one label, none for regression.
   */
  readonly functionToApply?: FunctionToApply;
}

export const classifyTask: Task<TextInput | TextPair, ClassifyOptions, Float32Array, readonly LabelScore[]> = {
  ...sequenceLogitsTask("classify"),
  prepare: async (text, input, options) => ({
    sequences: [await encodeText(text, "classify", input, options, chosenPrompt(text.settings, {}))],
    join: ([logits]) => best(text, logits!, options),
  }),
};

/**
 * Labels of each text or pair, best first. A pair is put together by the tokenizer's own template; with `truncate` the longer of the two
 * is cut first.
 * @throws TensorError on an empty text, and on one that is too long without `truncate`.
 */
export async function classify(
  model: TextModel,
  inputs: readonly (string | TextPair)[],
  options: ClassifyOptions & EncodeOptions & PackOptions = {},
): Promise<(readonly LabelScore[])[]> {
  return runTask(classifyTask, model, inputs, options);
}

function best({ info }: TextSide, logits: Float32Array, options: ClassifyOptions): LabelScore[] {
  const { functionToApply = usualFunction(info), topK } = options;
  return applyFunction(functionToApply, logits)
    .map((score, index) => ({ label: info.labels[index]!, score }))
    .toSorted((a, b) => b.score - a.score)
    .slice(0, topK);
}
