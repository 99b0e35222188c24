/** Cuts token sequences to a maximal length, keeping the cut-off tokens as overflow (as the reference library does). */
import { TokenizerError } from "../errors.ts";
import type { TokenRange, TokenRanges } from "./template.ts";

export interface Truncation {
  /** Tokens of the whole encoding, special tokens included. */
  readonly maxLength: number;
  /** Which side loses tokens. Default: the tokenizer's own, else "right". */
  readonly side?: "left" | "right";
  /** Which of two texts loses tokens. Default "longest_first": the longer, until both are equally long. */
  readonly strategy?: "longest_first" | "only_first" | "only_second";
  /** Tokens that each part of the overflow repeats from the part before. Default 0. */
  readonly stride?: number;
}

/**
 * The parts of each of one or two sequences; `lengths` in tokens, `added` special tokens to leave room for.
 * @throws TokenizerError on a truncation that leaves no room, or a stride that is not less than it.
 */
export function truncate(lengths: readonly number[], truncation: Truncation, added: number): TokenRanges[] {
  const whole = lengths.map((length): TokenRanges => [[0, length]]);
  const { side = "right", strategy = "longest_first", stride = 0 } = truncation;
  const room = truncation.maxLength - added;
  if (!Number.isInteger(truncation.maxLength) || room < 0) {
    throw new TokenizerError(
      `[encode] expected truncation.maxLength to be an integer of at least ${added} (the special tokens), got ${truncation.maxLength}`,
    );
  }
  const total = lengths.reduce((sum, length) => sum + length, 0);
  if (total <= room) return whole;
  const [first = 0, second] = lengths;
  const cut = (length: number, kept: number): TokenRanges => parts(length, kept, stride, side);
  if (room === 0) return lengths.map((length) => cut(length, 0));
  if (strategy === "longest_first") {
    if (second === undefined) return [cut(first, room)];
    const [a, b] = share(first, second, room);
    return [cut(first, a), cut(second, b)];
  }
  if (strategy === "only_second" && second === undefined) {
    throw new TokenizerError(`[encode] expected a pair for truncation strategy "only_second", got one text`);
  }
  const target = strategy === "only_first" ? 0 : 1;
  const kept = lengths[target]! - (total - room);
  if (kept <= 0) {
    throw new TokenizerError(
      `[encode] expected ${strategy === "only_first" ? "the first" : "the second"} text to be long enough to bring the pair down to ${truncation.maxLength} tokens, got ${lengths[target]} of ${total + added}; use "longest_first"`,
    );
  }
  return whole.map((ranges, i) => (i === target ? cut(lengths[i]!, kept) : ranges));
}

/** How many tokens each of two texts keeps when the longer gives first. */
function share(first: number, second: number, room: number): [number, number] {
  const shorter = Math.min(first, second);
  let kept: [number, number];
  if (2 * shorter <= room) kept = [shorter, room - shorter];
  else kept = [room >> 1, room - (room >> 1)];
  return first <= second ? kept : [kept[1], kept[0]];
}

function parts(length: number, kept: number, stride: number, side: "left" | "right"): TokenRanges {
  if (kept >= length) return [[0, length]];
  if (kept === 0)
    return [
      [0, 0],
      [0, length],
    ];
  if (!Number.isInteger(stride) || stride < 0 || stride >= kept) {
    throw new TokenizerError(
      `[encode] expected truncation.stride to be an integer from 0 to ${kept - 1} (less than the ${kept} tokens of text that fit), got ${stride}`,
    );
  }
  const ranges: TokenRange[] = [];
  const step = kept - stride;
  if (side === "right") {
    for (let start = 0; ; start += step) {
      ranges.push([start, Math.min(start + kept, length)]);
      if (start + kept >= length) return ranges;
    }
  }
  for (let end = length; ; end -= step) {
    ranges.push([Math.max(0, end - kept), end]);
    if (end - kept <= 0) return ranges;
  }
}
