/** Parameters that stay as they are: no gradient is computed for them, and optimizers hold no state of them. */
import { DataError } from "../errors.ts";
import { matchesName, unmatched } from "./name-pattern.ts";
import type { NamedTensors } from "./optimizer.ts";

interface Freezable {
  readonly parameters: NamedTensors;
  readonly frozen?: ReadonlySet<string>;
}

/** The model with the parameters frozen that match one of the patterns (`name-pattern.ts`). @throws DataError `invalid` for a pattern that matches none, or when none is left. */
export function freeze<Model extends Freezable>(model: Model, patterns: readonly string[]): Model {
  const names = [...model.parameters.keys()];
  const [stray] = unmatched(patterns, names);
  if (stray !== undefined)
    throw new DataError("invalid", "freeze", `expected a part of a parameter's name, got "${stray}", which none has`);
  const chosen = names.filter((name) => patterns.some((pattern) => matchesName(pattern, name)));
  const frozen = new Set([...(model.frozen ?? []), ...chosen]);
  if (frozen.size === names.length)
    throw new DataError("invalid", "freeze", "expected a parameter to be left to train, got all of them frozen");
  return { ...model, frozen };
}

/** What is learned. */
export function withoutFrozen<Model extends Freezable>(model: Model): Model {
  const { parameters, frozen } = model;
  return frozen ? { ...model, parameters: new Map([...parameters].filter(([name]) => !frozen.has(name))) } : model;
}
