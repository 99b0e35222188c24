/**
 * Parameters named by a part of their names: dotted words that stand together in it. `embeddings`, `layers.3.mlp`, `layers.0-5` (0 to 5), `*` for
 * any one word.
 */
export function matchesName(pattern: string, name: string): boolean {
  const [wanted, words] = [pattern.split("."), name.split(".")];
  return words.some(
    (_, from) =>
      from + wanted.length <= words.length && wanted.every((word, at) => matchesWord(word, words[from + at]!)),
  );
}

function matchesWord(wanted: string, word: string): boolean {
  if (wanted === "*" || wanted === word) return true;
  const [, first, last] = /^(\d+)-(\d+)$/.exec(wanted) ?? [];
  return first !== undefined && /^\d+$/.test(word) && Number(first) <= Number(word) && Number(word) <= Number(last);
}

/** The patterns that no name matches. */
export function unmatched(patterns: readonly string[], names: Iterable<string>): string[] {
  const all = [...names];
  return patterns.filter((pattern) => !all.some((name) => matchesName(pattern, name)));
}
