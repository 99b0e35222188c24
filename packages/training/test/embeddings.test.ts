import { disposeTensors } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { rowOfExamples } from "../src/data/examples/example-row.ts";
import { batchesOf } from "../src/data/packing/batch.ts";
import { readStepMetrics, trainingStep } from "../src/loop/training-step.ts";
import { embeddingsObjective as objective } from "../src/objectives/embeddings/objective.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import { batches, expectExactResume, label, scoreOf, smallModel, trainSteps } from "./support/labelled.ts";
import type { Labelled } from "./support/labelled.ts";

const animals = ["cat", "dog", "bird", "fish"];
const colours = ["red", "green", "blue", "small"];
const pairs = Array.from({ length: 16 }, (_, at) => {
  const [animal, colour] = [animals[at % 4]!, colours[Math.floor(at / 4)]!];
  return {
    anchor: `who is ${colour} what ${animal}`,
    positive: `a ${animal} was ${colour}`,
    negative: [`the ${animals[(at + 1) % 4]!} was ${colour}`],
  };
});

test("pairs come to find each other", async () => {
  const labelled = await label(
    objective,
    pairs.map(({ anchor, positive }) => ({ anchor, positive })),
  );
  const model = smallModel(objective, labelled);
  const losses = await trainSteps(objective, model, labelled, 12);
  expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
  const { metrics } = await scoreOf(objective, model, labelled);
  expect(metrics["mrr10"]).toBeGreaterThan(0.5);
  expect(Object.keys(metrics)).toEqual(["ndcg10", "mrr10", "recall10"]);
});

/** Vectors of the sequences of examples, computed one by one, of length 1 when cut to `width`. */
async function vectorsOf(
  model: ReturnType<typeof smallModel>,
  { data }: Labelled,
  examples: readonly number[],
  width: number,
): Promise<number[][][]> {
  const all: number[][][] = [];
  for (const example of examples) {
    const row = rowOfExamples(data.store, [example]);
    const device = model.upload(row);
    const made = model.joint!.represent(device);
    const values = Array.from((await made.read()) as Float32Array);
    disposeTensors([device, made]);
    const size = values.length / (row.cuSeqlens.length - 1);
    all.push(
      Array.from({ length: values.length / size }, (_, at) => {
        const cut = values.slice(at * size, at * size + width);
        const norm = Math.hypot(...cut);
        return cut.map((value) => value / norm);
      }),
    );
  }
  return all;
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * b[at]!, 0);

const logSumExp = (values: readonly number[]): number =>
  Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));

test("InfoNCE with hard negatives, symmetric, over cut vectors, is what its formula says", async () => {
  const settings = { symmetric: true, matryoshka_dims: [16, 6], temperature: 0.1 };
  const labelled = await label(objective, pairs, settings);
  const model = smallModel(objective, labelled);
  const examples = [3, 0, 9, 14];
  const device = model.upload(rowOfExamples(labelled.data.store, examples));
  const { lossSum } = model.runtime.scope(() => model.forward(device));
  const loss = await lossSum.item();
  disposeTensors([device, lossSum]);
  let wanted = 0;
  for (const width of [16, 6]) {
    const vectors = await vectorsOf(model, labelled, examples, width);
    const candidates = [...vectors.map(([, positive]) => positive!), ...vectors.map(([, , negative]) => negative!)];
    for (const [at, [anchor, positive]] of vectors.entries()) {
      const forwards = candidates.map((each) => dot(anchor!, each) / 0.1);
      const backwards = vectors.map(([each]) => dot(positive!, each!) / 0.1);
      wanted += (logSumExp(forwards) - forwards[at]! + logSumExp(backwards) - backwards[at]!) / 2 / 2;
    }
  }
  expect(loss).toBeCloseTo(wanted, 4);
});

test("a step over many rows learns what one row learns", async () => {
  const labelled = await label(objective, pairs, { symmetric: true });
  const run = async (rowLength: number): Promise<{ rows: number; loss: number; parameters: number[] }> => {
    const model = smallModel(objective, labelled);
    const optimizer = new StableAdamW(model, { maxLearningRate: 0.01 });
    const loader = objective.loader(labelled.data, { ...batches, examples: 16, rowLength }, labelled.values);
    let [rows, loss] = [0, 0];
    for (let step = 1; step <= 2; step++) {
      const batch = loader.next(0)!;
      rows = batch.rows.length;
      const metrics = trainingStep(model, optimizer, batch, { step, learningRate: 0.01 });
      ({ loss } = await readStepMetrics(metrics));
    }
    const before = model.runtime.backend.memory().liveBuffers;
    const metrics = trainingStep(model, optimizer, loader.next(0)!, { step: 3, learningRate: 0.01 });
    await readStepMetrics(metrics);
    expect(model.runtime.backend.memory().liveBuffers).toBe(before);
    const parameters: number[] = [];
    for (const tensor of model.parameters.values())
      parameters.push(...Array.from((await tensor.read()) as Float32Array));
    return { rows, loss, parameters };
  };
  const [whole, parts] = [await run(1000), await run(80)];
  expect([whole.rows, parts.rows > 2]).toEqual([1, true]);
  expect(parts.loss).toBeCloseTo(whole.loss, 5);
  for (const [at, value] of parts.parameters.entries())
    expect(Math.abs(value - whole.parameters[at]!)).toBeLessThan(2e-4);
});

