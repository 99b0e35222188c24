/** `randomBits`: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11). */
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import type { Operand } from "./operand.ts";

const rounds = 10;
const [multiplier0, multiplier1] = [0xd2511f53, 0xcd9e8d57];
const [weyl0, weyl1] = [0x9e3779b9, 0xbb67ae85];

/** The high 32 bits of a 32×32-bit product, from 16-bit halves: a double cannot hold the whole product. */
function highProduct(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const low = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + Math.floor(low / 65536);
}

/** Replaces the four counter words in `block` by the four random words. */
export function philox(block: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = block as unknown as [number, number, number, number];
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  for (let round = 0; round < rounds; round++) {
    const high0 = highProduct(multiplier0, c0);
    const low0 = Math.imul(multiplier0, c0) >>> 0;
    const high1 = highProduct(multiplier1, c2);
    const low1 = Math.imul(multiplier1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

export const randomKernels: Pick<PrimitiveKernels<Operand>, "randomBits"> = {
  randomBits([out], [step], { key, counter }) {
    const [step0, step1] = step ? [step.data[step.offset]!, step.data[step.offset + 1]!] : [0, 0];
    const { data, dtype, offset, shape } = out!;
    const size = shape.reduce((product, extent) => product * extent, 1);
    const words = new Uint32Array(4);
    for (let start = 0; start < size; start += 4) {
      const block = start / 4;
      words[0] = block % 2 ** 32;
      words[1] = Math.floor(block / 2 ** 32);
      words[2] = counter[0] + step0;
      words[3] = counter[1] + step1;
      philox(words, key[0], key[1]);
      const count = Math.min(4, size - start);
      for (let i = 0; i < count; i++) {
        const word = words[i]!;
        data[offset + start + i] = dtype === "u32" ? word : (word >>> 8) * 2 ** -24;
      }
    }
  },
};
