/** The section `evaluation` of a configuration. */
import { lowestLoss } from "@modernbert-ts/training";
import type { Objective } from "@modernbert-ts/training";
import { z } from "zod";
import { count, interval } from "./amounts.ts";
import type { Amount } from "./amounts.ts";
import { settingsFields } from "./objective-settings.ts";

export interface EvaluationConfig {
  readonly every: Amount;
  /** Name of a metric, or "loss". */
  readonly metric: string;
  readonly patience?: number | undefined;
  /** Of documents; labelled examples are all scored. */
  readonly tokens?: Amount | undefined;
}

export function evaluationSection({ reading, settings }: Objective): z.ZodType<EvaluationConfig, unknown> {
  const every = interval.default(reading ? "200 steps" : "1M tokens").describe("How often to score the held-out data.");
  const tokens = count.default("100k").describe("Score at most about so many tokens.");
  const metric = z
    .string()
    .min(1)
    .default(lowestLoss.metric)
    .describe("What the best evaluation is told by: loss, or a metric by its name in metrics.jsonl, such as f1.");
  const patience = z
    .int()
    .min(1)
    .optional()
    .describe(
      "End once so many evaluations in a row are no better than the best; each that is better is saved, and model/ is the best one. When left out, model/ is the last.",
    );
  const fields = { every, metric, patience, ...settingsFields(settings.evaluation), ...(reading ? {} : { tokens }) };
  return z
    .strictObject(fields)
    .prefault({})
    .describe("On the validation data, if there are any.") as unknown as z.ZodType<EvaluationConfig, unknown>;
}
