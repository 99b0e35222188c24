import { disposeTensors } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { rowOfExamples } from "../src/data/examples/example-row.ts";
import { sequenceClassificationObjective as objective } from "../src/objectives/sequence-classification/objective.ts";
import { sequenceMetrics } from "../src/objectives/sequence-classification/metrics.ts";
import { batches, expectExactResume, label, scoreOf, smallModel, trainSteps } from "./support/labelled.ts";

const animals = ["cat", "dog", "bird"];
const colours = ["red", "green", "blue"];
const records = Array.from({ length: 36 }, (_, at) => ({
  text: `the ${colours[at % 3]!} ${animals[Math.floor(at / 3) % 3]!} ${at % 2 ? "runs" : "is not big"}`,
  label: animals[Math.floor(at / 3) % 3]!,
}));

test("one label: learns it, and says so by accuracy, F1 and Matthews' correlation", async () => {
  const labelled = await label(objective, records);
  expect(labelled.labels).toEqual(["bird", "cat", "dog"]);
  const model = smallModel(objective, labelled);
  const losses = await trainSteps(objective, model, labelled, 30);
  expect(losses[0]).toBeGreaterThan(0.8);
  const { metrics, loss, weight } = await scoreOf(objective, model, labelled);
  expect(weight).toBe(36);
  expect(loss).toBeLessThan(0.1);
  expect(metrics).toEqual({ accuracy: 1, macroF1: 1, matthews: 1 });
});

test("several labels, and pairs", async () => {
  const several = records.map(({ text }, at) => ({
    text: text.split(" ").slice(0, 2).join(" "),
    text_pair: text.split(" ").slice(2).join(" "),
    label: [colours[at % 3]!, ...(at % 2 ? ["moves"] : [])],
  }));
  const labelled = await label(objective, several, { problem: "multi_label" });
  expect(labelled.labels).toEqual(["blue", "green", "moves", "red"]);
  expect([...labelled.data.store.values(1)]).toEqual([0, 1, 1, 0]);
  const model = smallModel(objective, labelled);
  const losses = await trainSteps(objective, model, labelled, 30);
  expect(losses.at(-1)).toBeLessThan(0.2 * losses[0]!);
  expect((await scoreOf(objective, model, labelled)).metrics["accuracy"]).toBeGreaterThan(0.95);
});

test("numbers", async () => {
  const numbers = records.map(({ text }, at) => ({ text, label: (at % 3) - 1 + (at % 2) / 4 }));
  const labelled = await label(objective, numbers, { problem: "regression" });
  const model = smallModel(objective, labelled);
  const losses = await trainSteps(objective, model, labelled, 40);
  expect(losses.at(-1)).toBeLessThan(0.2 * losses[0]!);
  const { metrics } = await scoreOf(objective, model, labelled);
  expect(metrics["pearson"]).toBeGreaterThan(0.9);
  const loader = objective.loader(labelled.data, { ...batches, epochs: 1 }, labelled.values);
  const [mean] = objective.baselines(labelled.data, [loader.next(0)!], labelled.values);
  expect(mean).toMatchObject({ of: "loss" });
});

test("the loss is the cross-entropy of the predictions, however examples are packed", async () => {
  const labelled = await label(objective, records);
  const model = smallModel(objective, labelled);
  const { store } = labelled.data;
  const run = async (examples: number[]): Promise<{ loss: number; predictions: Float32Array }> => {
    const device = model.upload(rowOfExamples(store, examples));
    const { lossSum, predictions } = model.runtime.scope(() => model.forward(device));
    const result = { loss: await lossSum.item(), predictions: Float32Array.from(await predictions!.read()) };
    disposeTensors([device, lossSum, predictions]);
    return result;
  };
  const together = await run([3, 8, 20]);
  const single = await Promise.all([3, 8, 20].map((example) => run([example])));
  expect(single.flatMap(({ predictions }) => [...predictions])).toEqual(
    [...together.predictions].map((value) => expect.closeTo(value, 5)),
  );
  const surprise = (example: number, at: number): number => {
    const logits = [...together.predictions.subarray(3 * at, 3 * at + 3)];
    return Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - logits[store.values(example)[0]!]!;
  };
  expect(together.loss).toBeCloseTo(surprise(3, 0) + surprise(8, 1) + surprise(20, 2), 4);
});

