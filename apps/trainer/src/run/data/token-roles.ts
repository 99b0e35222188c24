/** The tokens that every objective needs, by their roles. */
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import type { TokenRoles } from "@modernbert-ts/training";
import { UserError } from "../../errors.ts";

/** @throws UserError when the tokenizer lacks one that every objective needs. */
export function roleTokens({ specialTokens: { cls, sep, mask, pad } }: Tokenizer): TokenRoles {
  if (cls === undefined || sep === undefined || pad === undefined)
    throw new UserError(
      "expected a tokenizer with tokens for cls, sep and pad (such as [CLS], [SEP] and [PAD]), got one without: take another tokenizer, or name them in its tokenizer_config.json",
    );
  return { cls, sep, mask, pad };
}
