/** The tokens with a role: which one stands for a masked word, for padding, for the start of a text, … */
import type { AddedToken } from "./token-matcher.ts";

/** Ids of the tokens with a role; undefined where a tokenizer has none. */
export interface SpecialTokens {
  readonly cls: number | undefined;
  readonly sep: number | undefined;
  readonly pad: number | undefined;
  readonly mask: number | undefined;
  readonly unk: number | undefined;
}

export type Role = keyof SpecialTokens;

/** Tokens by role as files name them: null where they say that there is none, absent where they say nothing. */
export type RoleNames = { readonly [R in Role]?: string | null };

/** The names that each role usually has: the last resort, for a tokenizer.json without any file beside it. */
const usualNames: Readonly<Record<Role, readonly string[]>> = {
  cls: ["[CLS]", "<s>"],
  sep: ["[SEP]", "</s>"],
  pad: ["[PAD]", "<pad>", "<|padding|>"],
  mask: ["[MASK]", "<mask>"],
  unk: ["[UNK]", "<unk>"],
};

export const roles: readonly Role[] = Object.keys(usualNames) as Role[];

/** Each role's token: the one that files name, else the one that the tokenizer.json itself `shows` in its place, else one of a usual name. */
export function specialTokensOf(
  addedTokens: readonly AddedToken[],
  named: RoleNames,
  shown: Partial<SpecialTokens>,
): SpecialTokens {
  const ids = new Map(addedTokens.map((token) => [token.content, token.id]));
  const find = (role: Role): number | undefined => {
    const name = named[role];
    if (name !== undefined) return name === null ? undefined : ids.get(name);
    return shown[role] ?? usualNames[role].map((usual) => ids.get(usual)).find((id) => id !== undefined);
  };
  return { cls: find("cls"), sep: find("sep"), pad: find("pad"), mask: find("mask"), unk: find("unk") };
}
