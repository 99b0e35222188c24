/** The Euclidean norm over many tensors at once: what gradients are clipped by, logged by and checked for NaN by. */
import { ShapeError } from "../errors.ts";
import { assign, map, mul } from "../ops/elementwise.ts";
import { sum, sumAll } from "../ops/reduce.ts";
import { slice } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import type { CompositeDefinition } from "./definition.ts";

export const globalNormDefinition: CompositeDefinition<"globalNorm"> = {
  differentiable: false,
  infer(inputs) {
    if (inputs.length === 0 || inputs.includes(null)) throw new ShapeError("globalNorm", "expected tensors, got none");
    return [{ shape: [1], dtype: "f32" }];
  },
  needsNoKernel: () => true,
  reference(inputs) {
    const { runtime } = inputs[0]!;
    const squares = runtime.empty([inputs.length]);
    for (const [at, tensor] of inputs.entries())
      runtime.scope(() => assign(slice(squares, 0, at, at + 1), sumAll(mul(tensor!, tensor!))));
    return [map(scalar.sqrt(x(0)), [sum(squares)])];
  },
};
