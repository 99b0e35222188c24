/** What the best evaluation is told by: the metric that a configuration names, among those that the model has. */
import { lowestLoss, suggestionFor } from "@modernbert-ts/training";
import type { Criterion, Objective } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import { UsageError } from "../../errors.ts";

/** @throws UsageError that names the known ones. */
export function criterionOf(
  { evaluation: { metric } }: TrainerConfig,
  { metrics }: Pick<Objective, "metrics">,
): Criterion {
  if (metric === lowestLoss.metric) return lowestLoss;
  const found = metrics.find(({ name }) => name === metric);
  if (found) return { metric, lowerIsBetter: found.lowerIsBetter ?? false };
  const names = [lowestLoss.metric, ...metrics.map(({ name }) => name)];
  const guess = suggestionFor(metric, names);
  throw new UsageError(
    `expected evaluation.metric to be one of ${names.join(", ")}, got ${metric}${guess ? ` (did you mean ${guess}?)` : ""}`,
  );
}
