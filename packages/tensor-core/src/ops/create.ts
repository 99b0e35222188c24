/** Tensors from nothing: constants and counters. */
import type { DType } from "../dtype.ts";
import type { Shape } from "../shape.ts";
import type { Runtime } from "../tensor/runtime.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { applyPrimitive } from "./apply-primitive.ts";

/** Every element is `value`. */
export function full(runtime: Runtime, shape: Shape, value: number, dtype: DType = "f32"): Tensor {
  return applyPrimitive("fill", runtime, { shape, dtype }, [], { value });
}

export function zeros(runtime: Runtime, shape: Shape, dtype: DType = "f32"): Tensor {
  return full(runtime, shape, 0, dtype);
}

/** `start + step · index` along the last axis. */
export function iota(runtime: Runtime, shape: Shape, dtype: DType = "i32", start = 0, step = 1): Tensor {
  return applyPrimitive("iota", runtime, { shape, dtype }, [], { start, step });
}
