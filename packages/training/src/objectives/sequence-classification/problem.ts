/** The three problems that a sequence classifier solves, as a configuration and as transformers name them. */
import type { ProblemType } from "@modernbert-ts/encoder";
import { DataError } from "../../errors.ts";
import type { HeadSettings } from "../objective.ts";
import { choiceOf } from "../settings.ts";
import type { SettingValues } from "../settings.ts";

export const problems = ["single_label", "multi_label", "regression"] as const;
export type Problem = (typeof problems)[number];

export function problemOf(values: SettingValues): Problem {
  return choiceOf(values, "problem", problems);
}

const problemTypes: Readonly<Record<Problem, ProblemType>> = {
  single_label: "single_label_classification",
  multi_label: "multi_label_classification",
  regression: "regression",
};

/** @throws DataError where there is nothing to tell apart. */
export function problemSettings(problem: Problem, labels: readonly string[]): HeadSettings {
  const least = { single_label: 2, multi_label: 1, regression: 0 }[problem];
  if (labels.length < least) {
    const got = labels.length === 0 ? "none" : labels.join(", ");
    throw new DataError("invalid", "sequence_classification", `expected at least ${least} labels, got ${got}`);
  }
  const names = problem === "regression" ? ["LABEL_0"] : labels;
  return { labels: names, problemType: problemTypes[problem] };
}
