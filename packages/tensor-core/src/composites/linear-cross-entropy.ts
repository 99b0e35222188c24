/** Output projection and cross-entropy in one: a fused kernel never holds all logits. The reference does, in f32. */
import { cast, map, mul } from "../ops/elementwise.ts";
import { iota } from "../ops/create.ts";
import { takeAlong } from "../ops/indexing.ts";
import { denseLinear } from "./linear.ts";
import { max, sum, sumAll } from "../ops/reduce.ts";
import { reshape } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import { expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";
import type { Tensor } from "../tensor/tensor.ts";

const s = scalar;
const counts = s.lessEqual(0, x(0));

export const linearCrossEntropyDefinition: CompositeDefinition<"linearCrossEntropy"> = {
  infer([hidden, weight, bias, labels]) {
    expectShape("linearCrossEntropy", "hidden", hidden, [-1, -1]);
    expectShape("linearCrossEntropy", "weight", weight, [-1, hidden.shape[1]!]);
    if (bias) expectShape("linearCrossEntropy", "bias", bias, [weight.shape[0]!]);
    expectShape("linearCrossEntropy", "labels", labels, [hidden.shape[0]!]);
    const dtype = hidden.dtype === "f64" ? "f64" : "f32";
    return [
      { shape: [1], dtype },
      { shape: [1], dtype },
    ];
  },
  widening: { inputs: [0, 1, 2] },
  reference([hidden, weight, bias, labels]) {
    const dtype = hidden!.dtype === "f64" ? "f64" : "f32";
    const logits = cast(denseLinear(hidden!, weight!, bias ?? null), dtype);
    const label = reshape(labels!, [labels!.size, 1]);
    const counted = map(counts, [label], dtype);
    const picked = takeAlong(logits, map(s.max(x(0), 0), [label]));
    const loss = map(s.mul(s.sub(x(0), x(1)), x(2)), [logSumExp(logits), picked, counted]);
    return [sumAll(loss), sumAll(mul(correctRows(logits, label, picked), counted))];
  },
};

/** log Σ exp over the last axis, which stays with extent 1. */
export function logSumExp(logits: Tensor): Tensor {
  const { runtime } = logits;
  return runtime.scope(() => {
    const detached = runtime.own(max(logits, [-1]).alias());
    const total = sum(map(s.exp(s.sub(x(0), x(1))), [logits, detached]), [-1]);
    return map(s.add(s.log(x(0)), x(1)), [total, detached]);
  });
}

/** 1 where the label's logit is the largest and no earlier column has as large a one. */
function correctRows(logits: Tensor, label: Tensor, picked: Tensor): Tensor {
  const column = reshape(iota(logits.runtime, [logits.shape[1]!]), [1, logits.shape[1]!]);
  const isBeaten = s.max(s.less(x(1), x(0)), s.mul(s.equal(x(0), x(1)), s.less(x(2), x(3))));
  const beaten = sum(map(isBeaten, [logits, picked, column, label], logits.dtype), [-1]);
  return map(s.equal(x(0), 0), [beaten]);
}