test("scored pairs get the cosine of their score", async () => {
  const scored = pairs.map(({ anchor, positive }, at) => ({
    sentence1: anchor,
    sentence2: positive,
    score: (at % 4) / 4,
  }));
  const names = { anchor: "sentence1", positive: "sentence2" };
  const labelled = await label(objective, scored, { loss: "scored" }, { names });
  const model = smallModel(objective, labelled);
  const losses = await trainSteps(objective, model, labelled, 12);
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
  const { metrics, loss } = await scoreOf(objective, model, labelled);
  expect(metrics["spearman"]).toBeGreaterThan(0.5);
  const vectors = await vectorsOf(model, labelled, [...pairs.keys()], 16);
  const errors = vectors.map(([a, b], at) => (dot(a!, b!) - scored[at]!.score) ** 2);
  expect(loss).toBeCloseTo(errors.reduce((sum, error) => sum + error) / 16, 4);
});

test("a teacher's scores are learned by their KL divergence", async () => {
  const taught = pairs.map((record, at) => ({ ...record, scores: [2 + (at % 2), at % 3] }));
  const labelled = await label(objective, taught, { loss: "kl", temperature: 0.2 });
  const model = smallModel(objective, labelled);
  const { loss } = await scoreOf(objective, model, labelled);
  const vectors = await vectorsOf(model, labelled, [...pairs.keys()], 16);
  const divergences = vectors.map(([anchor, ...others], at) => {
    const student = others.map((other) => dot(anchor!, other) / 0.2);
    const teacher = taught[at]!.scores;
    const logs = [student, teacher].map((values) => values.map((value) => value - logSumExp(values)));
    return logs[1]!.reduce((sum, log, index) => sum + Math.exp(log) * (log - logs[0]![index]!), 0);
  });
  expect(loss).toBeCloseTo(divergences.reduce((sum, each) => sum + each) / 16, 4);
  const losses = await trainSteps(objective, model, labelled, 12);
  expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
});

test.each(["mse", "cosine"])("a teacher's vectors are learned by %s", async (loss) => {
  const taught = pairs.map(({ anchor }, at) => ({
    anchor,
    vector: Array.from({ length: 16 }, (_, n) => ((at + n) % 4) / 4),
  }));
  const labelled = await label(objective, taught, { loss });
  const model = smallModel(objective, labelled);
  const losses = await trainSteps(objective, model, labelled, 12);
  expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]!);
  const score = await scoreOf(objective, model, labelled);
  const vectors = await vectorsOf(model, labelled, [...pairs.keys()], 16);
  const cosines = vectors.map(([own], at) => dot(own!, taught[at]!.vector) / Math.hypot(...taught[at]!.vector));
  const mean = cosines.reduce((sum, each) => sum + each) / 16;
  expect(score.metrics["cosine"]).toBeCloseTo(mean, 4);
  if (loss === "cosine") expect(score.loss).toBeCloseTo(1 - mean, 4);
});

test.each([
  [
    { loss: "kl" },
    { anchor: "a", positive: "b", scores: [1, 2] },
    "expected a score for the positive and each of 0 negatives, got 2",
  ],
  [{}, { anchor: "a" }, 'expected a field "positive"'],
  [{ loss: "scored" }, { anchor: "a", positive: "b", score: "high" }, 'expected a number in field "score", got "high"'],
  [{}, { anchor: "a", positive: "b", negative: [1] }, 'expected a list of texts in field "negative"[0], got 1'],
])("%j: %j is refused", async (settings, record, message) => {
  await expect(label(objective, [record], settings)).rejects.toThrow(message);
});

test("vectors of another width and longer cuts than the vectors are refused", async () => {
  const labelled = await label(objective, [{ anchor: "a", vector: [1, 2] }], { loss: "mse" });
  const [batch] = [...batchesOf(objective.loader(labelled.data, { ...batches, epochs: 1 }, labelled.values))];
  expect(() => smallModel(objective, labelled).upload(batch!.rows[0]!)).toThrow(
    "expected teacher's vectors of 16 numbers (hidden_size), got 2",
  );
  const wide = await label(objective, pairs, { matryoshka_dims: [64] });
  expect(() => smallModel(objective, wide)).toThrow("matryoshka_dims of at most 16");
});

test("its loader goes on bit for bit", () => expectExactResume(objective, pairs));
