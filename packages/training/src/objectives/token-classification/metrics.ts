/** Accuracy of the scored words; of tags with the prefixes of entities precision, recall and F1 of whole entities too. */
import type { ExampleRow } from "../../data/examples/example-row.ts";
import { areEntityTags, entityScores } from "../../metrics/entities.ts";
import { largest } from "../../metrics/largest.ts";
import type { HeldOutMetrics, MetricDefinition } from "../objective.ts";

/** Tags of a text's words: those wanted, and those predicted. */
type Tagged = readonly [wanted: readonly number[], predicted: readonly number[]];

const accuracy: MetricDefinition = { name: "accuracy", title: "word accuracy", format: "share" };

const ofEntities: readonly MetricDefinition[] = [
  { name: "f1", title: "entity F1", format: "share" },
  { name: "precision", title: "entity precision", format: "share" },
  { name: "recall", title: "entity recall", format: "share" },
];

export function tokenMetrics(labels: readonly string[]): HeldOutMetrics<ExampleRow, Tagged> {
  const entities = areEntityTags(labels);
  return {
    metrics: [accuracy, ...(entities ? ofEntities : [])],
    collect({ values }, logits) {
      let token = 0;
      return values.map((own) => {
        const [wanted, predicted]: [number[], number[]] = [[], []];
        for (const label of own) {
          const at = labels.length * token++;
          if (label < 0) continue;
          wanted.push(label);
          predicted.push(largest(logits.subarray(at, at + labels.length)));
        }
        return [wanted, predicted] as const;
      });
    },
    summarise(items) {
      let [right, words] = [0, 0];
      for (const [wanted, predicted] of items) {
        words += wanted.length;
        right += wanted.filter((label, at) => label === predicted[at]).length;
      }
      const scores = entities
        ? entityScores(items.map(([a, b]) => [a.map((label) => labels[label]!), b.map((label) => labels[label]!)]))
        : undefined;
      return { accuracy: right / words, ...scores };
    },
  };
}
