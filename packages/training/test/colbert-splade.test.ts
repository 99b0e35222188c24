import { disposeTensors } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { rowOfExamples } from "../src/data/examples/example-row.ts";
import type { ExampleRow } from "../src/data/examples/example-row.ts";
import { colbertObjective, hostMaxSim } from "../src/objectives/colbert/objective.ts";
import { spladeObjective } from "../src/objectives/splade/objective.ts";
import { label, scoreOf, smallModel, trainSteps } from "./support/labelled.ts";
import type { LabelledObjective } from "./support/labelled.ts";

const animals = ["cat", "dog", "bird", "fish"];
const pairs = Array.from({ length: 12 }, (_, at) => ({
  anchor: `who is ${at % 3 ? "big" : "small"} ${animals[at % 4]!}`,
  positive: `a ${animals[at % 4]!} ${at % 3 ? "runs" : "eats"}`,
  negative: `the ${animals[(at + 1) % 4]!} sleeps`,
}));

interface Made {
  readonly row: ExampleRow;
  readonly loss: number;
  readonly joint: number;
  readonly representation: Float32Array;
}

/** A row's loss and representation; and the loss of its two halves together. */
async function make(objective: LabelledObjective): Promise<Made> {
  const labelled = await label(objective, pairs);
  const model = smallModel(objective, labelled);
  const { store } = labelled.data;
  const examples = [3, 0, 7, 10];
  const row = rowOfExamples(store, examples);
  const device = model.upload(row);
  const { lossSum } = model.runtime.scope(() => model.forward(device));
  const made = model.joint!.represent(device);
  const halves = [examples.slice(0, 2), examples.slice(2)].map((half) => model.upload(rowOfExamples(store, half)));
  const parts = halves.map((half) => model.joint!.represent(half));
  const together = model.runtime.scope(() => model.joint!.loss(parts, halves));
  const result = {
    row,
    loss: await lossSum.item(),
    joint: await together.lossSum.item(),
    representation: Float32Array.from((await made.read()) as Float32Array),
  };
  disposeTensors([device, lossSum, made, halves, parts, together]);
  return result;
}

/** Σ over queries of −log softmax of the own positive among all positives, then negatives. */
function infoNce({ firstSequence }: ExampleRow, score: (query: number, document: number) => number): number {
  const queries = [...firstSequence.subarray(0, -1)];
  const documents = [...queries.map((query) => query + 1), ...queries.map((query) => query + 2)];
  return queries.reduce((sum, query, at) => {
    const scores = documents.map((document) => score(query, document));
    return sum + Math.log(scores.reduce((total, each) => total + Math.exp(each), 0)) - scores[at]!;
  }, 0);
}

test("ColBERT's loss is InfoNCE of MaxSim, in one row or several", async () => {
  const { row, loss, joint, representation } = await make(colbertObjective as LabelledObjective);
  const { cuSeqlens } = row;
  const width = representation.length / row.ids.length;
  const tokens = (at: number): Float32Array =>
    representation.subarray(cuSeqlens[at]! * width, cuSeqlens[at + 1]! * width);
  const wanted = infoNce(row, (query, document) => hostMaxSim(tokens(query), tokens(document), width));
  expect(hostMaxSim(Float32Array.of(1, 0, 0, 1), Float32Array.of(0.5, 0, 0.25, 2), 2)).toBe(2.5);
  expect(loss).toBeCloseTo(wanted, 4);
  expect(joint).toBeCloseTo(wanted, 4);
});

test("SPLADE's loss is InfoNCE of sparse vectors and the FLOPS regulariser", async () => {
  const { row, loss, joint, representation } = await make(spladeObjective as LabelledObjective);
  const count = row.cuSeqlens.length - 1;
  const width = representation.length / count;
  expect(Math.min(...representation)).toBeGreaterThanOrEqual(0);
  const ranking = infoNce(row, (query, document) => {
    let product = 0;
    for (let at = 0; at < width; at++)
      product += representation[query * width + at]! * representation[document * width + at]!;
    return product;
  });
  const flops = (sequences: readonly number[]): number => {
    let total = 0;
    for (let at = 0; at < width; at++)
      total += (sequences.reduce((sum, each) => sum + representation[each * width + at]!, 0) / sequences.length) ** 2;
    return total;
  };
  const queries = [...row.firstSequence.subarray(0, -1)];
  const documents = Array.from({ length: count }, (_, at) => at).filter((at) => !queries.includes(at));
  const wanted = ranking + queries.length * (5e-5 * flops(queries) + 3e-5 * flops(documents));
  expect(loss / wanted).toBeCloseTo(1, 4);
  expect(joint / wanted).toBeCloseTo(1, 4);
});

test.each([colbertObjective, spladeObjective])("$name learns to find positives", async (objective) => {
  const labelled = await label(objective as LabelledObjective, pairs);
  const model = smallModel(objective as LabelledObjective, labelled);
  const losses = await trainSteps(objective as LabelledObjective, model, labelled, 6, 0.005);
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
  const { metrics } = await scoreOf(objective as LabelledObjective, model, labelled);
  expect(metrics["rowMrr"]).toBeGreaterThan(0.2);
});
