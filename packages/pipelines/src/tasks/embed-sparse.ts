/**
 * Sparse vectors (SPLADE, arXiv 2107.05720 and 2109.10086): a weight per token of the vocabulary, pooled from the logits of a masked-LM
 * model. Logits are made some rows at a time, never of a whole pack.
 */
import { maskedLmLogits } from "@modernbert-ts/encoder";
import type { Encoder } from "@modernbert-ts/encoder";
import { cast, contiguous, map, max, scalar, slice, sum, TensorError, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { SparseSettings } from "../folder/sparse.ts";
import { chosenPrompt } from "../folder/prompts.ts";
import type { PromptOptions } from "../folder/prompts.ts";
import { encodeText, requireFinite } from "../sequences.ts";
import type { EncodeOptions, PackOptions, TextInput } from "../sequences.ts";
import type { TextModel, TextSide } from "../text-model.ts";
import { rowsAtOnce } from "./masks.ts";
import { runTask } from "./run-task.ts";
import type { Task } from "./task.ts";

/** The numbers of a vector that are not 0. */
export interface SparseVector {
  /** Token ids, increasing. */
  readonly indices: Int32Array;
  /** Their weights, above 0. */
  readonly values: Float32Array;
}

export interface SparseAnswer extends SparseVector {
  /** What the indices stand for, in the vocabulary's writing. */
  readonly tokens: readonly string[];
}

export interface SparseOptions {
  /** Keep the largest so many weights; all by default. */
  readonly topK?: number;
  /** Of a masked-LM model whose folder asks for nothing else: pool its logits as SPLADE does by default. */
  readonly pooling?: "splade";
}

const operation = "embedSparse";

export const embedSparseTask: Task<TextInput, SparseOptions & PromptOptions, SparseVector, SparseAnswer> = {
  name: operation,
  heads: ["masked-lm"],

  async prepare(text, input, options) {
    requireSparse(text, options);
    const sequence = await encodeText(text, operation, input, options, chosenPrompt(text.settings, options));
    return {
      sequences: [sequence],
      join([vector]) {
        const tokens = Array.from(vector!.indices, (id) => text.tokenizer.idToToken(id) ?? "");
        return { ...vector!, tokens };
      },
    };
  },

  async run(text, pack, options) {
    const { model } = text;
    const { topK } = options;
    const settings = requireSparse(text, options);
    if (topK !== undefined && !(Number.isInteger(topK) && topK > 0)) {
      throw new TensorError(operation, `expected topK to be a positive whole number, got ${topK}`);
    }
    const hidden = model.run(pack, (rows) => contiguous(rows).alias());
    const vectors: SparseVector[] = [];
    try {
      for (const [index, end] of pack.cuSeqlens.subarray(1).entries()) {
        const weights = await poolLogits(model, hidden, pack.cuSeqlens[index]!, end, settings);
        vectors.push(sparse(requireFinite(operation, weights), topK));
      }
    } finally {
      hidden.dispose();
    }
    return vectors;
  },

  transferable: ({ indices, values }) => [indices.buffer as ArrayBuffer, values.buffer as ArrayBuffer],
};

/** Sparse vectors of texts. @throws TensorError on a model whose folder names no SpladePooling, and like `embed`. */
export async function embedSparse(
  model: TextModel,
  texts: readonly string[],
  options: SparseOptions & PromptOptions & EncodeOptions & PackOptions = {},
): Promise<SparseAnswer[]> {
  return runTask(embedSparseTask, model, texts, options);
}

const byDefault: SparseSettings = { strategy: "max", activation: "relu", refused: [] };

function requireSparse(text: TextSide, { pooling }: SparseOptions): SparseSettings {
  const { sparse: settings, embedding } = text.settings;
  if (settings && settings.refused.length === 0) return settings;
  const plain = embedding.steps.length === 0 && embedding.refusedModules.length === 0;
  if (!settings && pooling === "splade" && plain) return byDefault;
  throw new TensorError(
    operation,
    `expected modules Transformer and SpladePooling in ${embedding.folder}/modules.json, got ${settings?.refused.join(", ") ?? "no SpladePooling"}: use a SparseEncoder of sentence-transformers`,
  );
}

const u = scalar.add(x(0), 1);
/** log(1 + x), exact for small x too: the rounding of 1 + x is undone by its own quotient. */
const log1p = scalar.select(
  scalar.equal(u, 1),
  x(0),
  scalar.div(scalar.mul(x(0), scalar.log(u)), scalar.max(scalar.sub(u, 1), 1e-30)),
);
const relu = scalar.max(x(0), 0);

/** Rows `from` to `to` of hidden [T, d] → weights [V]; holds `rowsAtOnce` rows of logits. */
async function poolLogits(
  model: Encoder,
  hidden: Tensor,
  from: number,
  to: number,
  { strategy, activation }: SparseSettings,
): Promise<Float32Array> {
  const { runtime } = model;
  let pooled: Tensor | undefined;
  try {
    for (let at = from; at < to; at += rowsAtOnce) {
      const before = pooled;
      pooled = runtime.scope(() => {
        const logits = cast(maskedLmLogits(model, slice(hidden, 0, at, Math.min(to, at + rowsAtOnce))), "f32");
        const part = strategy === "max" ? max(logits, [0]) : sum(activate(logits, activation), [0]);
        const both = strategy === "max" ? scalar.max(x(0), x(1)) : scalar.add(x(0), x(1));
        return contiguous(before ? map(both, [before, part]) : part).alias();
      });
      before?.dispose();
    }
    const whole = runtime.scope(() => (strategy === "max" ? activate(pooled!, activation) : pooled!).alias());
    try {
      return (await whole.read()) as Float32Array;
    } finally {
      whole.dispose();
    }
  } finally {
    pooled?.dispose();
  }
}

/** The activation rises with the logit, so that of the largest is the largest. */
function activate(logits: Tensor, activation: SparseSettings["activation"]): Tensor {
  const once = map(log1p, [map(relu, [logits])]);
  return activation === "relu" ? once : map(log1p, [once]);
}

function sparse(weights: Float32Array, topK = weights.length): SparseVector {
  const positive = [...weights.keys()].filter((index) => weights[index]! > 0);
  const kept =
    positive.length <= topK
      ? positive
      : positive
          .toSorted((a, b) => weights[b]! - weights[a]! || a - b)
          .slice(0, topK)
          .toSorted((a, b) => a - b);
  return { indices: Int32Array.from(kept), values: Float32Array.from(kept, (index) => weights[index]!) };
}
