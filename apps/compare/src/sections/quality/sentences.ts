/** The tagged sentences that probes learn on and are scored by: so many of each part, at even distances, so that all genres are among them. */
import type { Context } from "../section.ts";

/** @param count that are learned on; a third as many are held out. */
export function sentencesOf(
  { corpora }: Pick<Context, "corpora">,
  count: number,
): ReturnType<Context["corpora"]["taggedBrown"]> {
  const { train, heldOut } = corpora.taggedBrown();
  return { train: spread(train, count), heldOut: spread(heldOut, Math.ceil(count / 3)) };
}

function spread<T>(items: readonly T[], count: number): T[] {
  const step = Math.max(1, items.length / count);
  return Array.from({ length: Math.min(count, items.length) }, (_, at) => items[Math.floor(at * step)]!);
}
