/** The loader of an objective of labelled examples, from the settings of batches that all objectives share. */
import { ExampleLoader } from "../data/examples/example-loader.ts";
import type { ExampleLoaderState } from "../data/examples/example-loader.ts";
import type { ExampleRow } from "../data/examples/example-row.ts";
import type { ExampleStore } from "../data/examples/example-store.ts";
import { DataError } from "../errors.ts";
import type { BatchSettings, ObjectiveData } from "./objective.ts";

/** Examples of a step where the settings do not say. */
export const defaultExamples = 32;

/** @throws DataError like `ExampleLoader`. */
export function exampleLoader(
  { store }: Pick<ObjectiveData<ExampleStore>, "store">,
  { examples = defaultExamples, ...batches }: BatchSettings,
  weightOf: (row: ExampleRow) => number,
  state?: unknown,
): ExampleLoader {
  return new ExampleLoader({ ...batches, examples, store, weightOf }, state as ExampleLoaderState | undefined);
}

/** Where the texts of a step are compared with each other, on one device. @throws DataError for several processes. */
export function expectOneProcess(objective: string, { world = 1 }: Pick<BatchSettings, "world">): void {
  if (world === 1) return;
  const message = `expected one process, got ${world}: the texts of a step are compared with each other on one device`;
  throw new DataError("invalid", objective, message);
}
