/** Half bytes of `int4Linear` and those of compressed-tensors, eight columns in their order to a word: both hold w + 8. */
import { int4Group } from "@modernbert-ts/tensor-core";

const half = int4Group / 2;

/** Words of `int4Linear` [rows, 16 · ⌈columns / 128⌉] → [rows, ⌈columns / 8⌉], zeros beyond the columns. */
export function inOrder(words: Int32Array, rows: number, columns: number): Int32Array {
  const width = Math.ceil(columns / 8);
  const ordered = new Int32Array(rows * width);
  const [from, to] = [bytesOf(words), bytesOf(ordered)];
  const stride = from.length / rows;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const at = place(column);
      const unit = (from[row * stride + at.byte]! >> at.shift) & 15;
      to[row * 4 * width + (column >> 1)]! |= unit << (4 * (column & 1));
    }
  return ordered;
}

/** The way back; zero (8) beyond the columns, whatever stands there. */
export function inGroups(ordered: Int32Array, rows: number, columns: number): Int32Array {
  const width = Math.ceil(columns / 8);
  const words = new Int32Array((rows * Math.ceil(columns / int4Group) * int4Group) / 8).fill(0x88888888 | 0);
  const [from, to] = [bytesOf(ordered), bytesOf(words)];
  const stride = to.length / rows;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const at = place(column);
      const unit = (from[row * 4 * width + (column >> 1)]! >> (4 * (column & 1))) & 15;
      const byte = row * stride + at.byte;
      to[byte] = (to[byte]! & ~(15 << at.shift)) | (unit << at.shift);
    }
  return words;
}

/** Where `int4Linear` has a column: the byte of its row, and the bits of it. */
function place(column: number): { readonly byte: number; readonly shift: number } {
  const inGroup = column % int4Group;
  return { byte: ((column - inGroup) / int4Group) * half + (inGroup % half), shift: inGroup < half ? 0 : 4 };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
