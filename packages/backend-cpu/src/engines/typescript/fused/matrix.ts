/** Small helpers that the fused kernels share. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { DType, HostArray, PrimitiveAttrs } from "@modernbert-ts/tensor-core";
import { matmulKernels } from "../matmul.ts";
import type { Operand } from "../operand.ts";

/** A matrix over plain memory, for the matmul kernel. */
export function matrix(
  dtype: DType,
  data: HostArray,
  offset: number,
  shape: readonly [number, number],
  strides: readonly [number, number],
): Operand {
  return { dtype, data, shape, strides, offset };
}

export function transpose(operand: Operand): Operand {
  return { ...operand, shape: operand.shape.toReversed(), strides: operand.strides.toReversed() };
}

/** out = alpha · a·b, plus the old content of out when `accumulate`. */
export function multiply(out: Operand, a: Operand, b: Operand, attrs: Partial<PrimitiveAttrs["matmul"]> = {}): void {
  matmulKernels.matmul([out], [a, b], { alpha: 1, accumulate: false, ...attrs });
}

/** Fills a dense operand. */
export function fillDense({ data, offset, shape }: Operand, value: number): void {
  data.fill(value, offset, offset + sizeOf(shape));
}
