/**
 * Pseudo-log-likelihood of a text (Salazar et al. 2020, https://arxiv.org/abs/1910.14659): each token is masked in turn, and the model
 * says how likely it is there, given all others. A text of T tokens takes T sequences of T tokens.
 */
import { idsOf, maskedLmLogits, readOnce } from "@modernbert-ts/encoder";
import type { Encoder, PackedBatch, Sequence } from "@modernbert-ts/encoder";
import { logSumExp, slice, sub, takeAlong, TensorError } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { encodeText, requireFinite } from "../sequences.ts";
import type { EncodeOptions, PackOptions, TextInput } from "../sequences.ts";
import type { TextModel } from "../text-model.ts";
import { readHeaders, withHeader } from "./header.ts";
import { hiddenRows, maskToken, rowsAtOnce } from "./masks.ts";
import { runTask } from "./run-task.ts";
import type { Task, TextSide } from "./task.ts";

export interface TokenLikelihood {
  readonly token: number;
  /** The token as text. */
  readonly token_str: string;
  /** Natural logarithm of the probability of this token, given all others. */
  readonly log_probability: number;
}

export interface PseudoLogLikelihood {
  /** The sum over tokens. exp(-pseudo_log_likelihood / num_tokens) is the pseudo-perplexity. */
  readonly pseudo_log_likelihood: number;
  readonly num_tokens: number;
  /** In the order of the text, without special tokens. */
  readonly tokens: readonly TokenLikelihood[];
}

const operation = "pseudoLogLikelihood";

/** A sequence of this task carries the place of the token to mask. */
export const pseudoLogLikelihoodTask: Task<TextInput, object, number, PseudoLogLikelihood> = {
  name: operation,
  heads: ["masked-lm", "pretraining"],

  async prepare(text, input, options) {
    const sequence = await encodeText(text, operation, input, options);
    const ids = idsOf(sequence);
    const places = placesOf(text, ids);
    if (places.length > 0) return { sequences: maskable(sequence, places), join: (logs) => sum(text, ids, logs) };
    const { name = "text 0" } = options;
    throw new TensorError(operation, `expected a token to score, got only special tokens in ${name}: leave it out`);
  },

  async run(text, pack) {
    const { model } = text;
    const { batch, positions, labels } = maskPlaces(pack, maskToken(operation, text));
    const hidden = hiddenRows(model, batch, positions);
    const values: number[] = [];
    try {
      for (let at = 0; at < positions.length; at += rowsAtOnce) {
        const some = labels.subarray(at, at + rowsAtOnce);
        const logs = await readOnce(model.runtime, () =>
          logProbabilities(model, slice(hidden, 0, at, at + some.length), some),
        );
        values.push(...requireFinite(operation, logs));
      }
    } finally {
      hidden.dispose();
    }
    return values;
  },

  transferable: () => [],
};

/**
 * Sum and tokens of each text. Special tokens are neither masked nor counted, [UNK] is: it stands for text.
 * @throws TensorError on a text that is empty, has special tokens only, or is too long unless `truncate`.
 */
export async function pseudoLogLikelihood(
  model: TextModel,
  texts: readonly string[],
  options: EncodeOptions & PackOptions = {},
): Promise<PseudoLogLikelihood[]> {
  return runTask(pseudoLogLikelihoodTask, model, texts, options);
}

function* maskable(sequence: Sequence, places: readonly number[]): Generator<Sequence> {
  for (const place of places) yield withHeader([place], sequence);
}

function sum(text: TextSide, sequence: Int32Array, logs: readonly number[]): PseudoLogLikelihood {
  const tokens = placesOf(text, sequence).map((place, index) => {
    const token = sequence[place]!;
    const token_str = text.tokenizer.decode([token], { skipSpecialTokens: false });
    return { token, token_str, log_probability: logs[index]! };
  });
  const total = logs.reduce((before, value) => before + value, 0);
  return { pseudo_log_likelihood: total, num_tokens: tokens.length, tokens };
}

/** Where the tokens of a sequence are that are no special ones. */
export function placesOf({ tokenizer }: Pick<TextSide, "tokenizer">, sequence: Int32Array): number[] {
  const { unk, ...roles } = tokenizer.specialTokens;
  const added = tokenizer.addedTokens.filter(({ special, id }) => special && id !== unk).map(({ id }) => id);
  const special = new Set([...added, ...Object.values(roles)]);
  return [...sequence.keys()].filter((place) => !special.has(sequence[place]));
}

interface Masked {
  /** The texts with one mask each. */
  readonly batch: PackedBatch;
  /** Where in the batch the masks are, and the ids that they hide [N]. */
  readonly positions: Int32Array;
  readonly labels: Int32Array;
}

function maskPlaces(pack: PackedBatch, mask: number): Masked {
  const { batch, headers } = readHeaders(pack);
  const positions = Int32Array.from(headers, ([place], index) => batch.cuSeqlens[index]! + place!);
  const labels = positions.map((position) => batch.ids[position]!);
  for (const position of positions) batch.ids[position] = mask;
  return { batch, positions, labels };
}

/** log p of `labels` [N] from their hidden states [N, d] → [N, 1]; holds N rows of logits. */
function logProbabilities(model: Encoder, hidden: Tensor, labels: Int32Array): Tensor {
  const logits = maskedLmLogits(model, hidden);
  const picked = takeAlong(logits, model.runtime.tensor(labels, [labels.length, 1], "i32"));
  return sub(picked, logSumExp(logits));
}
