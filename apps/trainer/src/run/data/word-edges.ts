/** Where words begin, for a tokenizer: what each of its tokens is at its two ends. */
import type { Tokenizer } from "@modernbert-ts/tokenizer";
import { wordEdges } from "@modernbert-ts/training";

/** Bits of `wordEdges` by id. Special tokens are words of their own. */
export function wordEdgesOf(tokenizer: Tokenizer): Uint8Array {
  const { model, added_tokens: added } = JSON.parse(JSON.stringify(tokenizer)) as {
    readonly model: { readonly type?: string; readonly continuing_subword_prefix?: string | null };
    readonly added_tokens: readonly { readonly id: number }[];
  };
  const prefix = model.continuing_subword_prefix ?? "";
  const edges = Uint8Array.from({ length: tokenizer.vocabSize }, (_, id) =>
    edgesOf(tokenizer.idToToken(id) ?? "", prefix),
  );
  for (const { id } of added) edges[id] = 0;
  return edges;
}

/** Of a token in the alphabet of bytes (Ġ is a space), or of words whose later pieces carry a prefix (##). */
function edgesOf(token: string, prefix: string): number {
  const piece = prefix !== "" && token.startsWith(prefix) ? token.slice(prefix.length) : token;
  const continues = prefix === "" ? inWord(piece.codePointAt(0)) : piece !== token;
  const open = inWord(piece.codePointAt(piece.length - 1));
  return (continues ? wordEdges.continues : 0) | (open ? wordEdges.open : 0);
}

/** Letters and digits, and the bytes of any character beyond ASCII; U+0100 … U+0121 stand for blanks and controls. */
function inWord(point: number | undefined): boolean {
  if (point === undefined || point === 0x2581) return false;
  return point < 0x80 ? /[0-9A-Za-z]/.test(String.fromCodePoint(point)) : point < 0x100 || point > 0x121;
}
