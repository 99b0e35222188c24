/** What is to be encoded, and how. */
import type { OffsetUnit } from "./offsets.ts";
import type { Padding } from "./padding.ts";
import type { Truncation } from "./truncation.ts";

export interface EncodeOptions {
  /** A second text, placed by the template's pair form. */
  readonly pair?: string;
  /** Apply the special tokens of the template. Default true. */
  readonly addSpecialTokens?: boolean;
  /** Read names of special tokens in the text, such as "[MASK]", as any other text. Default false. */
  readonly specialTokensAsText?: boolean;
  /** Compute offsets into the original texts, in this unit. Default: none. */
  readonly offsets?: OffsetUnit;
  /** Cut to a maximal length; false switches off what the tokenizer.json sets. */
  readonly truncation?: Truncation | false;
  /** Pad; false switches off what the tokenizer.json sets. */
  readonly padding?: Padding | false;
}

/** One text, or a text with its pair. */
export type TextOrPair = string | readonly [text: string, pair: string];
