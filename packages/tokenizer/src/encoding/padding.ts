/** Pads encodings to one length. */
import type { Encoding } from "./encoding.ts";
import { TokenizerError, describe } from "../errors.ts";
import { checkSize } from "./limits.ts";

export interface Padding {
  /** Pad to this many tokens; absent: to the longest of the batch. */
  readonly length?: number;
  /** Round the length up to a multiple of this. */
  readonly multipleOf?: number;
  /** Default: the tokenizer's own, else "right". */
  readonly side?: "left" | "right";
  /** Default: the tokenizer's pad token. */
  readonly id?: number;
  readonly token?: string;
  readonly typeId?: number;
}

/** Largest `length` and `multipleOf`. */
export const maxPadding: number = 1 << 20;

/**
 * Pads all encodings, and their overflow, to one length. `own` is the tokenizer's pad token, if it has one, and its side.
 * @throws TokenizerError when there is no pad token, or the padding asks for more than one call may make.
 */
export function padBatch(
  encodings: readonly Encoding[],
  padding: Padding,
  own: { readonly id: number | undefined; readonly side: "left" | "right" },
): Encoding[] {
  const id = padding.id ?? own.id;
  if (id === undefined) {
    throw new TokenizerError("[encode] expected a pad token in the vocabulary, got none; give padding.id");
  }
  const { length: fixed, multipleOf: multiple = 0, typeId = 0, token = "[PAD]" } = padding;
  checkNumber("length", fixed ?? 0, maxPadding);
  checkNumber("multipleOf", multiple, maxPadding);
  checkNumber("typeId", typeId, 255);
  let length = fixed ?? encodings.reduce((longest, encoding) => Math.max(longest, encoding.length), 0);
  if (multiple > 0) length = Math.ceil(length / multiple) * multiple;
  const count = encodings.reduce((sum, { overflowing }) => sum + 1 + overflowing.length, 0);
  checkSize(count, length, "padding");
  const pad = { id, typeId, token, left: (padding.side ?? own.side) === "left" };
  return encodings.map((encoding) => encoding.padded(length, pad));
}

function checkNumber(name: keyof Padding, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new TokenizerError(
    `[encode] expected padding.${name} to be a whole number from 0 to ${max}, got ${describe(value)}`,
  );
}
