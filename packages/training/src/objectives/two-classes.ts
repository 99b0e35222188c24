/** How many of two classes were told right. */
import { map, scalar, slice, sumAll, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";

/** A label's logit is the larger one; where both are equal class 0 counts as chosen. */
const right = scalar.select(
  scalar.lessEqual(0, x(2)),
  scalar.select(scalar.less(x(0), x(1)), x(2), scalar.sub(1, x(2))),
  0,
);

/** logits [N, 2], labels i32 [N, 1], below 0 where nothing counts → how many are right, f32 [1] */
export function correctOf(logits: Tensor, labels: Tensor): Tensor {
  const { runtime } = logits;
  return runtime.scope(() => sumAll(map(right, [slice(logits, 1, 0, 1), slice(logits, 1, 1, 2), labels])));
}
