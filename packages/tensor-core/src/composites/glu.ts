/** Gated linear unit: the first half is activated, the second half multiplies (GeGLU when the activation is gelu; Shazeer 2020). */
import { ShapeError } from "../errors.ts";
import { map } from "../ops/elementwise.ts";
import { slice } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import { showShape } from "../shape.ts";
import { activationExpression } from "./activations.ts";
import type { CompositeDefinition } from "./definition.ts";
import { expectShape } from "./definition.ts";

export const gluDefinition: CompositeDefinition<"glu"> = {
  infer([input]) {
    expectShape("glu", "x", input, [-1, -1]);
    const [rows, width] = input.shape as [number, number];
    if (width % 2 !== 0) throw new ShapeError("glu", `expected an even last extent, got ${showShape(input.shape)}`);
    return [{ shape: [rows, width / 2], dtype: input.dtype }];
  },
  widening: { inputs: [0] },
  reference([input], { activation }) {
    const width = input!.shape[1]!;
    const gated = scalar.mul(activationExpression(activation, x(0)), x(1));
    return [map(gated, [slice(input!, 1, 0, width / 2), slice(input!, 1, width / 2, width)])];
  },
};
