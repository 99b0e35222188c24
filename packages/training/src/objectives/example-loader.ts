/** The loader of an objective of labelled examples, from the settings of batches that all objectives share. */
import { ExampleLoader } from "../data/examples/example-loader.ts";
import type { ExampleLoaderState } from "../data/examples/example-loader.ts";
import type { ExampleRow } from "../data/examples/example-row.ts";
import type { ExampleStore } from "../data/examples/example-store.ts";
import type { BatchSettings, ObjectiveData } from "./objective.ts";

/** Examples of a step where the settings do not say. */
export const defaultExamples = 32;

/**
 * @param batches.allRows as in `ExampleLoader`: for a loss that looks at all rows of a step.
 * @throws DataError like `ExampleLoader`.
 */
export function exampleLoader(
  { store }: Pick<ObjectiveData<ExampleStore>, "store">,
  { examples = defaultExamples, ...batches }: BatchSettings & { readonly allRows?: boolean },
  weightOf: (row: ExampleRow) => number,
  state?: unknown,
): ExampleLoader {
  return new ExampleLoader({ ...batches, examples, store, weightOf }, state as ExampleLoaderState | undefined);
}
