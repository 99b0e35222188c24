/**
 * The byte-level alphabet of GPT-2: each byte has a printable character, so that tokens can be written as text
 * (a blank becomes Ġ). Bytes that print keep their own character; the other 68 take U+0100 and up, in order.
 */
import { toUtf8 } from "./utf8.ts";

const charOfByte: string[] = [];
const byteOfCode: Int16Array = new Int16Array(0x144).fill(-1);

for (let byte = 0, next = 0x100; byte < 256; byte++) {
  const prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const code = prints ? byte : next++;
  charOfByte.push(String.fromCharCode(code));
  byteOfCode[code] = byte;
}

/** The 256 characters, by byte. */
export const byteAlphabet: readonly string[] = charOfByte;

/** Bytes written with the alphabet. */
export function bytesToToken(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += charOfByte[byte]!;
  return text;
}

/** The bytes that a token's text stands for, or undefined when a character is not of the alphabet. */
export function tokenToBytes(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const code = token.charCodeAt(i);
    const byte = code < 0x144 ? byteOfCode[code]! : -1;
    if (byte < 0) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** Bytes of a token in a byte-level vocabulary; text that is not of the byte alphabet stands for itself. */
export function byteLevelBytes(token: string): Uint8Array {
  return tokenToBytes(token) ?? toUtf8(token);
}
