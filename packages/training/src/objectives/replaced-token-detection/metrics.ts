/** How well replaced tokens are found. */
import { concat, map, scalar, slice, sumAll, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { HeldOutMetrics, MetricDefinition } from "../objective.ts";

export const detectionMetrics: readonly MetricDefinition[] = [
  { name: "generatorLoss", title: "generator's loss", format: "number", lowerIsBetter: true },
  { name: "generatorAccuracy", title: "generator's accuracy", format: "share" },
  { name: "detectionLoss", title: "detection loss", format: "number", lowerIsBetter: true },
  { name: "detectionAccuracy", title: "detection accuracy", format: "share" },
];

const scored = scalar.lessEqual(0, x(2));
const flagged = scalar.less(x(0), x(1));
const right = scalar.select(scored, scalar.select(flagged, x(2), scalar.sub(1, x(2))), 0);
const isReplaced = scalar.select(scored, x(2), 0);
const isFlagged = scalar.select(scored, flagged, 0);
const isFound = scalar.select(scored, scalar.mul(flagged, x(2)), 0);

/** @param logits [T, 2]. @param labels i32 [T, 1]. */
function count(expression: Parameters<typeof map>[0], logits: Tensor, labels: Tensor): Tensor {
  return sumAll(map(expression, [slice(logits, 1, 0, 1), slice(logits, 1, 1, 2), labels]));
}

/** How many of the scored tokens are taken for what they are, [1]. */
export function correctOf(logits: Tensor, labels: Tensor): Tensor {
  return logits.runtime.scope(() => count(right, logits, labels));
}

/** How many tokens are replaced, are taken for replaced, and both: [3]. */
export function countsOf(logits: Tensor, labels: Tensor): Tensor {
  return logits.runtime.scope(() =>
    concat(
      [isReplaced, isFlagged, isFound].map((each) => count(each, logits, labels)),
      0,
    ),
  );
}

/** Of `countsOf` each row. */
export const detectionHeldOut: HeldOutMetrics<unknown, readonly number[]> = {
  metrics: [
    { name: "replacedRecall", title: "share of replaced tokens found", format: "share" },
    { name: "replacedPrecision", title: "share of found tokens replaced", format: "share" },
  ],
  collect: (_row, counts) => [[...counts]],
  summarise(items) {
    const [replaced, said, found] = [0, 1, 2].map((at) => items.reduce((sum, each) => sum + each[at]!, 0));
    return { replacedRecall: found! / Math.max(1, replaced!), replacedPrecision: found! / Math.max(1, said!) };
  },
};
