/** The Euclidean norm over many tensors at once, on the device: what gradients are clipped by, logged by and checked for NaN by. */
import { assign, map, mul, scalar, slice, sum, sumAll, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";

/** sqrt(Σ over all tensors and elements of value²), f32 [1]. Not finite when any value is not, or when the sum exceeds f32. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  const { runtime } = tensors[0]!;
  return runtime.scope(() => {
    const squares = runtime.empty([tensors.length]);
    for (const [at, tensor] of tensors.entries())
      runtime.scope(() => assign(slice(squares, 0, at, at + 1), sumAll(mul(tensor, tensor))));
    return map(scalar.sqrt(x(0)), [sum(squares)]);
  });
}
