/** Matrix products. */
import { DTypeError, ShapeError } from "../errors.ts";
import { broadcastShapes, broadcastStrides, showShape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { add } from "./elementwise.ts";
import { applyPrimitive } from "./apply-primitive.ts";
import { permute, reshape } from "./views.ts";

/** a [B…, M, K] · b [B…, K, N] → [B…, M, N]; batch axes broadcast. Strided inputs (transposes) are read as they are. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.rank < 2 || b.rank < 2 || a.shape.at(-1) !== b.shape.at(-2)) {
    throw new ShapeError(
      "matmul",
      `expected [B…, M, K] and [B…, K, N], got ${showShape(a.shape)} and ${showShape(b.shape)}`,
    );
  }
  if (a.dtype !== b.dtype)
    throw new DTypeError("matmul", `expected one dtype, got ${a.dtype} and ${b.dtype}: cast one of them`);
  const batch = broadcastShapes("matmul", [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const views = [a, b].map(({ view }) => {
    const shape = [...batch, ...view.shape.slice(-2)];
    return { ...view, shape, strides: broadcastStrides(view.shape, view.strides, shape) };
  });
  const shape = [...batch, a.shape.at(-2)!, b.shape.at(-1)!];
  return applyPrimitive("matmul", a.runtime, { shape, dtype: a.dtype }, [a, b], { alpha: 1, accumulate: false }, views);
}

/** input [T…, K], weight [N, K], bias [N] | null → input · weightᵀ + bias [T…, N]; weights as PyTorch and safetensors store them. */
export function linear(input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  const [outputs, inputs] = weight.shape;
  if (weight.rank !== 2 || input.shape.at(-1) !== inputs) {
    throw new ShapeError(
      "linear",
      `expected input [T…, K] and weight [N, K], got ${showShape(input.shape)} and ${showShape(weight.shape)}`,
    );
  }
  const product = matmul(reshape(input, [-1, inputs!]), permute(weight, [1, 0]));
  const result = bias ? add(product, bias) : product;
  return reshape(result, [...input.shape.slice(0, -1), outputs!]);
}
