/**
 * A linear layer with weights of 8 bits ("dynamic int8"): weights rounded once, per output channel; activations on the way, per row. The reference
 * does the same with whole numbers in floats, which are exact while |Σ q · w| < 2^24.
 */
import { add, cast, map } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { slice, transpose } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import { expectRoundable, quantizeRows, unpackBytes } from "./bytes.ts";
import { expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";

const s = scalar;

export const int8LinearDefinition: CompositeDefinition<"int8Linear"> = {
  differentiable: false,
  infer([input, weight, scales, bias]) {
    expectShape("int8Linear", "x", input, [-1, -1]);
    expectShape("int8Linear", "weight", weight, [-1, Math.ceil(input.shape[1]! / 4)]);
    expectShape("int8Linear", "scales", scales, [weight.shape[0]!]);
    if (bias) expectShape("int8Linear", "bias", bias, [weight.shape[0]!]);
    expectRoundable("int8Linear", input, weight);
    return [{ shape: [input.shape[0]!, weight.shape[0]!], dtype: input.dtype }];
  },
  widening: { inputs: [0, 3] },
  reference([input, weight, scales, bias]) {
    const dtype = input!.dtype === "f64" ? "f64" : "f32";
    const { bytes, scale } = quantizeRows(cast(input!, dtype));
    const weights = slice(unpackBytes(weight!, dtype), 1, 0, input!.shape[1]!);
    const product = matmul(bytes, transpose(weights));
    const output = map(s.mul(s.mul(x(0), x(1)), x(2)), [product, cast(scales!, dtype), scale]);
    return [cast(bias ? add(output, cast(bias, dtype)) : output, input!.dtype)];
  },
};
