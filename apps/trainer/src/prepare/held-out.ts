/** Which documents are held out. */
import { philox4x32 } from "@modernbert-ts/tensor-core";

/** A draw of its own for each document: the others do not matter. */
export function isHeldOut(index: number, seed: number, share: number): boolean {
  return philox4x32([index, 0, 0, 0], [seed >>> 0, 0x76616c])[0] / 2 ** 32 < share;
}
