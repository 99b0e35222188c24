/** Parts of names of parameters in a configuration, checked against the model. */
import { suggestionFor, unmatched } from "@modernbert-ts/training";
import type { TrainerConfig } from "../../config/config.ts";
import { UsageError } from "../../errors.ts";

/** @throws UsageError for a part that no name has, or when nothing is left to train. */
export function checkParameterNames({ model, optimizer }: TrainerConfig, names: readonly string[]): void {
  const fields = { "model.freeze": model.freeze, "optimizer.learning_rates": Object.keys(optimizer.learning_rates) };
  for (const [field, patterns] of Object.entries(fields)) {
    const [stray] = unmatched(patterns, names);
    if (stray === undefined) continue;
    const words = [...new Set(names.flatMap((name) => name.split(".")))].filter((word) => !/^\d+$/.test(word));
    const guess = suggestionFor(stray, words);
    const advice = guess ? `did you mean ${guess}?` : `words of names here are ${words.join(", ")}`;
    throw new UsageError(`${field}: no parameter's name has ${stray} in it; ${advice}`);
  }
}
