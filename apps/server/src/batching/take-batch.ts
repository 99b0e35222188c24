/** Chooses what shares a batch: one entry goes for certain, and the token budget that it leaves is filled with others that fit, as they stand. */

export interface Packable {
  /** Entries with equal keys can share a batch. */
  readonly key: string;
  /** What the entry takes of the budget. */
  readonly tokens: number;
  /** Must not share a batch. */
  readonly alone: boolean;
}

export interface BatchLimits {
  readonly maxTokens: number;
  readonly maxRequests: number;
}

/** The next batch: `first`, which goes by itself where it is longer than the budget, and those of the queue that fit beside it. */
export function takeBatch<T extends Packable>(
  queue: readonly T[],
  first: T,
  { maxTokens, maxRequests }: BatchLimits,
): T[] {
  const batch = [first];
  let room = first.alone ? 0 : maxTokens - first.tokens;
  for (const entry of queue) {
    if (room <= 0 || batch.length >= maxRequests) break;
    if (entry === first || entry.alone || entry.key !== first.key || entry.tokens > room) continue;
    batch.push(entry);
    room -= entry.tokens;
  }
  return batch;
}
