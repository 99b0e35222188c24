/** One vector per token (ColBERT, arXiv 2004.12832): queries filled up with [MASK], documents without the tokens of the skiplist. */
import { headNames, idsOf } from "@modernbert-ts/encoder";
import type { PackedBatch, Sequence } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { MultiVectorSettings, QueryExpansion } from "../folder/multi-vector.ts";
import { chosenPrompt } from "../folder/prompts.ts";
import type { PromptOptions, TextRole } from "../folder/prompts.ts";
import { encodeText, requireFinite } from "../sequences.ts";
import type { EncodeOptions, PackOptions } from "../sequences.ts";
import type { TextModel, TextSide } from "../text-model.ts";
import { hiddenStates } from "./embed-tokens.ts";
import type { TokenVectors } from "./embed-tokens.ts";
import { readHeaders, withHeader } from "./header.ts";
import { runTask } from "./run-task.ts";
import type { Task } from "./task.ts";

export interface MultiOptions extends Omit<PromptOptions, "role"> {
  /** Default: document. */
  readonly role?: TextRole;
}

const operation = "embedMulti";

/** A sequence carries how many of its tokens are keys: those that fill a query up see the others, and may not be seen. */
export const embedMultiTask: Task<string, MultiOptions, TokenVectors> = {
  name: operation,
  heads: headNames,

  async prepare(text, input, options) {
    const settings = requireMulti(text);
    checkPrefixes(text, settings);
    const { role = "document" } = options;
    const expansion = role === "query" ? settings.expansion : undefined;
    const maxLength = longest(settings, role, text.info.maxLength);
    const limited = { ...text, settings: { ...text.settings, maxLength } };
    const prompt = chosenPrompt(text.settings, { ...options, role });
    const sequence = await encodeText(limited, operation, input, options, prompt);
    const whole = expansion ? expanded(text, sequence, expansion) : sequence;
    const keys = idsOf(expansion?.attend ? whole : sequence).length;
    return { sequences: [withHeader([keys], whole)], tokens: idsOf(whole).length, join: ([vectors]) => vectors! };
  },

  async run(text, pack, { role = "document" }) {
    const settings = requireMulti(text);
    const { batch, headers } = readHeaders(pack);
    const skipped = settings.skiplistRoles.includes(role) ? skiplistIds(text, settings) : new Set<number>();
    const rows = await hiddenStates(text, withKeys(batch, headers));
    const { hiddenSize } = text.info;
    return headers.map((_, index) => {
      const places: number[] = [];
      for (let at = batch.cuSeqlens[index]!; at < batch.cuSeqlens[index + 1]!; at++) {
        if (!skipped.has(batch.ids[at]!)) places.push(at);
      }
      const values = new Float32Array(places.length * settings.width);
      for (const [row, place] of places.entries()) {
        const state = rows.slice(place * hiddenSize, (place + 1) * hiddenSize);
        const vector = (text.steps ?? []).reduce<Float32Array>((made, step) => step(made), state);
        values.set(vector, row * settings.width);
      }
      return { values: requireFinite(operation, values), width: settings.width };
    });
  },

  transferable: ({ values }) => [values.buffer as ArrayBuffer],
};

/** Vectors of the tokens of texts, queries or documents. @throws TensorError on a model of another kind, and like `embed`. */
export async function embedMulti(
  model: TextModel,
  texts: readonly string[],
  options: MultiOptions & EncodeOptions & PackOptions = {},
): Promise<TokenVectors[]> {
  return runTask(embedMultiTask, model, texts, options);
}

/** How well a document answers a query: for each vector of the query the largest dot product with one of the document, summed (f64). */
export function maxSim(query: TokenVectors, document: TokenVectors): number {
  const { width } = query;
  if (document.width !== width) {
    throw new TensorError("maxSim", `expected vectors of ${width} numbers in both, got ${document.width}`);
  }
  let score = 0;
  for (let from = 0; from < query.values.length; from += width) {
    let best = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < document.values.length; at += width) {
      let product = 0;
      for (let i = 0; i < width; i++) product += query.values[from + i]! * document.values[at + i]!;
      best = Math.max(best, product);
    }
    score += document.values.length === 0 ? 0 : best;
  }
  return score;
}

function requireMulti({ settings: { multiVector, embedding } }: TextSide): MultiVectorSettings {
  if (multiVector && multiVector.refused.length === 0) return multiVector;
  throw new TensorError(
    operation,
    `expected a multi-vector model (model_type ColBERT or MultiVectorEncoder) in ${embedding.folder}, got ${multiVector?.refused.join(", ") ?? "one of another kind"}: use one of PyLate or sentence-transformers 6`,
  );
}

function longest(
  { expansion, queryLength, documentLength }: MultiVectorSettings,
  role: TextRole,
  most: number,
): number {
  const stated = role === "document" ? documentLength : expansion?.fixed ? expansion.length : queryLength;
  const floor = role === "query" ? (expansion?.length ?? 0) : 0;
  return Math.min(Math.max(stated ?? most, floor), most);
}

/** Filled up to a query's length with tokens of type 0. */
function expanded({ tokenizer }: TextSide, sequence: Sequence, { length, token }: QueryExpansion): Sequence {
  const ids = idsOf(sequence);
  if (ids.length >= length) return sequence;
  const { mask, sep } = tokenizer.specialTokens;
  const filler = token === undefined ? (mask ?? sep) : tokenizer.tokenToId(token);
  if (filler === undefined || tokenizer.paddingSide === "left") {
    throw new TensorError(
      operation,
      `expected a tokenizer with ${token ?? "a mask token"} that pads on the right, got another: queries cannot be filled up`,
    );
  }
  const whole = new Int32Array(length).fill(filler);
  whole.set(ids);
  if (!("typeIds" in sequence)) return whole;
  const typeIds = new Int32Array(length);
  typeIds.set(sequence.typeIds);
  return { ids: whole, typeIds };
}

/** A prefix that the vocabulary has as one token was one when the model was trained. */
function checkPrefixes({ tokenizer }: TextSide, { prefixes }: MultiVectorSettings): void {
  for (const prefix of prefixes) {
    const id = tokenizer.tokenToId(prefix);
    if (id === undefined) continue;
    const { ids } = tokenizer.encode(prefix, { padding: false, truncation: false, addSpecialTokens: false });
    if (ids.length === 1 && ids[0] === id) continue;
    throw new TensorError(
      operation,
      `expected ${JSON.stringify(prefix)} to be one token in texts, as it is in the vocabulary, got ${ids.length}: add it to added_tokens of tokenizer.json as a special token, normalized false`,
    );
  }
}

/** Words that are no token of the vocabulary are left out, as in sentence-transformers. */
function skiplistIds({ tokenizer }: TextSide, { skiplist }: MultiVectorSettings): ReadonlySet<number> {
  return new Set(skiplist.flatMap((word) => tokenizer.tokenToId(word) ?? []));
}

/** The batch, with the keys of each sequence where these are not all of its tokens. */
function withKeys(batch: PackedBatch, headers: readonly Int32Array[]): PackedBatch {
  const keyCounts = Int32Array.from(headers, ([keys]) => keys!);
  const fewer = keyCounts.some((keys, n) => keys < batch.cuSeqlens[n + 1]! - batch.cuSeqlens[n]!);
  return fewer ? { ...batch, keyCounts } : batch;
}
