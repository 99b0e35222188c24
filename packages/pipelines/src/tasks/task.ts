/** What a task is: inputs to token sequences, packs of them to one output per sequence, outputs to answers. Each is a file beside this one. */
import { partOf } from "@modernbert-ts/encoder";
import type { Head, PackedBatch, Sequence } from "@modernbert-ts/encoder";
import { UnsuitableModelError } from "../errors.ts";
import type { InputOptions } from "../sequences.ts";
import type { TextModel, TextSide } from "../text-model.ts";

export type { TextSide } from "../text-model.ts";

export interface Task<Input, Options, Output, Answer = Output> {
  readonly name: string;
  /** The heads that it runs on. */
  readonly heads: readonly Head[];
  /** What an input (a text, a pair, a question with its context, …) takes. @throws TensorError on one that the task cannot use. */
  prepare(text: TextSide, input: Input, options: Options & InputOptions): Promise<Work<Output, Answer>>;
  /** One output per sequence of a pack, in one forward pass. */
  run(model: TextModel, pack: PackedBatch, options: Options): Promise<readonly Output[]>;
  /** Buffers of an output that may be moved to another thread instead of copied. */
  transferable(output: Output): readonly ArrayBuffer[];
}

/** What one input takes, and how its answer comes of it. */
export interface Work<Output, Answer> {
  /**
   * Token sequences with special tokens, at least one. Gone through once: a task may make them one by one, where all together are more
   * than memory holds.
   */
  readonly sequences: Iterable<Sequence>;
  /** Tokens of the input, where its sequences carry more than these. */
  readonly tokens?: number;
  /** The input's answer, from one output per sequence, in their order. */
  join(outputs: readonly Output[]): Answer;
}

/** The work of an input that is one sequence, whose output is the answer. */
export function oneSequence<Output>(sequence: Sequence): Work<Output, Output> {
  return { sequences: [sequence], join: ([output]) => output! };
}

/** @throws TensorError on a model with another head. */
export function requireHead(
  { name, heads }: { readonly name: string; readonly heads: readonly Head[] },
  head: Head,
): void {
  if (heads.includes(head)) return;
  throw new UnsuitableModelError(name, `expected a model with head ${heads.join(" or ")}, got one with head ${head}`);
}

/** The sequences of a pack, without a copy. */
export function sequencesOf({ ids, typeIds, cuSeqlens }: PackedBatch): Sequence[] {
  const all = typeIds ? { ids, typeIds } : ids;
  return Array.from(cuSeqlens.subarray(1), (end, index) => partOf(all, cuSeqlens[index]!, end));
}
