/** Rotary position embedding, half rotation (GPT-NeoX style; Su et al. 2021): q and k turn, v passes. */
import { ShapeError } from "../errors.ts";
import { map } from "../ops/elementwise.ts";
import { gather } from "../ops/indexing.ts";
import { concat, reshape, slice } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import { showShape } from "../shape.ts";
import { expectSameShape, expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";

const { add, mul, sub } = scalar;
const firstHalf = sub(mul(x(0), x(2)), mul(x(1), x(3)));
const secondHalf = add(mul(x(1), x(2)), mul(x(0), x(3)));

export const ropeDefinition: CompositeDefinition<"rope"> = {
  infer([qkv, cos, sin, positions]) {
    expectShape("rope", "qkv", qkv, [-1, 3, -1, -1]);
    const [tokens, , , width] = qkv.shape as [number, number, number, number];
    if (width % 2 !== 0) throw new ShapeError("rope", `expected an even head size, got ${showShape(qkv.shape)}`);
    expectShape("rope", "cos", cos, [-1, width / 2]);
    expectSameShape("rope", [cos, sin]);
    expectShape("rope", "positions", positions, [tokens]);
    return [{ shape: qkv.shape, dtype: qkv.dtype }];
  },
  widening: { inputs: [0, 1, 2] },
  reference([qkv, cosTable, sinTable, positions]) {
    const [tokens, , , width] = qkv!.shape as [number, number, number, number];
    const half = width / 2;
    const cos = reshape(gather(cosTable!, positions!), [tokens, 1, 1, half]);
    const sin = reshape(gather(sinTable!, positions!), [tokens, 1, 1, half]);
    const qk = slice(qkv!, 1, 0, 2);
    const halves = [slice(qk, 3, 0, half), slice(qk, 3, half, width), cos, sin];
    const turned = concat([map(firstHalf, halves), map(secondHalf, halves)], 3);
    return [concat([turned, slice(qkv!, 1, 2, 3)], 1)];
  },
};
