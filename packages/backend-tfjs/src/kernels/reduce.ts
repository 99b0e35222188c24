/** `reduce`: sums and maxima along axes. */
import type { PrimitiveKernels } from "@modernbert-ts/tensor-core";
import { hostTensor } from "../dtypes.ts";
import { readAll, write } from "../operand.ts";
import type { Operand } from "../operand.ts";
import type { TfModule, TfTensor } from "../tfjs.ts";

export function reduceKernels(tf: TfModule): Pick<PrimitiveKernels<Operand>, "reduce"> {
  /** Moves the smallest u32 to the smallest int32, and back; sums of int32 wrap around. */
  const turned = (x: TfTensor): TfTensor => tf.add(x, tf.scalar(-(2 ** 31), "int32"));

  return {
    reduce([out], [x], { kind, axes }) {
      if (axes.some((axis) => x!.shape[axis] === 0)) {
        const identity = hostTensor(tf, [kind === "sum" ? 0 : -Infinity], out!.dtype);
        write(tf, out!, tf.reshape(identity, []));
        return;
      }
      const all = readAll(tf, x!);
      if (all.size === 0) return;
      if (axes.length === 0) write(tf, out!, all);
      else if (kind === "sum") write(tf, out!, tf.sum(all, [...axes], true));
      else if (x!.dtype === "u32") write(tf, out!, turned(tf.max(turned(all), [...axes], true)));
      else write(tf, out!, tf.max(all, [...axes], true));
    },
  };
}
