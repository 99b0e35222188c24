/** Layer norm without or with bias, and the same fused with the residual addition before it. */
import type { CompositeAttrs } from "../backend/fused.ts";
import { isFloating } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { add, cast, map, sub } from "../ops/elementwise.ts";
import { mean } from "../ops/reduce.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { dropoutBy } from "../random/random.ts";
import { expectDropout, expectSameShape, expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";

const { mul, rsqrt } = scalar;
const square = mul(x(0), x(0));
const scaled = mul(mul(x(0), x(1)), x(2));
const scaledAndShifted = scalar.add(scaled, x(3));

function normalise(input: Tensor, weight: Tensor, bias: Tensor | null, eps: number): Tensor {
  const centred = sub(input, mean(input, [-1]));
  const inverse = map(rsqrt(scalar.add(x(0), eps)), [mean(map(square, [centred]), [-1])]);
  return bias ? map(scaledAndShifted, [centred, inverse, weight, bias]) : map(scaled, [centred, inverse, weight]);
}

const inFloat32 = <A extends CompositeAttrs["layerNorm"]>(attrs: A): A => ({ ...attrs, dtype: "f32" });

export const layerNormDefinition: CompositeDefinition<"layerNorm"> = {
  infer([input, weight, bias], { dtype }) {
    expectShape("layerNorm", "x", input, [-1, -1]);
    expectShape("layerNorm", "weight", weight, [input.shape[1]!]);
    if (bias) expectShape("layerNorm", "bias", bias, [input.shape[1]!]);
    if (!isFloating(dtype)) throw new DTypeError("layerNorm", `expected a float dtype for y, got ${dtype}`);
    return [{ shape: input.shape, dtype }];
  },
  widening: { inputs: [0, 1, 2], attrs: inFloat32 },
  reference: ([input, weight, bias], { eps, dtype }) => [cast(normalise(input!, weight!, bias ?? null, eps), dtype)],
};

export const residualLayerNormDefinition: CompositeDefinition<"residualLayerNorm"> = {
  infer([input, delta, weight, bias, step], attrs) {
    expectSameShape("residualLayerNorm", [input, delta]);
    expectDropout("residualLayerNorm", attrs.dropout, step);
    const [normed] = layerNormDefinition.infer([input!, weight!, bias ?? null], attrs);
    return [{ shape: input!.shape, dtype: input!.dtype }, normed!];
  },
  widening: { inputs: [0, 1, 2, 3], attrs: inFloat32 },
  needsNoKernel: ({ attrs }) => attrs.dropout !== null,
  reference([input, delta, weight, bias, step], attrs, apply) {
    const { eps, dtype, dropout } = attrs;
    if (dropout) {
      const dropped = dropoutBy(delta!, dropout, step ?? null);
      return apply("residualLayerNorm", [input!, dropped, weight!, bias ?? null, null], { ...attrs, dropout: null });
    }
    const total = add(input!, delta!);
    return [total, cast(normalise(total, weight!, bias ?? null, eps), dtype)];
  },
};
