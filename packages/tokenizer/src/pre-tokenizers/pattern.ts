/**
 * Patterns of pre-tokenizers: what they match in a stretch of bytes, as a list of parts that covers the stretch.
 * Also the five ways in which a pre-tokenizer deals with the matches.
 */
import { ASSIGNED } from "../text/unicode-data.ts";
import { codePointSet } from "../text/unicode.ts";
import { characterLength, codePointAt, fromUtf8 } from "../text/utf8.ts";

/** Bytes [start, end), and whether the pattern matched them. */
export interface Part {
  start: number;
  end: number;
  readonly matches: boolean;
}

export type Pattern = (bytes: Uint8Array, start: number, end: number) => Part[];

export type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

export const behaviors: readonly Behavior[] = [
  "Removed",
  "Isolated",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
];

/** Matches each character that passes the test, one by one. */
export function characterPattern(test: (codePoint: number) => boolean): Pattern {
  return (bytes, start, end) => {
    const parts: Part[] = [];
    let since = start; // start of what did not match
    for (let at = start; at < end;) {
      const next = at + characterLength(bytes[at]!);
      if (test(codePointAt(bytes, at))) {
        if (since < at) parts.push({ start: since, end: at, matches: false });
        parts.push({ start: at, end: next, matches: true });
        since = next;
      }
      at = next;
    }
    if (since < end) parts.push({ start: since, end, matches: false });
    return parts;
  };
}

const isAssigned = codePointSet(ASSIGNED);

/** Matches a global regular expression; see regex-translation.ts for those of a tokenizer.json. */
export function regexPattern(regex: RegExp): Pattern {
  return (bytes, start, end) => {
    const text = knownCharacters(fromUtf8(bytes.subarray(start, end)));
    const parts: Part[] = [];
    let unit = 0; // UTF-16 position that belongs to byte `at`
    let at = start;
    const advance = (to: number): number => {
      for (; unit < to; at += characterLength(bytes[at]!)) unit += bytes[at]! >= 0xf0 ? 2 : 1;
      return at;
    };
    for (const match of text.matchAll(regex)) {
      const before = at;
      const from = advance(match.index);
      if (before < from) parts.push({ start: before, end: from, matches: false });
      parts.push({ start: from, end: advance(match.index + match[0].length), matches: true });
    }
    if (at < end) parts.push({ start: at, end, matches: false });
    return parts;
  };
}

/**
 * The text with characters that the reference's Unicode version does not know replaced by ones that no version knows,
 * of the same length in UTF-16: the engine's own version then makes no difference.
 */
function knownCharacters(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[^\x00-\u0377]/gu, (c) =>
    isAssigned(c.codePointAt(0)!) ? c : c.length === 1 ? "\u0378" : "\u{e0fff}",
  );
}

/** What a pre-tokenizer keeps of the parts. */
export function applyBehavior(parts: Part[], behavior: Behavior): Part[] {
  switch (behavior) {
    case "Isolated":
      return parts;
    case "Removed":
      return parts.filter((part) => !part.matches);
    case "Contiguous":
      return merged(parts, (part, before) => part.matches === before);
    case "MergedWithPrevious":
      return merged(parts, (part, before) => part.matches && !before);
    case "MergedWithNext":
      return merged(parts.toReversed(), (part, before) => part.matches && !before).reverse();
    default:
      return behavior satisfies never;
  }
}

/** Joins a part to the one kept last where `joins` says so, given whether the part before it matched. */
function merged(parts: Part[], joins: (part: Part, before: boolean) => boolean): Part[] {
  const kept: Part[] = [];
  let before = false;
  for (const part of parts) {
    const last = kept.at(-1);
    if (last !== undefined && joins(part, before)) {
      last.start = Math.min(last.start, part.start);
      last.end = Math.max(last.end, part.end);
    } else {
      kept.push({ ...part });
    }
    before = part.matches;
  }
  return kept;
}
