/** Adds tokens to those that stand outside the model. */
import { TokenizerError, describe } from "../errors.ts";
import type { AddedToken } from "./token-matcher.ts";

/** A token to add; what is left out is false, `normalized` is the opposite of `special`. */
export type NewToken = Pick<AddedToken, "content"> & Partial<Omit<AddedToken, "content" | "id">>;

/** What it takes to find out which ids are free. */
interface Known {
  readonly addedTokens: readonly AddedToken[];
  readonly vocabSize: number;
  tokenToId(token: string): number | undefined;
}

const UNUSED = /^\[unused\d+\]$/;

/** The added tokens with `tokens` among them. */
export function extended(known: Known, tokens: readonly (string | NewToken)[], reuseUnused: boolean): AddedToken[] {
  const byId = new Map(known.addedTokens.map((token) => [token.id, token]));
  const unused = known.addedTokens.filter((token) => reuseUnused && UNUSED.test(token.content)).map(({ id }) => id);
  const given = new Map<string, number>();
  let next = known.vocabSize;
  for (const token of tokens) {
    const { content, special = false, ...rest }: NewToken = typeof token === "string" ? { content: token } : token;
    if (typeof content !== "string" || content === "") {
      throw new TokenizerError(`[withTokens] expected a text of one character or more, got ${describe(content)}`);
    }
    const id = given.get(content) ?? known.tokenToId(content) ?? unused.shift() ?? next++;
    given.set(content, id);
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
