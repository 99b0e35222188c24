/** Zero-shot classification: a model of natural language inference says how well hypotheses made of labels follow from a text. */
import type { Sequence } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import { encodeWithOffsets, sequenceOf } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { softmax } from "./ranking.ts";
import { runTask } from "./run-task.ts";
import { sequenceLogitsTask } from "./sequence-logits.ts";
import type { Task, TextSide } from "./task.ts";

export interface ZeroShotInput {
  readonly text: string;
  readonly labels: readonly string[];
}

export interface ZeroShotOptions {
  /** Made a hypothesis by putting a label in place of `{}`. Default "This example is {}." */
  readonly hypothesisTemplate?: string;
  /** Each label by itself, instead of one of all. Default false. */
  readonly multiLabel?: boolean;
}

export interface ZeroShotAnswer {
  readonly sequence: string;
  /** The most likely first. */
  readonly labels: string[];
  /** Probabilities of these labels. Their sum is 1 unless `multiLabel`. */
  readonly scores: number[];
}

const operation = "zeroShot";

/** An input takes a sequence per label: text and hypothesis as a pair. */
export const zeroShotTask: Task<ZeroShotInput, ZeroShotOptions, Float32Array, ZeroShotAnswer> = {
  ...sequenceLogitsTask(operation),
  async prepare(text, { text: premise, labels }, options) {
    const { hypothesisTemplate = "This example is {}.", name = "text 0", truncate = false } = options;
    entailmentOf(text);
    if (labels.length === 0) throw new TensorError(operation, `expected labels for ${name}, got none`);
    if (!hypothesisTemplate.includes("{}")) {
      throw new TensorError(
        operation,
        `expected {} in the hypothesis template where the label goes, got ${JSON.stringify(hypothesisTemplate)}`,
      );
    }
    const sequences: Sequence[] = [];
    for (const label of labels) {
      const hypothesis = hypothesisTemplate.replace("{}", () => label);
      const { maxLength } = text.settings;
      const truncation = truncate && ({ maxLength, strategy: "only_first" } as const);
      const pair = [premise, hypothesis] as const;
      const encoding = await encodeWithOffsets(text, operation, pair, { truncate, name }, "", { truncation });
      sequences.push(sequenceOf(text, encoding));
    }
    return { sequences, join: (logits) => rank(text, { text: premise, labels }, logits, options) };
  },
};

/**
 * How well each label fits each text, as transformers' zero-shot-classification pipeline has it. With `truncate` the text is cut, never the
 * hypothesis.
 * @throws TensorError on a model without a label that begins with "entail", no labels, or a template without {}.
 */
export async function zeroShot(
  model: TextModel,
  texts: readonly string[],
  labels: readonly string[],
  options: ZeroShotOptions & EncodeOptions & PackOptions = {},
): Promise<ZeroShotAnswer[]> {
  return runTask(
    zeroShotTask,
    model,
    texts.map((text) => ({ text, labels })),
    options,
  );
}

/** Place of the label that says "it follows". @throws TensorError where there is none. */
function entailmentOf({ info: { labels } }: TextSide): number {
  const at = labels.findIndex((label) => label.toLowerCase().startsWith("entail"));
  if (at !== -1 && labels.length > 1) return at;
  throw new TensorError(
    operation,
    `expected a model of natural language inference, with a label "entailment" and another, got ${labels.join(", ")}: name its labels in id2label of config.json`,
  );
}

/**
 * One of all: softmax over the labels' logits of entailment. Each by itself, or a single label: softmax of entailment and contradiction,
 * which is the first label, or the last where entailment is the first.
 */
function rank(
  text: TextSide,
  input: ZeroShotInput,
  logits: readonly Float32Array[],
  { multiLabel = false }: ZeroShotOptions,
): ZeroShotAnswer {
  const entailment = entailmentOf(text);
  const contradiction = entailment === 0 ? text.info.labels.length - 1 : 0;
  const alone = multiLabel || input.labels.length === 1;
  const scores = alone
    ? logits.map((values) => softmax(Float32Array.of(values[entailment]!, values[contradiction]!))[0]!)
    : Array.from(softmax(Float32Array.from(logits, (values) => values[entailment]!)));
  const order = [...scores.keys()].toSorted((a, b) => scores[b]! - scores[a]!);
  return {
    sequence: input.text,
    labels: order.map((at) => input.labels[at]!),
    scores: order.map((at) => scores[at]!),
  };
}
