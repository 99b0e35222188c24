/** The section `evaluation` of a configuration. */
import type { Objective } from "@modernbert-ts/training";
import { z } from "zod";
import { count, interval } from "./amounts.ts";
import type { Amount } from "./amounts.ts";
import { settingsFields } from "./objective-settings.ts";

export interface EvaluationConfig {
  readonly every: Amount;
  /** Of documents; labelled examples are all scored. */
  readonly tokens?: Amount | undefined;
}

export function evaluationSection({ reading, settings }: Objective): z.ZodType<EvaluationConfig, unknown> {
  const every = interval.default(reading ? "200 steps" : "1M tokens").describe("How often to score the held-out data.");
  const tokens = count.default("100k").describe("Score at most about so many tokens.");
  const fields = { every, ...settingsFields(settings.evaluation), ...(reading ? {} : { tokens }) };
  return z
    .strictObject(fields)
    .prefault({})
    .describe("On the validation data, if there are any.") as unknown as z.ZodType<EvaluationConfig, unknown>;
}
