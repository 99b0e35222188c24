/** Fill-mask: the most likely tokens for every [MASK] of a text, in the shape of transformers' fill-mask pipeline. */
import { maskedLmLogits, packSequences } from "@modernbert-ts/modernbert";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { Pipeline } from "./pipeline.ts";
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

/** For each sequence, for each of its masks in order, the top predictions. Sequences without a mask give []. */
export async function fillMaskSequences(
  pipeline: Pipeline,
  sequences: readonly Int32Array[],
  options: FillMaskOptions = {},
): Promise<Ranked[][][]> {
  const { model, runtime, tokenizer } = pipeline;
  const { mask } = tokenizer.specialTokens;
  if (mask === undefined) throw new TensorError("fillMask", "expected a tokenizer with a mask token, got one without");
  const topK = Math.min(options.topK ?? 5, model.config.vocabSize);
  return inPacks(sequences, options.maxTokensPerPack ?? defaultPackTokens, async (pack) => {
    const batch = packSequences(pack);
    const positions = [...batch.ids.keys()].filter((at) => batch.ids[at] === mask);
    if (positions.length === 0) return pack.map(() => []);
    const logits = runtime.scope(() => maskedLmLogits(model, model.encode(batch), Int32Array.from(positions)));
    try {
      const values = (await logits.read()) as Float32Array;
      const { vocabSize } = model.config;
      let row = 0;
      return pack.map((sequence) => {
        const masks = sequence.filter((id) => id === mask).length;
        return Array.from({ length: masks }, () =>
          topProbabilities(values.subarray(row * vocabSize, ++row * vocabSize), topK),
        );
      });
    } finally {
      logits.dispose();
    }
  });
}

/** For each text, for each mask, predictions with their texts. A text without a mask is an error. */
export async function fillMask(
  pipeline: Pipeline,
  texts: readonly string[],
  options: FillMaskOptions & EncodeOptions = {},
): Promise<MaskPrediction[][][]> {
  const sequences = encodeTexts(pipeline, "fillMask", texts, options);
  const { mask } = pipeline.tokenizer.specialTokens;
  sequences.forEach((sequence, index) => {
    if (mask === undefined || !sequence.includes(mask)) {
      throw new TensorError("fillMask", `expected [MASK] in the text, got none in text ${index}`);
    }
  });
  const ranked = await fillMaskSequences(pipeline, sequences, options);
  return ranked.map((masks, index) => describePredictions(pipeline, sequences[index]!, masks));
}

/** Adds token and sequence texts to ranked ids. */
export function describePredictions(
  pipeline: Pick<Pipeline, "tokenizer">,
  sequence: Int32Array,
  masks: readonly (readonly Ranked[])[],
): MaskPrediction[][] {
  const { tokenizer } = pipeline;
  const places = [...sequence.keys()].filter((at) => sequence[at] === tokenizer.specialTokens.mask);
  return masks.map((predictions, mask) =>
    predictions.map(({ id, score }) => {
      const filled = sequence.with(places[mask]!, id);
      return { score, token: id, token_str: tokenizer.decode([id]), sequence: decodeKeepingMasks(tokenizer, filled) };
    }),
  );
}

/** Decodes without [CLS], [SEP] and padding, but with the masks that are left. */
function decodeKeepingMasks(tokenizer: Pipeline["tokenizer"], ids: Int32Array): string {
  const { cls, sep, pad } = tokenizer.specialTokens;
  return tokenizer.decode(
    ids.filter((id) => id !== cls && id !== sep && id !== pad),
    { skipSpecialTokens: false },
  );
}
