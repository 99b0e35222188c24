/** What a task is: texts to token sequences, packs of them to one output per sequence. Each task is a file beside this one. */
import type { Head, PackedBatch } from "@modernbert-ts/encoder";
import { TensorError } from "@modernbert-ts/tensor-core";
import type { TextModel } from "../text-model.ts";
import type { EncodeOptions } from "../sequences.ts";

/** What tokenising needs of a model: it can be done where no weights are. */
export type TextSide = Pick<TextModel, "tokenizer" | "settings">;

export interface Task<Options, Output, Answer = Output> {
  readonly name: string;
  /** The heads that it runs on. */
  readonly heads: readonly Head[];
  /** Token sequences of texts, one each, special tokens included. @throws TensorError on a text that the task cannot use. */
  prepare(text: TextSide, texts: readonly string[], options: Options & EncodeOptions): Int32Array[];
  /** One output per sequence of a pack, in one forward pass. */
  run(model: TextModel, pack: PackedBatch, options: Options): Promise<readonly Output[]>;
  /** Buffers of an output that may be moved to another thread instead of copied. */
  transferable(output: Output): readonly ArrayBuffer[];
  /** How a text is computed in several sequences; without it the output of a text's sequence is its answer. */
  readonly parts?: Parts<Output, Answer>;
}

/** For tasks that compute several sequences for one text. */
export interface Parts<Output, Answer> {
  /** The sequences to compute for the one of a text. Made one by one: all together they may be more than memory holds. */
  split(text: TextSide, sequence: Int32Array): Iterable<Int32Array>;
  /** The answer of a text, from one output per sequence, in their order. */
  join(text: TextSide, sequence: Int32Array, outputs: readonly Output[]): Answer;
}

/** @throws TensorError on a model with another head. */
export function requireHead({ name, heads }: Pick<Task<never, unknown>, "name" | "heads">, head: Head): void {
  if (heads.includes(head)) return;
  throw new TensorError(name, `expected a model with head ${heads.join(" or ")}, got one with head ${head}`);
}

/** The sequences of a pack, without a copy. */
export function sequencesOf({ ids, cuSeqlens }: PackedBatch): Int32Array[] {
  return Array.from(cuSeqlens.subarray(1), (end, index) => ids.subarray(cuSeqlens[index], end));
}
