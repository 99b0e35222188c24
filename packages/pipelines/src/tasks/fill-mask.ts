/** Fill-mask: the most likely tokens for every mask of a text, in the shape of transformers' fill-mask pipeline. */
import { idsOf, maskedLmLogits } from "@modernbert-ts/encoder";
import type { Encoder, PackedBatch, Sequence } from "@modernbert-ts/encoder";
import { cast, slice, TensorError } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { encodeText } from "../sequences.ts";
import type { EncodeOptions, PackOptions, TextInput } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { hiddenRows, maskToken, rowsAtOnce } from "./masks.ts";
import { topProbabilities } from "./ranking.ts";
import type { Ranked } from "./ranking.ts";
import { runTask } from "./run-task.ts";
import { oneSequence, sequencesOf } from "./task.ts";
import type { Task } from "./task.ts";

export interface RankOptions {
  /** Predictions per mask, default 5. */
  readonly topK?: number;
  /** Ids to choose from, of all tokens where absent; see `targetTokens`. */
  readonly targets?: readonly number[];
}

export interface FillMaskOptions extends RankOptions, PackOptions {}

/** Ids of words that a mask may be filled with. @throws TensorError on one that is not one token of the model. */
export function targetTokens(
  { tokenizer, settings: { vocabSize } }: Pick<TextModel, "tokenizer" | "settings">,
  targets: readonly string[],
): number[] {
  return targets.map((target) => {
    const known = tokenizer.tokenToId(target);
    const { ids } = tokenizer.encode(target, { addSpecialTokens: false, padding: false, truncation: false });
    const id = known ?? (ids.length === 1 ? ids[0]! : vocabSize);
    if (id < vocabSize) return id;
    throw new TensorError(
      "fillMask",
      `expected targets of one token of the model, got ${JSON.stringify(target)}: choose another (words within a text begin with a space)`,
    );
  });
}

export interface MaskPrediction {
  readonly score: number;
  readonly token: number;
  /** The token as text; ModernBERT's word-initial tokens begin with a space. */
  readonly token_str: string;
  /** The whole text with this token in this mask's place: without special tokens, or with them where other masks stay. */
  readonly sequence: string;
}

export const fillMaskTask: Task<TextInput, RankOptions, readonly (readonly MaskPrediction[])[]> = {
  name: "fillMask",
  heads: ["masked-lm", "pretraining"],

  async prepare(text, input, options) {
    const sequence = await encodeText(text, "fillMask", input, options);
    const mask = maskToken("fillMask", text);
    if (idsOf(sequence).includes(mask)) return oneSequence(sequence);
    const { name = "text 0" } = options;
    throw new TensorError(
      "fillMask",
      `expected ${text.tokenizer.idToToken(mask)} where a word is wanted, got none in ${name}`,
    );
  },

  async run(model, pack, options) {
    const ranked = await rankPack(model, pack, options);
    const sequences = sequencesOf(pack).map(idsOf);
    return ranked.map((masks, index) => describePredictions(model, sequences[index]!, masks));
  },

  transferable: () => [],
};

/** The same without texts. */
const rankTask: Task<Sequence, RankOptions, Ranked[][]> = {
  name: fillMaskTask.name,
  heads: fillMaskTask.heads,
  prepare: async (_, sequence) => oneSequence(sequence),
  run: rankPack,
  transferable: () => [],
};

/** For each sequence, for each of its masks in order, the top predictions. Sequences without a mask give []. */
export async function fillMaskSequences(
  model: TextModel,
  sequences: readonly Sequence[],
  options: FillMaskOptions = {},
): Promise<Ranked[][][]> {
  return runTask(rankTask, model, sequences, options);
}

/** For each text, for each mask, predictions with their texts. A text without a mask is an error. */
export async function fillMask(
  model: TextModel,
  texts: readonly string[],
  options: FillMaskOptions & EncodeOptions = {},
): Promise<(readonly (readonly MaskPrediction[])[])[]> {
  return runTask(fillMaskTask, model, texts, options);
}

async function rankPack(text: TextModel, pack: PackedBatch, options: RankOptions): Promise<Ranked[][][]> {
  const { model } = text;
  const mask = maskToken("fillMask", text);
  const { targets } = options;
  const topK = Math.min(options.topK ?? 5, model.info.vocabSize);
  const sequences = sequencesOf(pack).map(idsOf);
  const positions = Int32Array.from([...pack.ids.keys()].filter((at) => pack.ids[at] === mask));
  if (positions.length === 0) return sequences.map(() => []);
  const rows = hiddenRows(model, pack, positions);
  try {
    const ranked: Ranked[][] = [];
    for (let at = 0; at < positions.length; at += rowsAtOnce) {
      const logits = await readRows(model, rows, at, Math.min(at + rowsAtOnce, positions.length));
      ranked.push(...logits.map((row) => topProbabilities(row, topK, targets)));
    }
    return sequences.map((sequence) => ranked.splice(0, sequence.filter((id) => id === mask).length));
  } finally {
    rows.dispose();
  }
}

/** Adds token and sequence texts to ranked ids. */
export function describePredictions(
  { tokenizer }: Pick<TextModel, "tokenizer">,
  sequence: Int32Array,
  masks: readonly (readonly Ranked[])[],
): MaskPrediction[][] {
  const { pad, mask } = tokenizer.specialTokens;
  const places = [...sequence.keys()].filter((at) => sequence[at] === mask);
  const text = (ids: ArrayLike<number>, skipSpecialTokens = false): string =>
    tokenizer.decode(ids, { skipSpecialTokens });
  return masks.map((predictions, index) =>
    predictions.map(({ id, score }) => {
      const filled = sequence.with(places[index]!, id).filter((other) => other !== pad);
      return { score, token: id, token_str: text([id]), sequence: text(filled, places.length === 1) };
    }),
  );
}

/** Logits of the masks from `first` to `end`. */
async function readRows(model: Encoder, rows: Tensor, first: number, end: number): Promise<Float32Array[]> {
  const { vocabSize } = model.info;
  const logits = model.runtime.scope(() => cast(maskedLmLogits(model, slice(rows, 0, first, end)), "f32"));
  try {
    const values = (await logits.read()) as Float32Array;
    return Array.from({ length: end - first }, (_, row) => values.subarray(row * vocabSize, (row + 1) * vocabSize));
  } finally {
    logits.dispose();
  }
}
