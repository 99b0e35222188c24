/** The primitives that make numbers: `fill`, `iota` and, on the host, `randomBits`. */
import { philox4x32, sizeOf } from "@modernbert-ts/tensor-core";
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { hostTensor } from "../dtypes.ts";
import { readAll, write } from "../operand.ts";
import type { Operand } from "../operand.ts";
import type { TfModule } from "../tfjs.ts";

export function createKernels(tf: TfModule): Pick<PrimitiveKernels<Operand>, "fill" | "iota" | "randomBits"> {
  return {
    fill([out], _inputs, { value }) {
      write(tf, out!, tf.reshape(hostTensor(tf, [value], out!.dtype), []));
    },

    iota([out], _inputs, { start, step }) {
      const row = Float64Array.from({ length: out!.shape.at(-1) ?? 1 }, (_, index) => start + step * index);
      write(tf, out!, tf.reshape(hostTensor(tf, row, out!.dtype), out!.shape.slice(-1)));
    },

    randomBits([out], [step], { key, counter }) {
      const steps = step ? (readAll(tf, step).dataSync() as Int32Array) : [0, 0];
      const [low, high] = counter.map((word, at) => (word + steps[at]!) >>> 0) as [number, number];
      const words = new Float64Array(sizeOf(out!.shape));
      for (let start = 0; start < words.length; start += 4) {
        const block = philox4x32([(start / 4) >>> 0, Math.floor(start / 2 ** 34), low, high], key);
        words.set(block.slice(0, words.length - start), start);
      }
      const numbers = out!.dtype === "f32" ? words.map((word) => (word >>> 8) * 2 ** -24) : words;
      write(tf, out!, tf.reshape(hostTensor(tf, numbers, out!.dtype), [...out!.shape]));
    },
  };
}
