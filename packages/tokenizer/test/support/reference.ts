/** The reference library (npm `tokenizers`, Rust) behind the few calls that the tests compare. */
import { createRequire } from "node:module";
import type { Encoding, Tokenizer } from "../../src/index.ts";

/** What the tests need of the reference's encoding; offsets are in code points. */
interface ReferenceEncoding {
  getIds(): number[];
  getTokens(): string[];
  getOffsets(): [number, number][];
  getSpecialTokensMask(): number[];
  getAttentionMask(): number[];
  getTypeIds(): number[];
  getSequenceIds(): (number | null)[];
  getOverflowing(): ReferenceEncoding[];
  truncate(length: number, stride: number, direction: string): void;
}

export interface ReferenceTokenizer {
  encode(text: string, pair?: string | null, options?: { addSpecialTokens?: boolean }): Promise<ReferenceEncoding>;
  decode(ids: number[], skipSpecialTokens: boolean): Promise<string>;
  setTruncation(maxLength: number, options?: { direction?: string; stride?: number; strategy?: string }): void;
  disableTruncation(): void;
  postProcess(encoding: ReferenceEncoding, pair?: ReferenceEncoding, addSpecialTokens?: boolean): ReferenceEncoding;
}

export interface Reference {
  fromJson(json: string): ReferenceTokenizer;
}

/** scripts/peers.mjs, typed. */
export function peers(): Promise<{
  LIBRARIES: object;
  TEXTS: object;
  installed(packages: object): Promise<string>;
  whereInstalled(packages: object): string | undefined;
}> {
  const script = "../../scripts/peers.mjs";
  return import(script);
}

/** Installs (once) and loads the reference; a string says why it cannot be had. */
export async function loadReference(): Promise<Reference | string> {
  try {
    const { installed, LIBRARIES } = await peers();
    const library = createRequire(`${await installed(LIBRARIES)}/`)("tokenizers") as {
      Tokenizer: { fromString(json: string): ReferenceTokenizer };
    };
    return { fromJson: (json) => library.Tokenizer.fromString(json) };
  } catch (error) {
    return `npm tokenizers cannot be installed or loaded here: ${(error as Error).message.split("\n")[0]}`;
  }
}

/** All that is compared of an encoding, in one form for both libraries. */
export interface Summary {
  ids: number[];
  tokens: string[];
  offsets: number[][];
  special: number[];
  attention: number[];
  types: number[];
  sequences: number[];
}

export function summaryOf(encoding: Encoding): Summary {
  const offsets = encoding.offsets!;
  return {
    ids: [...encoding.ids],
    tokens: [...encoding.tokens],
    offsets: Array.from(encoding.ids, (_, i) => [offsets[2 * i]!, offsets[2 * i + 1]!]),
    special: [...encoding.specialTokensMask],
    attention: [...encoding.attentionMask],
    types: [...encoding.typeIds],
    sequences: [...encoding.sequenceIds],
  };
}

export function summaryOfReference(encoding: ReferenceEncoding): Summary {
  return {
    ids: encoding.getIds(),
    tokens: encoding.getTokens(),
    offsets: encoding.getOffsets(),
    special: encoding.getSpecialTokensMask(),
    attention: encoding.getAttentionMask(),
    types: encoding.getTypeIds(),
    sequences: encoding.getSequenceIds().map((id) => id ?? -1),
  };
}

/** The first token in which ours and the reference differ on a long text, or undefined: quick, ids and offsets only. */
export async function firstDifference(
  ours: Tokenizer,
  reference: ReferenceTokenizer,
  text: string,
): Promise<string | undefined> {
  const { ids, offsets } = ours.encode(text, { offsets: "codepoint" });
  const theirs = await reference.encode(text);
  const [theirIds, theirOffsets] = [theirs.getIds(), theirs.getOffsets()];
  for (let i = 0; i < Math.max(ids.length, theirIds.length); i++) {
    const [mine, other] = [
      [ids[i], offsets![2 * i], offsets![2 * i + 1]],
      [theirIds[i], ...(theirOffsets[i] ?? [])],
    ];
    if (mine.some((value, k) => value !== other[k]))
      return `token ${i} of ${JSON.stringify(text.slice(0, 60))}…: ours ${mine}, reference ${other}`;
  }
  return undefined;
}

/** What differs between ours and the reference on one text, or undefined. */
export async function difference(
  ours: Tokenizer,
  reference: ReferenceTokenizer,
  text: string,
  pair?: string,
  addSpecialTokens = true,
): Promise<string | undefined> {
  const mine = ours.encode(text, { offsets: "codepoint", addSpecialTokens, ...(pair === undefined ? {} : { pair }) });
  const theirs = await reference.encode(text, pair ?? null, { addSpecialTokens });
  const [a, b] = [JSON.stringify(summaryOf(mine)), JSON.stringify(summaryOfReference(theirs))];
  if (a !== b) return `encode ${JSON.stringify(text)} ${JSON.stringify(pair)}\n  ours      ${a}\n  reference ${b}`;
  for (const skip of [true, false]) {
    const [c, d] = [ours.decode(mine.ids, { skipSpecialTokens: skip }), await reference.decode([...mine.ids], skip)];
    if (c !== d)
      return `decode ${JSON.stringify(text)}\n  ours      ${JSON.stringify(c)}\n  reference ${JSON.stringify(d)}`;
  }
  return undefined;
}
