/** What `pipeline()` does for each task of transformers.js: its arguments, and results in its shapes. */
import { TensorError } from "@modernbert-ts/tensor-core";
import { classify } from "../tasks/classify.ts";
import type { LabelScore } from "../tasks/classify.ts";
import type { Aggregation, Entity } from "../tasks/entities.ts";
import { fillMask, targetTokens } from "../tasks/fill-mask.ts";
import type { MaskPrediction } from "../tasks/fill-mask.ts";
import { answerQuestions } from "../tasks/question-answering.ts";
import type { Answer } from "../tasks/question-answering.ts";
import { classifyTokens } from "../tasks/token-classification.ts";
import type { TextModel } from "../text-model.ts";
import { zeroShot } from "../tasks/zero-shot.ts";
import type { ZeroShotAnswer } from "../tasks/zero-shot.ts";
import { extractFeatures } from "./features.ts";
import type { FeatureOptions } from "./features.ts";
import { requireKnown } from "./options.ts";
import type { FeatureTensor } from "./tensor.ts";

type Texts = string | string[];
/** A list of results for a list of texts, one for a text. */
type Each<Q, R> = Q extends string[] ? R[] : R;
type IsTopK<O> = O extends { top_k: infer K } ? (1 extends K ? false : true) : false;

export type FeatureExtraction = (texts: Texts, options?: FeatureOptions) => Promise<FeatureTensor>;

export type TextClassification = <Q extends Texts, const O extends { top_k?: number | null } = object>(
  texts: Q,
  options?: O,
) => Promise<Q extends string[] ? (IsTopK<O> extends true ? LabelScore[][] : LabelScore[]) : LabelScore[]>;

type Token = Entity & { readonly entity: string; readonly index: number; readonly entity_group?: undefined };
type Group = Entity & { readonly entity_group: string; readonly entity?: undefined; readonly index?: undefined };
type Found<O> = O extends { aggregation_strategy: infer A } ? ([A] extends ["none"] ? Token : Group) : Token;

export interface TokenOptions {
  readonly ignore_labels?: string[];
  readonly aggregation_strategy?: Aggregation;
  /** See `TokenClassificationOptions`. */
  readonly stride?: number;
}

export type TokenClassification = <Q extends Texts, const O extends TokenOptions = object>(
  texts: Q,
  options?: O,
) => Promise<Each<Q, Found<O>[]>>;

export interface QuestionOptions {
  readonly top_k?: number;
  readonly max_answer_len?: number;
  readonly doc_stride?: number;
  readonly max_seq_len?: number;
  readonly handle_impossible_answer?: boolean;
  readonly align_to_words?: boolean;
}

export type QuestionAnswering = <Q extends Texts, const O extends QuestionOptions = object>(
  question: Q,
  context: Q,
  options?: O,
) => Promise<
  Q extends string[] ? (IsTopK<O> extends true ? Answer[][] : Answer[]) : IsTopK<O> extends true ? Answer[] : Answer
>;

export interface MaskOptions {
  readonly top_k?: number;
  /** Words to choose from, each one token of the model. */
  readonly targets?: string | string[];
  /** A list of predictions for each mask of a text, also where there is one. Default false: a text has one mask. */
  readonly all_masks?: boolean;
}

export type FillMask = <Q extends Texts, const O extends MaskOptions = object>(
  texts: Q,
  options?: O,
) => Promise<Each<Q, O extends { all_masks: true } ? MaskPrediction[][] : MaskPrediction[]>>;

export type ZeroShotClassification = <Q extends Texts>(
  texts: Q,
  candidate_labels: Texts,
  options?: { readonly hypothesis_template?: string; readonly multi_label?: boolean },
) => Promise<Each<Q, ZeroShotAnswer>>;

export interface TaskCallables {
  readonly "feature-extraction": FeatureExtraction;
  readonly "text-classification": TextClassification;
  readonly "token-classification": TokenClassification;
  readonly "question-answering": QuestionAnswering;
  readonly "fill-mask": FillMask;
  readonly "zero-shot-classification": ZeroShotClassification;
}

const longTexts = { truncate: true } as const;

/** One list for a text, a list of lists for several. */
async function forEach(texts: Texts, compute: (list: string[]) => Promise<readonly unknown[]>): Promise<unknown> {
  const answers = await compute([texts].flat());
  return Array.isArray(texts) ? answers : answers[0];
}

