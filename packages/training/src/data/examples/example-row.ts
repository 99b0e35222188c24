/** Examples one after another in a row, without padding: what a model of a labelled objective takes at once. */
import type { ExampleStore } from "./example-store.ts";

export interface ExampleRow {
  /** Token ids [T]. */
  readonly ids: Int32Array;
  /** Token types [T], for models that have them. */
  readonly typeIds: Int32Array;
  /** Where sequences begin, and T at the end: [N + 1]. */
  readonly cuSeqlens: Int32Array;
  readonly maxSeqlen: number;
  /** Which examples these are [E]. */
  readonly examples: readonly number[];
  /** The first sequence of each example, and N at the end: [E + 1]. */
  readonly firstSequence: Int32Array;
  /** The values of each example [E]. */
  readonly values: readonly Float32Array[];
  readonly notes: readonly unknown[];
}

/** @param examples at least one. */
export function rowOfExamples(store: ExampleStore, examples: readonly number[]): ExampleRow {
  const sequences = examples.map((example) => store.sequences(example));
  const cuSeqlens = Int32Array.from(runningSum(sequences.flat().map(({ length }) => length)));
  const ids = new Int32Array(cuSeqlens.at(-1)!);
  for (const [n, sequence] of sequences.flat().entries()) ids.set(sequence, cuSeqlens[n]!);
  return {
    ids,
    typeIds: Int32Array.from(examples.flatMap((example) => [...store.types(example)])),
    cuSeqlens,
    maxSeqlen: Math.max(...sequences.flat().map(({ length }) => length)),
    examples,
    firstSequence: Int32Array.from(runningSum(sequences.map(({ length }) => length))),
    values: examples.map((example) => store.values(example)),
    notes: examples.map((example) => store.note(example)),
  };
}

/** 0 and the sums of the first 1, 2, … elements. */
export function runningSum(values: readonly number[]): number[] {
  let total = 0;
  return [0, ...values.map((value) => (total += value))];
}
