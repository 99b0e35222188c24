/** A labelled example once it is tokenized: sequences that belong together, and the numbers that are learned of them. */
import type { Sequence } from "@modernbert-ts/encoder";
import type { Encoding } from "@modernbert-ts/tokenizer";

export interface Example {
  /** At least one, none of them empty. */
  readonly sequences: readonly Sequence[];
  /** Labels, targets, positions: what they mean is the objective's. */
  readonly values: readonly number[];
  /** What an evaluation needs besides and no device does: plain data. */
  readonly note?: unknown;
  /** Whether a text lost its end. */
  readonly cut: boolean;
}

/** With token types where the tokenizer's template gives others than 0. */
export function sequenceOf({ ids, typeIds }: Encoding): Sequence {
  return typeIds.some((type) => type > 0) ? { ids, typeIds: Int32Array.from(typeIds) } : ids;
}
