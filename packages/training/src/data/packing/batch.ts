/** What the loop takes: rows of packed sequences, each a micro-batch. */
import type { SequenceRef } from "./sequences.ts";

/** Sequences one after another, without padding. */
export interface PackedRow {
  /** Token ids [T]. */
  readonly ids: Int32Array;
  /** Where sequences begin, and T at the end: [N + 1], strictly increasing. */
  readonly cuSeqlens: Int32Array;
  readonly maxSeqlen: number;
  /** Which sequences these are [N]. */
  readonly sequences: readonly SequenceRef[];
}

export interface Batch<Row> {
  /** Of this rank; of all ranks where the loss looks at all rows of a step (`JointLoss`), and what follows is of its own nevertheless. */
  readonly rows: readonly Row[];
  readonly sequences: number;
  readonly tokens: number;
  /** Of all ranks together; `tokens` where it is not said. */
  readonly allTokens?: number;
  /** What the sum of losses is divided by: how many tokens, texts or answers are scored. */
  readonly weight: number;
  /** tokens / (rows asked for × row length), 0..1. */
  readonly packingEfficiency: number;
  /** Of a held-out batch: the source that all of it is of, among several. */
  readonly source?: string;
  /** Of a mixture: tokens by the names of its sources, of all ranks together. */
  readonly sourceTokens?: Readonly<Record<string, number>>;
}

/** What a rank adds to a step when its data are at an end. */
export const emptyBatch: Batch<never> = { rows: [], sequences: 0, tokens: 0, weight: 0, packingEfficiency: 0 };

/** Gives batches one after another; what `state` gives continues it bit for bit. */
export interface BatchLoader<Row> {
  /** @param tokens seen before, on all ranks: the clock of schedules. Gives undefined at the end of the data. */
  next(tokens: number): Batch<Row> | undefined;
  /** Plain JSON. */
  state(): unknown;
}

/** The same where a batch may have to be waited for. */
export interface BatchSource<Row> {
  next(tokens: number): Batch<Row> | undefined | Promise<Batch<Row> | undefined>;
  state(): unknown;
}

/** All batches that a loader of limited epochs still has, or the first `limit`. */
export function* batchesOf<Row>(
  loader: BatchLoader<Row>,
  limit: number = Number.POSITIVE_INFINITY,
): Generator<Batch<Row>> {
  let tokens = 0;
  for (let given = 0; given < limit; given++) {
    const batch = loader.next(tokens);
    if (batch === undefined) return;
    tokens += batch.tokens;
    yield batch;
  }
}
