/** Reranking: how well each of several texts answers a query, by a cross-encoder that reads both together. */
import type { Sequence } from "@modernbert-ts/encoder";
import { InputError, UnsuitableModelError } from "../errors.ts";
import { chosenPrompt } from "../folder/prompts.ts";
import { encodeText } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { runTask } from "./run-task.ts";
import { applyFunction, sequenceLogitsTask } from "./sequence-logits.ts";
import type { FunctionToApply } from "./sequence-logits.ts";
import type { Task, TextSide } from "./task.ts";

export interface RerankInput {
  readonly query: string;
  readonly texts: readonly string[];
}

export interface RerankOptions {
  /** Logits as they are. Default: the model's own `activation_fn`, a sigmoid where its folder names none. */
  readonly rawScores?: boolean;
  /** How many of the best texts; all by default. */
  readonly topN?: number;
  /** Answers hold their texts. Default false. */
  readonly returnTexts?: boolean;
}

export interface RankedText {
  /** Of the text in the input. */
  readonly index: number;
  /** From 0 to 1 where it went through a sigmoid. */
  readonly score: number;
  readonly text?: string;
}

const activations: ReadonlyMap<string, FunctionToApply> = new Map([
  ["Sigmoid", "sigmoid"],
  ["Identity", "none"],
]);

/** An input is a query with its texts, each a sequence of its own; its answer has the best text first, the earlier one on ties. */
export const rerankTask: Task<RerankInput, RerankOptions, Float32Array, readonly RankedText[]> = {
  ...sequenceLogitsTask("rerank"),
  async prepare(text, { query, texts }, options) {
    requireReranker(text);
    if (!options.rawScores) activationOf(text);
    const { topN } = options;
    if (topN !== undefined && !(Number.isSafeInteger(topN) && topN > 0)) {
      throw new InputError("rerank", "topN", `expected topN to be a positive whole number, got ${topN}`);
    }
    const { name = "text 0" } = options;
    const prompt = chosenPrompt(text.settings, {});
    const sequences: Sequence[] = [];
    for (const [index, other] of texts.entries()) {
      const named = { ...options, name: `the query with text ${index} of ${name}` };
      sequences.push(await encodeText(text, "rerank", [query, other], named, prompt));
    }
    return { sequences, join: (logits) => rank(text, texts, logits, options) };
  },
};

/**
 * Texts by how well they answer the query, best first, as sentence-transformers' `CrossEncoder.rank` gives them. A pair is put together by
 * the tokenizer's template, behind the folder's default prompt where it has one; with `truncate` the longer of the two is cut first.
 * @throws TensorError on a model with another number of labels than one, an empty text, and a pair that is too long without `truncate`.
 */
export async function rerank(
  model: TextModel,
  query: string,
  texts: readonly string[],
  options: RerankOptions & EncodeOptions & PackOptions = {},
): Promise<readonly RankedText[]> {
  if (texts.length === 0) return [];
  const [answer] = await runTask(rerankTask, model, [{ query, texts }], { nameOf: () => "the input", ...options });
  return answer!;
}

function requireReranker({ info: { labels } }: TextSide): void {
  if (labels.length === 1) return;
  throw new UnsuitableModelError(
    "rerank",
    `expected a model with one label, got ${labels.length} (${labels.slice(0, 5).join(", ")}): classify gives their scores`,
  );
}

/** @throws TensorError on an activation that is not computed. */
function activationOf({ settings: { activation } }: TextSide): FunctionToApply {
  if (activation === undefined) return "sigmoid";
  const known = activations.get(activation.slice(activation.lastIndexOf(".") + 1));
  if (known) return known;
  throw new UnsuitableModelError(
    "rerank",
    `expected the model's activation_fn to be ${[...activations.keys()].join(" or ")}, got ${JSON.stringify(activation)}`,
  );
}

function rank(
  text: TextSide,
  texts: readonly string[],
  logits: readonly Float32Array[],
  { rawScores = false, topN, returnTexts = false }: RerankOptions,
): RankedText[] {
  const activation = rawScores ? "none" : activationOf(text);
  return logits
    .map((values, index) => ({
      index,
      score: applyFunction(activation, values)[0]!,
      ...(returnTexts && { text: texts[index]! }),
    }))
    .toSorted((a, b) => b.score - a.score)
    .slice(0, topN);
}
