/** `copy`: strided copies and casts. */
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { blockSize, openStream, readStream, scratch, writeStream } from "./operand.ts";
import type { Operand } from "./operand.ts";

export const copyKernels: Pick<PrimitiveKernels<Operand>, "copy"> = {
  copy([out], [x]) {
    const from = openStream(x!);
    const to = openStream(out!);
    // A double holds every value of every dtype, so a block of doubles carries any cast with one rounding.
    const block = scratch(0, blockSize);
    for (let start = 0; start < to.size; start += blockSize) {
      const count = Math.min(blockSize, to.size - start);
      readStream(from, start, count, block);
      writeStream(to, start, count, block);
    }
  },
};
