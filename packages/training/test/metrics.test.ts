/** Scores beside scikit-learn's and scipy's (fixtures/metrics, made by tooling/reference/metrics_fixture.py). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { accuracy, binaryF1, macroF1, matthews } from "../src/metrics/classes.ts";
import { pearson, spearman } from "../src/metrics/correlation.ts";
import { sequenceMetrics } from "../src/objectives/sequence-classification/metrics.ts";

const golden = JSON.parse(readFileSync(new URL("fixtures/metrics/golden.json", import.meta.url), "utf8")) as {
  readonly classes: Record<"accuracy" | "macroF1" | "matthews" | "binaryF1", number> &
    Record<"wanted" | "predicted", number[]>;
  readonly sets: Record<"accuracy" | "microF1" | "macroF1", number> & Record<"wanted" | "predicted", number[][]>;
  readonly numbers: Record<"a" | "b", number[]> & Record<"pearson" | "spearman", number>;
};

test("classes", () => {
  const { wanted, predicted, ...scores } = golden.classes;
  const binary = [wanted, predicted].map((side) => side.map((label) => Math.min(label, 1))) as [number[], number[]];
  expect({
    accuracy: accuracy(wanted, predicted),
    macroF1: macroF1(wanted, predicted, 4),
    matthews: matthews(wanted, predicted, 4),
    binaryF1: binaryF1(...binary),
  }).toEqual(near(scores));
});

test("sets of labels", () => {
  const { wanted, predicted, ...scores } = golden.sets;
  const info = { problemType: "multi_label_classification", labels: ["a", "b", "c"] } as const;
  const items = wanted.map((set, at) => [set, predicted[at]!.map((label) => label - 0.5)] as const);
  expect(sequenceMetrics(info).summarise(items)).toEqual(near(scores));
});

test("correlations, with ties", () => {
  const { a, b, ...scores } = golden.numbers;
  expect({ pearson: pearson(a, b), spearman: spearman(a, b) }).toEqual(near(scores));
  expect([pearson([1, 2, 3], [4, 4, 4]), spearman([1, 1], [1, 2])]).toEqual([0, 0]);
});

function near(scores: Readonly<Record<string, number>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(scores).map(([name, value]) => [name, expect.closeTo(value, 12) as unknown]),
  );
}