/** By task, a function of a model. Results have the types of `TaskCallables`. */
export const callables: {
  readonly [T in keyof TaskCallables]: (model: TextModel) => (...args: never[]) => Promise<unknown>;
} = {
  "feature-extraction":
    (model) =>
    (texts: Texts, options: FeatureOptions = {}) => {
      requireKnown("feature-extraction", options, ["pooling", "normalize", "quantize", "precision"]);
      return extractFeatures(model, [texts].flat(), options);
    },

  "text-classification":
    (model) =>
    async (texts: Texts, options: { top_k?: number | null } = {}) => {
      requireKnown("text-classification", options, ["top_k"]);
      const { top_k = 1 } = options;
      const topK = top_k === null ? {} : { topK: top_k };
      const answers = await classify(model, [texts].flat(), { ...longTexts, ...topK });
      if (top_k === 1) return answers.flat();
      return Array.isArray(texts) ? answers : answers[0];
    },

  "token-classification":
    (model) =>
    (texts: Texts, options: TokenOptions = {}) => {
      requireKnown("token-classification", options, ["ignore_labels", "aggregation_strategy", "stride"]);
      const {
        ignore_labels: ignoreLabels = ["O"],
        aggregation_strategy: aggregationStrategy = "none",
        stride,
      } = options;
      const ours = { ...longTexts, ignoreLabels, aggregationStrategy, ...(stride !== undefined && { stride }) };
      return forEach(texts, (list) => classifyTokens(model, list, ours));
    },

  "question-answering":
    (model) =>
    (question: Texts, context: Texts, options: QuestionOptions = {}) => {
      const names = ["top_k", "max_answer_len", "doc_stride", "max_seq_len", "handle_impossible_answer"];
      requireKnown("question-answering", options, [...names, "align_to_words"]);
      const contexts = [context].flat();
      const { top_k: topK = 1, doc_stride, max_seq_len } = options;
      const ours = {
        topK,
        maxAnswerLength: options.max_answer_len ?? 15,
        handleImpossibleAnswer: options.handle_impossible_answer ?? false,
        alignToWords: options.align_to_words ?? true,
        ...(doc_stride !== undefined && { docStride: doc_stride }),
        ...(max_seq_len !== undefined && { maxSeqLength: max_seq_len }),
      };
      return forEach(question, async (list) => {
        if (list.length !== contexts.length) {
          const counts = `${list.length} questions and ${contexts.length} contexts`;
          throw new TensorError("question-answering", `expected a context for each question, got ${counts}`);
        }
        const questions = list.map((text, at) => ({ question: text, context: contexts[at]! }));
        const answers = await answerQuestions(model, questions, ours);
        return topK === 1 ? answers.map(([answer]) => answer) : answers;
      });
    },

  "fill-mask":
    (model) =>
    (texts: Texts, options: MaskOptions = {}) => {
      requireKnown("fill-mask", options, ["top_k", "targets", "all_masks"]);
      const { top_k: topK = 5, targets, all_masks = false } = options;
      const ours = { ...longTexts, topK, ...(targets && { targets: targetTokens(model, [targets].flat()) }) };
      return forEach(texts, async (list) => {
        const answers = await fillMask(model, list, ours);
        return all_masks ? answers : answers.map((masks, at) => onlyMask(masks, at));
      });
    },

  "zero-shot-classification":
    (model) =>
    (texts: Texts, labels: Texts, options: { hypothesis_template?: string; multi_label?: boolean } = {}) => {
      requireKnown("zero-shot-classification", options, ["hypothesis_template", "multi_label"]);
      const { hypothesis_template: hypothesisTemplate = "This example is {}.", multi_label: multiLabel = false } =
        options;
      const ours = { ...longTexts, hypothesisTemplate, multiLabel };
      return forEach(texts, (list) => zeroShot(model, list, [labels].flat(), ours));
    },
};

function onlyMask<T>(masks: readonly T[], at: number): T {
  const [mask] = masks;
  if (mask !== undefined && masks.length === 1) return mask;
  throw new TensorError("fill-mask", `expected one mask, got ${masks.length} in text ${at}: ask for all_masks`);
}
