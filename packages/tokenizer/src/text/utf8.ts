/**
 * Text as UTF-8 bytes. The whole tokenizer works on bytes: the engine converts a string at memory speed, and scanning,
 * hashing and merging then run on a typed array. A lone surrogate becomes U+FFFD, as in the reference library.
 */

declare class TextEncoder {
  encode(text: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label: string, options?: { ignoreBOM?: boolean });
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}

const encoder: TextEncoder = new TextEncoder();
const decoder: TextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const KEPT_BYTES = 1 << 20;

export const toUtf8 = (text: string): Uint8Array => encoder.encode(text);

/** Malformed sequences become U+FFFD, one for each maximal part of one. */
export const fromUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);

/** A decoder for bytes that come in pieces: each call returns the text that is certain so far; none given ends it. */
export function utf8Stream(): (bytes?: Uint8Array) => string {
  const stream = new TextDecoder("utf-8", { ignoreBOM: true });
  return (bytes) => stream.decode(bytes, { stream: bytes !== undefined });
}

/** A reusable buffer that holds one text as UTF-8. */
export class Utf8Buffer {
  bytes: Uint8Array = new Uint8Array(1 << 16);
  length = 0;
  /** Every character is one byte, so that offsets in bytes, code points and UTF-16 units agree. */
  ascii = true;

  set(text: string): void {
    const worst = text.length * 3;
    if (this.bytes.length > KEPT_BYTES && worst < KEPT_BYTES) this.bytes = new Uint8Array(1 << 16);
    const wanted = worst < KEPT_BYTES ? worst : text.length + (text.length >> 3) + 3;
    if (this.bytes.length < wanted) this.bytes = new Uint8Array(wanted);
    let read = 0;
    this.length = 0;
    for (;;) {
      const rest = read === 0 ? text : text.slice(read);
      const step = encoder.encodeInto(rest, this.length === 0 ? this.bytes : this.bytes.subarray(this.length));
      read += step.read;
      this.length += step.written;
      if (read >= text.length) break;
      const larger = new Uint8Array(this.length + Math.min((text.length - read) * 3, this.length + KEPT_BYTES));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.ascii = this.length === text.length;
  }
}

/** Bytes of the character that this lead byte opens. */
export const characterLength = (lead: number): number => (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);

/** Where the character before the border `at` starts. */
export function previousCharacter(bytes: Uint8Array, at: number): number {
  do at--;
  while ((bytes[at]! & 0xc0) === 0x80);
  return at;
}

/** The code point at a character border of valid UTF-8. */
export function codePointAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return lead;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | (bytes[at + 1]! & 0x3f);
  const two = ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f);
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | two;
  return ((lead & 0x07) << 18) | (two << 6) | (bytes[at + 3]! & 0x3f);
}

/** Writes one code point and returns where the next one goes. */
export function putCodePoint(bytes: Uint8Array, at: number, codePoint: number): number {
  if (codePoint < 0x80) {
    bytes[at] = codePoint;
    return at + 1;
  }
  if (codePoint < 0x800) {
    bytes[at] = 0xc0 | (codePoint >> 6);
    bytes[at + 1] = 0x80 | (codePoint & 0x3f);
    return at + 2;
  }
  if (codePoint < 0x10000) {
    bytes[at] = 0xe0 | (codePoint >> 12);
    bytes[at + 1] = 0x80 | ((codePoint >> 6) & 0x3f);
    bytes[at + 2] = 0x80 | (codePoint & 0x3f);
    return at + 3;
  }
  bytes[at] = 0xf0 | (codePoint >> 18);
  bytes[at + 1] = 0x80 | ((codePoint >> 12) & 0x3f);
  bytes[at + 2] = 0x80 | ((codePoint >> 6) & 0x3f);
  bytes[at + 3] = 0x80 | (codePoint & 0x3f);
  return at + 4;
}
