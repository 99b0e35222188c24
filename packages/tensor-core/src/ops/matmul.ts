/** Matrix products. */
import { isNarrow } from "../dtype.ts";
import type { DType } from "../dtype.ts";
import { DTypeError, ShapeError } from "../errors.ts";
import { broadcastShapes, broadcastStrides, showShape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { applyPrimitive } from "./apply-primitive.ts";

/**
 * a [B…, M, K] · b [B…, K, N] → [B…, M, N]; batch axes broadcast. Strided inputs (transposes) are read as they are.
 * @param dtype of the result: that of both, or f32 for products of 16 bits.
 * @throws ShapeError, DTypeError when the two do not fit.
 */
export function matmul(a: Tensor, b: Tensor, dtype: DType = a.dtype): Tensor {
  if (a.rank < 2 || b.rank < 2 || a.shape.at(-1) !== b.shape.at(-2)) {
    throw new ShapeError(
      "matmul",
      `expected [B…, M, K] and [B…, K, N], got ${showShape(a.shape)} and ${showShape(b.shape)}`,
    );
  }
  if (a.dtype !== b.dtype)
    throw new DTypeError("matmul", `expected one dtype, got ${a.dtype} and ${b.dtype}: cast one of them`);
  if (dtype !== a.dtype && !(dtype === "f32" && isNarrow(a.dtype)))
    throw new DTypeError("matmul", `expected a result in ${a.dtype} or, from 16 bits, f32, got ${dtype}`);
  const batch = broadcastShapes("matmul", [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const views = [a, b].map(({ view }) => {
    const shape = [...batch, ...view.shape.slice(-2)];
    return { ...view, shape, strides: broadcastStrides(view.shape, view.strides, shape) };
  });
  const shape = [...batch, a.shape.at(-2)!, b.shape.at(-1)!];
  return applyPrimitive("matmul", a.runtime, { shape, dtype }, [a, b], { alpha: 1, accumulate: false }, views);
}
