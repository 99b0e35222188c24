/** Queues a primitive and, when a tape is open, records it. Every operation that computes anything goes through here. */
import type { View } from "../backend/backend.ts";
import type { TensorSpec } from "../backend/fused.ts";
import type { PrimitiveAttrs, PrimitiveName } from "../backend/primitives.ts";
import type { Runtime } from "../tensor/runtime.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** @param views The inputs as the backend shall see them (broadcast, say); the inputs' own views by default. */
export function applyPrimitive<K extends PrimitiveName>(
  op: K,
  runtime: Runtime,
  output: TensorSpec,
  inputs: readonly Tensor[],
  attrs: PrimitiveAttrs[K],
  views: readonly View[] = inputs.map((input) => input.view),
): Tensor {
  const result = runtime.empty(output.shape, output.dtype);
  if (result.size > 0) runtime.backend.run(op, [result.view], views, attrs);
  runtime.tape?.recordPrimitive(op, attrs, inputs, result);
  return result;
}
