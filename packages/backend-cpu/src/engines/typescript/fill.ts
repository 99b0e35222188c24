/** The primitives without inputs, except random numbers: `fill` and `iota`. */
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { blockSize, openStream, scratch, writeStream } from "./operand.ts";
import type { Operand } from "./operand.ts";

export const fillKernels: Pick<PrimitiveKernels<Operand>, "fill" | "iota"> = {
  fill([out], _inputs, { value }) {
    const stream = openStream(out!);
    const block = scratch(0, blockSize).fill(value, 0, blockSize);
    for (let start = 0; start < stream.size; start += blockSize) {
      writeStream(stream, start, Math.min(blockSize, stream.size - start), block);
    }
  },

  iota([out], _inputs, { start, step }) {
    const stream = openStream(out!);
    const length = out!.shape.at(-1) ?? 1;
    const row = scratch(0, length);
    for (let index = 0; index < length; index++) row[index] = start + step * index;
    for (let at = 0; at < stream.size; at += length) writeStream(stream, at, length, row);
  },
};