test("its loader goes on bit for bit", () => expectExactResume(objective, records));

test.each([
  ["a label that is not in the map", { text: "a", label: "cow" }, 'expected one of the labels cat, dog, got "cow"'],
  ["a missing field", { label: "cat" }, 'expected a field "text", got none (there is label)'],
  ["a wrong type", { text: 3, label: "cat" }, 'expected a text in field "text", got 3'],
  ["a label that is a list", { text: "a", label: ["cat"] }, "expected a label (a text or a whole number)"],
  ["a label like one of them", { text: "x", label: "cta" }, "(did you mean cat?)"],
  [
    "a text with a NUL",
    { text: "a\0b", label: "cat" },
    'expected a text in field "text", got binary data (a NUL character)',
  ],
])("%s is refused with its place", async (_, record, message) => {
  const given = [{ text: "a cat", label: "cat" }, record];
  await expect(label(objective, given, {}, { labels: ["cat", "dog"] })).rejects.toThrow(message);
  await expect(label(objective, given, {}, { labels: ["cat", "dog"] })).rejects.toThrow(/records\.jsonl:2/);
});

test("other names of fields; whole numbers are classes of named labels; bad records are passed over when asked", async () => {
  const given = [
    { sentence: "a cat", kind: 1 },
    { sentence: "a dog", kind: 7 },
    { sentence: "a bird", kind: "neg" },
  ];
  const names = { text: "sentence", label: "kind" };
  const { data } = await label(objective, given, {}, { names, labels: ["neg", "pos"], badRecords: "skip" });
  expect([0, 1].map((example) => data.store.values(example)[0])).toEqual([1, 0]);
});

test("one label only is refused", async () => {
  const labelled = await label(objective, [{ text: "a", label: "cat" }]);
  expect(() => smallModel(objective, labelled)).toThrow("expected at least 2 labels, got cat");
});

test("longer texts lose their ends, and are counted", async () => {
  const long = [
    { text: "the cat ".repeat(50), label: "a" },
    { text: "a dog", label: "b" },
  ];
  const { data, cut } = await label(objective, long, {}, { maxLength: 16 });
  expect(cut).toBe(1);
  expect(data.store.length(0)).toBe(16);
});

test("baselines by hand", async () => {
  const labelled = await label(objective, records.slice(0, 5));
  const loader = objective.loader(labelled.data, { ...batches, epochs: 1 }, labelled.values);
  const [loss, accuracy] = objective.baselines(labelled.data, [loader.next(0)!], labelled.values);
  expect(accuracy).toMatchObject({ of: "accuracy", value: 0.6 });
  expect(loss!.value).toBeCloseTo((-3 * Math.log(4 / 7) - 2 * Math.log(3 / 7)) / 5, 12);
});

test("metrics of two classes name the second", () => {
  const info = { problemType: "single_label_classification", labels: ["ham", "spam"] } as const;
  const { metrics, summarise } = sequenceMetrics(info);
  expect(metrics.map(({ title }) => title)).toEqual(["accuracy", "F1 of spam", "Matthews correlation"]);
  const items = [
    [1, 1],
    [1, 0],
    [0, 0],
    [0, 0],
    [0, 1],
  ].map(([wanted, predicted]) => [[wanted!], predicted ? [0, 1] : [1, 0]] as const);
  expect(summarise(items)).toMatchObject({ accuracy: 0.6, f1: 0.5, matthews: expect.closeTo(1 / 6, 12) });
});
