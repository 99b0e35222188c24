/** An objective's numbers for people, by their definitions. */
import type { MetricDefinition, Objective, Score, TrainableModel } from "@modernbert-ts/training";
import { formatPercent } from "./format.ts";

export function formatMetric({ format }: Pick<MetricDefinition, "format">, value: number): string {
  return format === "share" ? formatPercent(value) : value.toPrecision(4);
}

/** "loss 4.1423, masked accuracy 28.9 %" */
export function describeScore(
  { loss, metrics }: Pick<Score, "loss" | "metrics">,
  definitions: readonly MetricDefinition[],
): string {
  const named = definitions.map(
    (metric) => `${metric.title} ${formatMetric(metric, metrics[metric.name] ?? Number.NaN)}`,
  );
  return [`loss ${loss.toFixed(4)}`, ...named].join(", ");
}

export function capitalise(title: string): string {
  return title.charAt(0).toUpperCase() + title.slice(1);
}

/** An objective with all metrics that it has of a model, those of evaluations too. */
export function withHeldOut(
  objective: Objective,
  { metrics, heldOut }: Pick<TrainableModel<unknown>, "metrics" | "heldOut">,
): Objective {
  return { ...objective, metrics: [...metrics, ...(heldOut?.metrics ?? [])] };
}
