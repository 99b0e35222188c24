/** Adds tokens to those that stand outside the model. */
import { TokenizerError, describe } from "../errors.ts";
import type { Model } from "../models/model.ts";
import type { AddedToken } from "./token-matcher.ts";

/** A token to add; what is left out is false, `normalized` is the opposite of `special`. */
export type NewToken = Pick<AddedToken, "content"> & Partial<Omit<AddedToken, "content" | "id">>;

/** What it takes to find out which ids are free. */
interface Known {
  readonly model: Pick<Model, "size" | "tokenToId">;
  readonly addedTokens: readonly AddedToken[];
}

/** Number of ids: the highest plus one, added tokens included. */
export function vocabSizeOf({ model, addedTokens }: Known): number {
  return addedTokens.reduce((size, token) => Math.max(size, token.id + 1), model.size);
}

const UNUSED = /^\[unused\d+\]$/;

/** The added tokens with `tokens` among them. */
export function extended(
  known: Known,
  tokens: readonly (string | NewToken)[],
  reuseUnused: boolean,
): readonly AddedToken[] {
  if (tokens.length === 0) return known.addedTokens;
  const byId = new Map(known.addedTokens.map((token) => [token.id, token]));
  const unused = known.addedTokens.filter((token) => reuseUnused && UNUSED.test(token.content)).map(({ id }) => id);
  const ids = new Map(known.addedTokens.map((token) => [token.content, token.id]));
  let next = vocabSizeOf(known);
  for (const token of tokens) {
    const { content, special = false, ...rest }: NewToken = typeof token === "string" ? { content: token } : token;
    if (typeof content !== "string" || content === "") {
      throw new TokenizerError(`[withTokens] expected a text of one character or more, got ${describe(content)}`);
    }
    const id = ids.get(content) ?? known.model.tokenToId(content) ?? unused.shift() ?? next++;
    ids.set(content, id);
    byId.set(id, {
      singleWord: false,
      lstrip: false,
      rstrip: false,
      normalized: !special,
      ...rest,
      id,
      content,
      special,
    });
  }
  return [...byId.values()].sort((a, b) => a.id - b.id);
}
