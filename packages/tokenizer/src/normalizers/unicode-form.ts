/**
 * Unicode normalisation (UAX #15) with alignment. Most text is already normalised: one pass over the bytes finds the
 * few characters that could change, and only the short stretch around each is decomposed, ordered and composed.
 */
import { Aligner, type Normalizer, PieceBuilder } from "./normalizer.ts";
import type { Piece } from "../text/piece.ts";
import { DECOMPOSING } from "../text/unicode-data.ts";
import { NFC_UNSAFE_BIT, codePointSet, combiningClass, flagsOf } from "../text/unicode.ts";
import { characterLength, codePointAt, previousCharacter } from "../text/utf8.ts";

type UnicodeForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/** No character below U+0300 (lead byte 0xCC) changes under NFC or joins the one before it. */
const FIRST_UNSAFE_LEAD = 0xcc;
const CACHED = 4096;

/** Whether the reference knows a decomposition; later Unicode versions, which the engine may know, have more. */
const decomposes = codePointSet(DECOMPOSING);

export class UnicodeNormalizer implements Normalizer {
  readonly form: UnicodeForm;
  readonly #composes: boolean;
  readonly #decomposition: "NFD" | "NFKD";
  readonly #unsafeFrom: number;
  readonly #decompositions: Map<number, readonly number[]> = new Map();
  readonly #compositions: Map<number, number> = new Map();
  // The stretch being worked on: code points, how each changed (see Aligner), combining classes.
  #points: number[] = [];
  #changes: number[] = [];

  constructor(form: UnicodeForm) {
    this.form = form;
    this.#composes = form === "NFC" || form === "NFKC";
    this.#decomposition = form === "NFC" || form === "NFD" ? "NFD" : "NFKD";
    this.#unsafeFrom = form === "NFC" ? FIRST_UNSAFE_LEAD : 0xc2;
  }

  normalize(piece: Piece): Piece {
    const { bytes, start, end } = piece;
    let builder: PieceBuilder | undefined;
    let copied = start; // input before this is in the builder already
    for (let at = start; at < end;) {
      const lead = bytes[at]!;
      if (lead < this.#unsafeFrom) {
        at += lead < 0x80 ? 1 : 2;
        continue;
      }
      const c = codePointAt(bytes, at);
      if (!this.#isUnsafe(c)) {
        at += characterLength(lead);
        continue;
      }
      const from = at > copied ? previousCharacter(bytes, at) : at;
      at = this.#stretchEnd(bytes, at, end);
      if (!this.#rewrite(bytes, from, at)) continue;
      builder ??= new PieceBuilder(piece);
      builder.copy(copied, from);
      const aligner = new Aligner(builder, piece, from);
      for (let i = 0; i < this.#points.length; i++) aligner.put(this.#points[i]!, this.#changes[i]!);
      copied = at;
    }
    if (builder === undefined) return piece;
    builder.copy(copied, end);
    return builder.build();
  }

  #isUnsafe(c: number): boolean {
    if (this.form === "NFC") return (flagsOf(c) & NFC_UNSAFE_BIT) !== 0;
    return (flagsOf(c) & NFC_UNSAFE_BIT) !== 0 || decomposes(c);
  }

  /** End of the run of unsafe characters that starts at `at`. */
  #stretchEnd(bytes: Uint8Array, at: number, end: number): number {
    while (at < end && bytes[at]! >= this.#unsafeFrom && this.#isUnsafe(codePointAt(bytes, at))) {
      at += characterLength(bytes[at]!);
    }
    return at;
  }

  /** Normalises bytes[start, end) into `points` and `changes`; false when that changes nothing. */
  #rewrite(bytes: Uint8Array, start: number, end: number): boolean {
    this.#points = [];
    this.#changes = [];
    for (let at = start; at < end; at += characterLength(bytes[at]!)) {
      const parts = this.#decompose(codePointAt(bytes, at));
      for (let i = 0; i < parts.length; i++) {
        this.#points.push(parts[i]!);
        this.#changes.push(i === 0 ? 0 : 1);
      }
    }
    this.#order();
    if (this.#composes) this.#compose();
    let at = start;
    for (const c of this.#points) {
      if (at >= end || codePointAt(bytes, at) !== c) return true;
      at += characterLength(bytes[at]!);
    }
    return at < end;
  }

  /** Sorts each run of marks by combining class, equal classes in their old order. */
  #order(): void {
    const points = this.#points;
    const changes = this.#changes;
    for (let i = 0; i < points.length;) {
      if (combiningClass(points[i]!) === 0) {
        i++;
        continue;
      }
      let j = i;
      let sorted = true;
      for (let last = 0; j < points.length; j++) {
        const next = combiningClass(points[j]!);
        if (next === 0) break;
        if (next < last) sorted = false;
        last = next;
      }
      if (!sorted) {
        const run = points.slice(i, j).map((c, k) => [c, changes[i + k]!] as const);
        run.sort((a, b) => combiningClass(a[0]) - combiningClass(b[0]));
        run.forEach(([c, change], k) => {
          points[i + k] = c;
          changes[i + k] = change;
        });
      }
      i = j;
    }
  }

  #compose(): void {
    const points = this.#points;
    const changes = this.#changes;
    let starter = -1; // index in the output
    let last = -1; // class of the last character kept after the starter, -1 when none
    let out = 0;
    for (let i = 0; i < points.length; i++) {
      const c = points[i]!;
      const own = combiningClass(c);
      const joined = starter >= 0 && (last < 0 || last < own) ? this.#composed(points[starter]!, c) : -1;
      if (joined >= 0) {
        points[starter] = joined;
        changes[starter]! += changes[i]! - 1;
        continue;
      }
      if (own === 0) {
        starter = out;
        last = -1;
      } else if (starter >= 0) {
        last = own;
      }
      points[out] = c;
      changes[out++] = changes[i]!;
    }
    points.length = out;
    changes.length = out;
  }

  #decompose(c: number): readonly number[] {
    let parts = this.#decompositions.get(c);
    if (parts === undefined) {
      const text = String.fromCodePoint(c);
      parts = decomposes(c) ? Array.from(text.normalize(this.#decomposition), (part) => part.codePointAt(0)!) : [c];
      if (this.#decompositions.size >= CACHED) this.#decompositions.clear();
      this.#decompositions.set(c, parts);
    }
    return parts;
  }

  /** The single character that two make, or -1. */
  #composed(first: number, second: number): number {
    const key = first * 0x110000 + second;
    let joined = this.#compositions.get(key);
    if (joined === undefined) {
      const text = String.fromCodePoint(first, second).normalize("NFC");
      const only = text.codePointAt(0)!;
      joined = String.fromCodePoint(only) === text ? only : -1;
      if (this.#compositions.size >= CACHED) this.#compositions.clear();
      this.#compositions.set(key, joined);
    }
    return joined;
  }
}
