/**
 * The result of encoding. Ids and offsets are kept as arrays; everything that follows from how the encoding was put
 * together (masks, type ids, sequence ids) is made when it is first asked for.
 */
import type { OffsetUnit } from "./offsets.ts";

/** A stretch of an encoding: the tokens of text 0 (or of its pair, 1), tokens put in by the template, or padding. */
export interface Stretch {
  readonly of: 0 | 1 | "special" | "padding";
  readonly length: number;
  readonly typeId: number;
  /** The text of all its tokens, of padding. */
  readonly token?: string;
}

interface EncodingParts {
  readonly ids: Int32Array;
  readonly stretches: readonly Stretch[];
  readonly offsets: Int32Array | undefined;
  readonly offsetUnit: OffsetUnit | undefined;
  readonly overflowing: readonly Encoding[];
  /** Texts of tokens that differ from what the vocabulary says, by position. */
  readonly texts: ReadonlyMap<number, string> | undefined;
  readonly idToToken: (id: number) => string | undefined;
}

/** An encoding as plain data, to be sent between threads. */
export interface EncodingMessage extends Omit<EncodingParts, "idToToken" | "overflowing"> {
  readonly overflowing: readonly EncodingMessage[];
}

export class Encoding {
  /** Token ids [T]. */
  readonly ids: Int32Array;
  /** Start and end of token i at 2i and 2i+1, counted in `offsetUnit`; special and padding tokens have 0, 0. */
  readonly offsets: Int32Array | undefined;
  readonly offsetUnit: OffsetUnit | undefined;
  /** What truncation cut off, as further encodings of the same form. */
  readonly overflowing: readonly Encoding[];
  /** How the encoding is put together. */
  readonly stretches: readonly Stretch[];
  readonly #texts: ReadonlyMap<number, string> | undefined;
  readonly #idToToken: (id: number) => string | undefined;
  #tokenTexts: readonly string[] | undefined;

  constructor(parts: EncodingParts) {
    this.ids = parts.ids;
    this.stretches = parts.stretches;
    this.offsets = parts.offsets;
    this.offsetUnit = parts.offsetUnit;
    this.overflowing = parts.overflowing;
    this.#texts = parts.texts;
    this.#idToToken = parts.idToToken;
  }

  get length(): number {
    return this.ids.length;
  }

  /** Tokens as text, in the vocabulary's writing (a blank is Ġ in a byte-level vocabulary). */
  get tokens(): readonly string[] {
    this.#tokenTexts ??= this.#spell();
    return this.#tokenTexts;
  }

  /** 1 for tokens that the template or padding put in, else 0 [T]. */
  get specialTokensMask(): Uint8Array {
    return this.#perToken(({ of }) => (of === "special" || of === "padding" ? 1 : 0));
  }

  /** 0 for padding, else 1 [T]. */
  get attentionMask(): Uint8Array {
    return this.#perToken(({ of }) => (of === "padding" ? 0 : 1));
  }

  /** Segment ids as the template gives them [T]; all 0 for ModernBERT. */
  get typeIds(): Uint8Array {
    return this.#perToken(({ typeId }) => typeId);
  }

  /** 0 for tokens of the text, 1 for those of its pair, -1 for all others [T]. */
  get sequenceIds(): Int8Array {
    return Int8Array.from(this.#perToken(({ of }) => (of === 0 || of === 1 ? of : 255)));
  }

  /** The encoding padded to `length` tokens; itself when it is that long already. */
  padded(length: number, pad: { id: number; typeId: number; token: string; left: boolean }): Encoding {
    const overflowing = this.overflowing.map((part) => part.padded(length, pad));
    const missing = Math.max(0, length - this.length);
    if (missing === 0 && overflowing.length === 0) return this;
    const at = pad.left ? missing : 0;
    const ids = new Int32Array(this.length + missing).fill(pad.id);
    ids.set(this.ids, at);
    let offsets: Int32Array | undefined;
    if (this.offsets !== undefined) {
      offsets = new Int32Array(2 * ids.length);
      offsets.set(this.offsets, 2 * at);
    }
    const texts = this.#texts && new Map(Array.from(this.#texts, ([i, text]) => [i + at, text]));
    const padding: Stretch = { of: "padding", length: missing, typeId: pad.typeId, token: pad.token };
    const stretches = pad.left ? [padding, ...this.stretches] : [...this.stretches, padding];
    const { offsetUnit } = this;
    const idToToken = this.#idToToken;
    return new Encoding({ ids, stretches, offsets, offsetUnit, overflowing, texts, idToToken });
  }

  /** Its data without what belongs to the tokenizer. */
  toMessage(): EncodingMessage {
    const { ids, stretches, offsets, offsetUnit } = this;
    const texts = this.#texts;
    return {
      ids,
      stretches,
      offsets,
      offsetUnit,
      texts,
      overflowing: this.overflowing.map((part) => part.toMessage()),
    };
  }

  #spell(): string[] {
    const tokens = Array.from(this.ids, (id, i) => this.#texts?.get(i) ?? this.#idToToken(id) ?? "");
    let at = 0;
    for (const { length, token } of this.stretches) {
      if (token !== undefined) tokens.fill(token, at, at + length);
      at += length;
    }
    return tokens;
  }

  #perToken(value: (stretch: Stretch) => number): Uint8Array {
    const mask = new Uint8Array(this.length);
    let at = 0;
    for (const stretch of this.stretches) {
      mask.fill(value(stretch), at, at + stretch.length);
      at += stretch.length;
    }
    return mask;
  }
}
