/**
 * Puts token sequences together: the template of a tokenizer ([CLS] A [SEP] B [SEP]), truncation with its overflow, and
 * offsets without the blank that a byte-level token may begin with.
 */
import { Encoding, type Stretch } from "./encoding.ts";
import { checkSize } from "./limits.ts";
import type { OffsetUnit } from "./offsets.ts";

/** One place of a template. */
export type TemplatePiece =
  | { readonly sequence: 0 | 1; readonly typeId: number }
  | {
      readonly special: string;
      readonly ids: readonly number[];
      readonly tokens: readonly string[];
      readonly typeId: number;
    };

export interface Template {
  readonly single: readonly TemplatePiece[];
  readonly pair: readonly TemplatePiece[];
}

/** The tokens of one text before the template. */
export interface TokenSequence {
  readonly ids: Int32Array;
  readonly offsets: Int32Array | undefined;
  readonly texts: ReadonlyMap<number, string> | undefined;
}

/** Tokens [start, end) of a sequence: what truncation kept, or one part of its overflow. */
export type TokenRange = readonly [start: number, end: number];

/** What truncation made of one sequence: the part that is kept, then the overflow. */
export type TokenRanges = readonly TokenRange[];

export const plainTemplate: Template = {
  single: [{ sequence: 0, typeId: 0 }],
  pair: [
    { sequence: 0, typeId: 0 },
    { sequence: 1, typeId: 1 },
  ],
};

/** Most pieces of a template, and most tokens that it may add by itself. */
export const templateLimits = { pieces: 64, added: 1024 } as const;

/** Tokens that a template adds by itself. */
export function addedBy(pieces: readonly TemplatePiece[]): number {
  let count = 0;
  for (const piece of pieces) if ("special" in piece) count += piece.ids.length;
  return count;
}

/** The tokens that a template puts first and last around one text; undefined where the text itself comes first or last. */
export function edgesOf({ single }: Template): { readonly cls: number | undefined; readonly sep: number | undefined } {
  return { cls: specialIds(single[0])[0], sep: specialIds(single.at(-1)).at(-1) };
}

function specialIds(piece: TemplatePiece | undefined): readonly number[] {
  return piece !== undefined && "special" in piece ? piece.ids : [];
}

interface AssembleOptions {
  readonly pieces: readonly TemplatePiece[];
  readonly sequences: readonly TokenSequence[];
  readonly addSpecialTokens: boolean;
  readonly offsetUnit: OffsetUnit | undefined;
  readonly idToToken: (id: number) => string | undefined;
}

/**
 * The encoding of one choice of ranges, with all others as its overflow: for two texts, every part of the first with
 * every part of the second, in the order of the reference library.
 */
export function assemble(options: AssembleOptions, ranges: readonly TokenRanges[]): Encoding {
  const overflowing: Encoding[] = [];
  const [first, second] = ranges;
  const longest = ranges.map((parts) => parts.reduce((length, [start, end]) => Math.max(length, end - start), 0));
  const count = ranges.reduce((product, parts) => product * parts.length, 1);
  checkSize(count, lengthOf(usedPieces(options), longest), "truncation and template");
  if (second === undefined) {
    for (const range of first!.slice(1)) overflowing.push(assembleOne(options, [range], []));
  } else if (first!.length > 1 || second.length > 1) {
    overflowing.push(...pairOverflow(options, first!, second));
  }
  return assembleOne(
    options,
    ranges.map((parts) => parts[0]!),
    overflowing,
  );
}

function pairOverflow(options: AssembleOptions, first: TokenRanges, second: TokenRanges): Encoding[] {
  const [kept, ...others] = first;
  const encodings = others.flatMap((a) => second.map((b) => assembleOne(options, [a, b], [])));
  for (const b of second.slice(1)) encodings.push(assembleOne(options, [kept!, b], []));
  return encodings;
}

function usedPieces({ pieces, addSpecialTokens }: AssembleOptions): readonly TemplatePiece[] {
  return addSpecialTokens ? pieces : pieces.filter((piece) => "sequence" in piece);
}

/** Tokens of the pieces when the sequences have `lengths` tokens. */
function lengthOf(pieces: readonly TemplatePiece[], lengths: readonly number[]): number {
  return pieces.reduce((sum, piece) => sum + ("special" in piece ? piece.ids.length : lengths[piece.sequence]!), 0);
}

function assembleOne(options: AssembleOptions, ranges: TokenRange[], overflowing: readonly Encoding[]): Encoding {
  const pieces = usedPieces(options);
  const lengths = ranges.map(([start, end]) => end - start);
  const total = lengthOf(pieces, lengths);
  const ids = new Int32Array(total);
  const offsets = options.offsetUnit === undefined ? undefined : new Int32Array(2 * total);
  const stretches: Stretch[] = [];
  let texts: Map<number, string> | undefined;
  let at = 0;
  for (const piece of pieces) {
    const length = lengthOf([piece], lengths);
    if ("special" in piece) {
      ids.set(piece.ids, at);
      stretches.push({ of: "special", length, typeId: piece.typeId });
    } else {
      const [start, end] = ranges[piece.sequence]!;
      const sequence = options.sequences[piece.sequence]!;
      ids.set(sequence.ids.subarray(start, end), at);
      offsets?.set(sequence.offsets!.subarray(2 * start, 2 * end), 2 * at);
      stretches.push({ of: piece.sequence, length, typeId: piece.typeId });
      if (sequence.texts !== undefined) {
        texts ??= new Map();
        for (const [i, text] of sequence.texts) if (i >= start && i < end) texts.set(at + i - start, text);
      }
    }
    at += length;
  }
  const { offsetUnit, idToToken } = options;
  return new Encoding({ ids, stretches, offsets, offsetUnit, overflowing, texts, idToToken });
}
