/** Pads encodings to one length. */
import type { Encoding } from "./encoding.ts";
import { TokenizerError } from "../errors.ts";

export interface Padding {
  /** Pad to this many tokens; absent: to the longest of the batch. */
  readonly length?: number;
  /** Round the length up to a multiple of this. */
  readonly multipleOf?: number;
  /** Default "right". */
  readonly side?: "left" | "right";
  /** Default: the tokenizer's pad token. */
  readonly id?: number;
  readonly token?: string;
  readonly typeId?: number;
}

/** `padId` is the tokenizer's own pad token, if it has one. */
export function padBatch(encodings: readonly Encoding[], padding: Padding, padId: number | undefined): Encoding[] {
  const id = padding.id ?? padId;
  if (id === undefined) {
    throw new TokenizerError("[encode] expected a pad token in the vocabulary, got none; give padding.id");
  }
  let length = padding.length ?? encodings.reduce((longest, encoding) => Math.max(longest, encoding.length), 0);
  const multiple = padding.multipleOf ?? 0;
  if (multiple > 0) length = Math.ceil(length / multiple) * multiple;
  const pad = { id, typeId: padding.typeId ?? 0, token: padding.token ?? "[PAD]", left: padding.side === "left" };
  return encodings.map((encoding) => encoding.padded(length, pad));
}
