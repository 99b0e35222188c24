/** Fill-mask: the most likely tokens for every [MASK] of a text, in the shape of transformers' fill-mask pipeline. */
import { maskedLmLogits, packSequences } from "@modernbert-ts/encoder";
import { cast, TensorError } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { TextModel } from "./text-model.ts";
import { topProbabilities } from "./ranking.ts";
import type { Ranked } from "./ranking.ts";
import { defaultPackTokens, encodeTexts, inPacks } from "./sequences.ts";
import type { EncodeOptions } from "./sequences.ts";

export interface FillMaskOptions {
  /** Predictions per mask, default 5. */
  readonly topK?: number;
  readonly maxTokensPerPack?: number;
}

export interface MaskPrediction {
  readonly score: number;
  readonly token: number;
  /** The token as text; ModernBERT's word-initial tokens begin with a space. */
  readonly token_str: string;
  /** The whole text with this token in this mask's place (other masks stay). */
  readonly sequence: string;
}

/** Masks whose logits are held at a time: 64 rows of 50,368 are 13 MB. */
const masksAtOnce = 64;

/** For each sequence, for each of its masks in order, the top predictions. Sequences without a mask give []. */
export async function fillMaskSequences(
  pipeline: Pick<TextModel, "model" | "runtime" | "tokenizer">,
  sequences: readonly Int32Array[],
  options: FillMaskOptions = {},
): Promise<Ranked[][][]> {
  const { model, runtime } = pipeline;
  if (model.head !== "masked-lm") {
    throw new TensorError("fillMask", `expected a masked-LM model, got one with head ${model.head}`);
  }
  const mask = maskToken(pipeline);
  const topK = Math.min(options.topK ?? 5, model.info.vocabSize);
  return inPacks(sequences, options.maxTokensPerPack ?? defaultPackTokens, async (pack) => {
    const batch = packSequences(pack);
    const positions = Int32Array.from([...batch.ids.keys()].filter((at) => batch.ids[at] === mask));
    if (positions.length === 0) return pack.map(() => []);
    const hidden = runtime.scope(() => model.encode(batch));
    try {
      const ranked: Ranked[][] = [];
      for (let at = 0; at < positions.length; at += masksAtOnce) {
        ranked.push(...(await rank(pipeline, hidden, positions.subarray(at, at + masksAtOnce), topK)));
      }
      return pack.map((sequence) => ranked.splice(0, sequence.filter((id) => id === mask).length));
    } finally {
      hidden.dispose();
    }
  });
}

/** For each text, for each mask, predictions with their texts. A text without a mask is an error. */
export async function fillMask(
  pipeline: TextModel,
  texts: readonly string[],
  options: FillMaskOptions & EncodeOptions = {},
): Promise<MaskPrediction[][][]> {
  const sequences = encodeTexts(pipeline, "fillMask", texts, options);
  const { nameOf = (index) => `text ${index}` } = options;
  const mask = maskToken(pipeline);
  const without = sequences.findIndex((sequence) => !sequence.includes(mask));
  if (without !== -1) {
    throw new TensorError("fillMask", `expected [MASK] where a word is wanted, got none in ${nameOf(without)}`);
  }
  const ranked = await fillMaskSequences(pipeline, sequences, options);
  return ranked.map((masks, index) => describePredictions(pipeline, sequences[index]!, masks));
}

/** Adds token and sequence texts to ranked ids. */
export function describePredictions(
  { tokenizer }: Pick<TextModel, "tokenizer">,
  sequence: Int32Array,
  masks: readonly (readonly Ranked[])[],
): MaskPrediction[][] {
  const { cls, sep, pad, mask } = tokenizer.specialTokens;
  const places = [...sequence.keys()].filter((at) => sequence[at] === mask);
  const text = (ids: ArrayLike<number>): string => tokenizer.decode(ids, { skipSpecialTokens: false });
  return masks.map((predictions, index) =>
    predictions.map(({ id, score }) => {
      const filled = sequence
        .with(places[index]!, id)
        .filter((other) => other !== cls && other !== sep && other !== pad);
      return { score, token: id, token_str: text([id]), sequence: text(filled) };
    }),
  );
}

async function rank(
  { model, runtime }: Pick<TextModel, "model" | "runtime">,
  hidden: Tensor,
  positions: Int32Array,
  topK: number,
): Promise<Ranked[][]> {
  const { vocabSize } = model.info;
  const logits = runtime.scope(() => cast(maskedLmLogits(model, hidden, positions), "f32"));
  try {
    const values = (await logits.read()) as Float32Array;
    return Array.from(positions, (_, row) =>
      topProbabilities(values.subarray(row * vocabSize, (row + 1) * vocabSize), topK),
    );
  } finally {
    logits.dispose();
  }
}

function maskToken({ tokenizer }: Pick<TextModel, "tokenizer">): number {
  const { mask } = tokenizer.specialTokens;
  if (mask === undefined) throw new TensorError("fillMask", "expected a tokenizer with [MASK], got one without");
  return mask;
}
