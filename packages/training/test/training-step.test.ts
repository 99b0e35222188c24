import { expect, test } from "vitest";
import { singleProcessCollective } from "../src/collectives/single-process.ts";
import type { MaskedLmBatch } from "../src/objectives/masked-lm/loader.ts";
import { batchesOf } from "../src/data/packing/batch.ts";
import { evaluate } from "../src/loop/evaluate.ts";
import { readStepMetrics, trainingStep } from "../src/loop/training-step.ts";
import { parametersOf, tinyLoader, tinyTraining } from "./support/tiny-training.ts";

test("live buffers are flat over 50 steps, and a batch of one shape allocates nothing after two", async () => {
  const { runtime, model, optimizer } = tinyTraining({ clipNorm: 1 }, 0.1);
  const loader = tinyLoader();
  const sameShape = loader.next(0)!;
  const train = async (step: number, batch: MaskedLmBatch) => {
    await readStepMetrics(trainingStep(model, optimizer, batch, { step, learningRate: 0.01 }));
    const { liveBuffers, allocations } = runtime.backend.memory();
    return { liveBuffers, allocations };
  };
  const same: { liveBuffers: number; allocations: number }[] = [];
  for (let step = 1; step <= 50; step++) same.push(await train(step, sameShape));
  expect(new Set(same.map(({ liveBuffers }) => liveBuffers)).size).toBe(1);
  expect(new Set(same.slice(1).map(({ allocations }) => allocations)).size).toBe(1);
  for (let step = 51; step <= 100; step++)
    expect((await train(step, loader.next(0)!)).liveBuffers).toBe(same[0]!.liveBuffers);
});

test("rows weigh by their masked tokens: two rows in one step equal the same sequences in one row", async () => {
  const batch = tinyLoader({ rows: 2 }).next(0)!;
  const [a, b] = batch.rows as [MaskedLmBatch["rows"][0], MaskedLmBatch["rows"][0]];
  expect(a.maskedPositions.length).not.toBe(b.maskedPositions.length);
  const joined = {
    ...a,
    ids: Int32Array.from([...a.ids, ...b.ids]),
    labels: Int32Array.from([...a.labels, ...b.labels]),
    maskedPositions: Int32Array.from([...a.maskedPositions, ...b.maskedPositions.map((at) => at + a.ids.length)]),
    maskedLabels: Int32Array.from([...a.maskedLabels, ...b.maskedLabels]),
  };
  const run = async (rows: MaskedLmBatch["rows"]) => {
    const { model, optimizer } = tinyTraining();
    const metrics = await readStepMetrics(
      trainingStep(model, optimizer, { ...batch, rows }, { step: 1, learningRate: 0.02 }),
    );
    return { metrics, parameters: await parametersOf(model) };
  };
  const apart = await run([a, b]);
  const together = await run([joined]);
  expect(apart.metrics.loss).toBeCloseTo(together.metrics.loss, 5);
  expect(apart.metrics.gradientNorm).toBeCloseTo(together.metrics.gradientNorm, 5);
  for (const [name, values] of together.parameters)
    for (const [at, value] of values.entries()) expect(apart.parameters.get(name)![at], name).toBeCloseTo(value, 4);
});

test("where nothing is scored the loss is what it sums to; a weight that is not a number is not taken for 1", async () => {
  const losses: number[] = [];
  for (const weight of [0, 1, Number.NaN]) {
    const { model, optimizer } = tinyTraining();
    const batch = { ...tinyLoader().next(0)!, weight };
    losses.push((await readStepMetrics(trainingStep(model, optimizer, batch, { step: 1, learningRate: 0.02 }))).loss);
  }
  expect(losses[0]).toBe(losses[1]);
  expect(losses[2]).toBe(Number.NaN);
});

test("a collective of one process changes no bit", async () => {
  const batch = tinyLoader({ rows: 2 }).next(0)!;
  const run = async (alone: boolean) => {
    const { runtime, model, optimizer } = tinyTraining({ clipNorm: 1 });
    const collective = singleProcessCollective(runtime.backend);
    const options = { step: 1, learningRate: 0.02, ...(alone ? {} : { collective }) };
    const metrics = await readStepMetrics(trainingStep(model, optimizer, batch, options));
    return { metrics, parameters: await parametersOf(model), ...runtime.backend.memory() };
  };
  const { liveBuffers, metrics, parameters } = await run(true);
  expect(await run(false)).toMatchObject({ liveBuffers, metrics, parameters });
});

test("the loss falls, and evaluation sees it without changing anything", async () => {
  const { runtime, model, optimizer } = tinyTraining();
  const score = () => evaluate(model, batchesOf(tinyLoader({ epochs: 1 })));
  const before = await score();
  expect(await score()).toEqual(before);
  const loader = tinyLoader();
  for (let step = 1; step <= 40; step++)
    await readStepMetrics(trainingStep(model, optimizer, loader.next(0)!, { step, learningRate: 0.02 }));
  const live = runtime.backend.memory().liveBuffers;
  const after = await score();
  expect(runtime.backend.memory().liveBuffers).toBe(live);
  expect(after.loss).toBeLessThan(before.loss - 0.5);
  expect(after.metrics["maskedAccuracy"]).toBeGreaterThan(before.metrics["maskedAccuracy"]);
  expect(after.weight).toBe(before.weight);
});

test("loss scaling changes nothing but rounding", async () => {
  const plain = await trainFiveSteps({});
  const scaled = await trainFiveSteps({ lossScale: { initial: 4096 } });
  expect(scaled.loss).toBeCloseTo(plain.loss, 4);
  expect(scaled.gradientNorm).toBeCloseTo(plain.gradientNorm, 4);
});

async function trainFiveSteps(options: Parameters<typeof tinyTraining>[0]) {
  const { model, optimizer } = tinyTraining(options);
  const loader = tinyLoader();
  let last = { loss: 0, gradientNorm: 0 };
  for (let step = 1; step <= 5; step++)
    last = await readStepMetrics(trainingStep(model, optimizer, loader.next(0)!, { step, learningRate: 0.02 }));
  return last;
}
