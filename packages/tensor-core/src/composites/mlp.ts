/** The feed-forward block of a transformer, plain or gated: two linear layers around an activation. */
import { ShapeError } from "../errors.ts";
import { map } from "../ops/elementwise.ts";
import { x } from "../scalar/expression.ts";
import { activationExpression } from "./activations.ts";
import type { CompositeDefinition } from "./definition.ts";
import { linearDefinition } from "./linear.ts";

export const mlpDefinition: CompositeDefinition<"mlp"> = {
  infer([input, wi, bi, wo, bo], { gated }) {
    const [hidden] = linearDefinition.infer([input!, wi!, bi ?? null], {});
    const [rows, width] = hidden!.shape as [number, number];
    if (gated && width % 2 !== 0)
      throw new ShapeError("mlp", `expected an even number of rows of wi with a gate, got ${width}`);
    const inner = { shape: [rows, gated ? width / 2 : width], dtype: hidden!.dtype };
    return linearDefinition.infer([inner, wo!, bo ?? null], {});
  },
  needsNoKernel: () => true,
  reference([input, wi, bi, wo, bo], { activation, gated }, apply) {
    const [hidden] = apply("linear", [input!, wi!, bi ?? null], {});
    const [active] = gated
      ? apply("glu", [hidden!], { activation })
      : [map(activationExpression(activation, x(0)), [hidden!])];
    return apply("linear", [active!, wo!, bo ?? null], {});
  },
};
