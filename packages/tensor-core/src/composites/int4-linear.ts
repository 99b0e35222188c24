/**
 * A linear layer with weights of 4 bits, rounded once, per group of columns of an output channel; activations in bytes on the way, per row, as
 * in `int8Linear`. The reference multiplies rounded rows with weights as they are worth.
 */
import { add, cast, map } from "../ops/elementwise.ts";
import { matmul } from "../ops/matmul.ts";
import { concat, reshape, slice, transpose } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import { expectRoundable, quantizeRows, unpackBytes } from "./bytes.ts";
import { expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";
import { int4Group } from "./quantize-int4.ts";

const s = scalar;

export const int4LinearDefinition: CompositeDefinition<"int4Linear"> = {
  differentiable: false,
  infer([input, weight, scales, bias]) {
    expectShape("int4Linear", "x", input, [-1, -1]);
    const groups = Math.ceil(input.shape[1]! / int4Group);
    expectShape("int4Linear", "weight", weight, [-1, (groups * int4Group) / 8]);
    expectShape("int4Linear", "scales", scales, [weight.shape[0]!, groups]);
    if (bias) expectShape("int4Linear", "bias", bias, [weight.shape[0]!]);
    expectRoundable("int4Linear", input, weight);
    return [{ shape: [input.shape[0]!, weight.shape[0]!], dtype: input.dtype }];
  },
  widening: { inputs: [0, 3] },
  reference([input, weight, scales, bias]) {
    const dtype = input!.dtype === "f64" ? "f64" : "f32";
    const [channels, groups] = scales!.shape as [number, number];
    const { bytes, scale } = quantizeRows(cast(input!, dtype));
    const half = [channels, groups, 1, int4Group / 2];
    const packed = reshape(unpackBytes(weight!, dtype), half);
    // A signed byte, of which both halves are wanted as 0 to 15.
    const whole = s.add(x(0), s.mul(256, s.less(x(0), 0)));
    const high = s.floor(s.div(whole, 16));
    const units = [s.sub(s.sub(whole, s.mul(16, high)), 8), s.sub(high, 8)].map((number) => map(number, [packed]));
    const worth = map(s.mul(x(0), x(1)), [concat(units, 2), reshape(cast(scales!, dtype), [channels, groups, 1, 1])]);
    const weights = slice(reshape(worth, [channels, groups * int4Group]), 1, 0, input!.shape[1]!);
    const output = map(s.mul(x(0), x(1)), [matmul(bytes, transpose(weights)), scale]);
    return [cast(bias ? add(output, cast(bias, dtype)) : output, input!.dtype)];
  },
};
