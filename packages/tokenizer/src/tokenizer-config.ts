/**
 * The files beside a tokenizer.json, which say what its tokens are for. As in transformers, tokenizer_config.json alone counts where it
 * has an `added_tokens_decoder`, whose flags then replace those of the tokenizer.json; else special_tokens_map.json goes before it.
 */
import { extended, type NewToken } from "./added-tokens/new-tokens.ts";
import { type Role, type RoleNames, roles } from "./added-tokens/special-tokens.ts";
import type { AddedToken } from "./added-tokens/token-matcher.ts";
import { JsonField } from "./json-field.ts";
import type { Model } from "./models/model.ts";

/** What lies beside a tokenizer.json; each file as text or parsed. */
export interface TokenizerFiles {
  readonly tokenizerConfig?: string | object | undefined;
  readonly specialTokensMap?: string | object | undefined;
}

interface Tokens {
  readonly model: Model;
  readonly addedTokens: readonly AddedToken[];
}

/** What a tokenizer_config.json says that has no place in a tokenizer.json. */
export interface TokenizerSettings {
  /** The tokens that it names by role. */
  readonly roles: RoleNames;
  /** Which side loses tokens where a truncation does not say. */
  readonly truncationSide?: Side | undefined;
  /** Which side is filled where a padding does not say. */
  readonly paddingSide?: Side | undefined;
}

export type Side = "left" | "right";

/**
 * The settings, and the added tokens with what the files change in them.
 * @throws TokenizerError where a file is malformed, or asks for what the tokenizer.json lacks or what is not done here.
 */
export function readTokenizerFiles(
  tokens: Tokens,
  files: TokenizerFiles,
): { readonly addedTokens: readonly AddedToken[]; readonly settings: TokenizerSettings } {
  const config = JsonField.file(files.tokenizerConfig ?? {}, "tokenizer_config");
  const decoder = config.get("added_tokens_decoder").optional((field) => field.members().map(readToken));
  const map = JsonField.file(files.specialTokensMap ?? {}, "special_tokens_map");
  const entries = new Map(
    [config, ...(decoder === undefined ? [map] : [])].flatMap((file) =>
      file.members().map((entry) => [entry.name, entry] as const),
    ),
  );
  const flagged = extended(tokens, decoder ?? [], false);
  const known = new Set(flagged.map((token) => token.content));
  const named = namedTokens(entries).filter(({ content }) => !known.has(content));
  const split = entries.get("split_special_tokens");
  if (split?.boolean(false)) split.refuse("false: special tokens are found in texts");
  const side = (name: string): Side | undefined => entries.get(name)?.optional((field) => field.oneOf("left", "right"));
  return {
    settings: {
      roles: roleNames(entries, (content) => known.has(content) || tokens.model.tokenToId(content) !== undefined),
      truncationSide: side("truncation_side"),
      paddingSide: side("padding_side"),
    },
    addedTokens: extended({ ...tokens, addedTokens: flagged }, named, false),
  };
}

function roleNames(entries: ReadonlyMap<string, JsonField>, isKnown: (content: string) => boolean): RoleNames {
  const names: { [R in Role]?: string | null } = {};
  for (const role of roles) {
    const entry = entries.get(`${role}_token`);
    if (entry === undefined) continue;
    names[role] = isNone(entry) ? null : readToken(entry).content;
    if (names[role] !== null && !isKnown(names[role])) entry.refuse("a token of the tokenizer.json");
  }
  return names;
}

/** All tokens that the entries name as special, with a role or without. */
function namedTokens(entries: ReadonlyMap<string, JsonField>): NewToken[] {
  const fields = [...entries].flatMap(([name, entry]) => {
    if (name === "extra_special_tokens" || name === "additional_special_tokens")
      return entry.optional((list) => (Array.isArray(list.value) ? list.items() : list.members())) ?? [];
    return name.endsWith("_token") && typeof entry.value !== "boolean" ? [entry] : [];
  });
  return fields.filter((field) => !isNone(field)).map((field) => ({ ...readToken(field), special: true }));
}

const isNone = ({ value }: JsonField): boolean => value === null || value === "";

/** A token as its text, or as an object of its text and flags. */
function readToken(field: JsonField): NewToken {
  if (typeof field.value === "string") return { content: field.value, special: true };
  const special = field.get("special").boolean(false);
  return {
    content: field.get("content").string(),
    singleWord: field.get("single_word").boolean(false),
    lstrip: field.get("lstrip").boolean(false),
    rstrip: field.get("rstrip").boolean(false),
    normalized: field.get("normalized").boolean(!special),
    special,
  };
}
