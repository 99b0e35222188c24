/**
 * Chooses what runs next. The first in the queue always goes; the token budget that it leaves is filled with later entries that
 * fit. An entry that was passed over `maxSkips` times is not overtaken again, so that small ones cannot starve a large one.
 */

export interface Packable {
  /** Entries with equal keys can share a batch. */
  readonly key: string;
  /** What the entry takes of the budget. */
  readonly tokens: number;
  /** Must not share a batch. */
  readonly alone: boolean;
  /** Batches that looked at this entry and did not take it. */
  skipped: number;
}

export interface BatchLimits {
  readonly maxTokens: number;
  readonly maxRequests: number;
}

const maxSkips = 4;

/** Removes the next batch from the queue. An entry longer than the budget goes by itself. */
export function takeBatch<T extends Packable>(queue: T[], { maxTokens, maxRequests }: BatchLimits): T[] {
  const [first] = queue;
  if (!first) return [];
  const batch = [first];
  const left: T[] = [];
  let room = first.alone ? 0 : maxTokens - first.tokens;
  let at = 1;
  for (; at < queue.length && room > 0 && batch.length < maxRequests; at++) {
    const entry = queue[at]!;
    if (!entry.alone && entry.key === first.key && entry.tokens <= room) {
      batch.push(entry);
      room -= entry.tokens;
      continue;
    }
    if (entry.skipped >= maxSkips) break;
    entry.skipped++;
    left.push(entry);
  }
  queue.splice(0, at, ...left);
  return batch;
}
