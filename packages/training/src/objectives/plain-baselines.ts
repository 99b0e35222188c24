/** What can be had without reading a text, from the labels of the training data alone. */
import type { ExampleRow } from "../data/examples/example-row.ts";
import type { ExampleStore } from "../data/examples/example-store.ts";
import type { Batch } from "../data/packing/batch.ts";
import type { Baseline } from "./objective.ts";

/** Always the most frequent class, and the cross-entropy of the classes' shares. @param of the metric that it is a baseline of. Values below 0 do not count. */
export function frequentClass(
  store: ExampleStore,
  batches: Iterable<Batch<ExampleRow>>,
  of: string,
  name: string,
): Baseline[] {
  const counts = new Map<number, number>();
  let total = 0;
  for (let example = 0; example < store.documents; example++) {
    for (const label of store.values(example)) {
      if (label < 0) continue;
      counts.set(label, (counts.get(label) ?? 0) + 1);
      total++;
    }
  }
  const [best] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [-1];
  let [scored, hits, loss] = [0, 0, 0];
  for (const label of valuesOf(batches)) {
    if (label < 0) continue;
    scored++;
    if (label === best) hits++;
    loss -= Math.log(((counts.get(label) ?? 0) + 1) / (total + counts.size));
  }
  return [
    { name: "shares of the labels", of: "loss", value: loss / scored },
    { name, of, value: hits / scored },
  ];
}

/** Always the mean of the training data. */
export function meanValue(store: ExampleStore, batches: Iterable<Batch<ExampleRow>>): Baseline[] {
  let sum = 0;
  for (let example = 0; example < store.documents; example++) sum += store.values(example)[0]!;
  const errors = [...valuesOf(batches)].map((value) => (value - sum / store.documents) ** 2);
  return [{ name: "mean of the labels", of: "loss", value: errors.reduce((a, b) => a + b, 0) / errors.length }];
}

function* valuesOf(batches: Iterable<Batch<ExampleRow>>): Generator<number> {
  for (const { rows } of batches) for (const { values } of rows) for (const own of values) yield* own;
}
