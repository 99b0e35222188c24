/** Learning rates by group, and parameters that are frozen. */
import { describe, expect, test } from "vitest";
import { queueStep, readStepMetrics, trainingStep } from "../src/loop/training-step.ts";
import { uploadStep } from "../src/loop/device-step.ts";
import { emptyBatch } from "../src/data/packing/batch.ts";
import { createOptimizer } from "../src/optimizer/create.ts";
import { freeze } from "../src/optimizer/freeze.ts";
import { groupParameters } from "../src/optimizer/groups.ts";
import { matchesName } from "../src/optimizer/name-pattern.ts";
import { optimizerKinds } from "../src/optimizer/optimizer.ts";
import { newRuntime } from "./support/runtime.ts";
import { parametersOf, tinyLoader, tinyTraining } from "./support/tiny-training.ts";

const name = "model.layers.12.attn.Wqkv.weight";

test("a pattern is a part of a name, word by word, with ranges of layers", () => {
  for (const pattern of ["layers", "layers.12", "layers.0-12", "layers.*.attn", "attn.Wqkv.weight", name])
    expect(matchesName(pattern, name), pattern).toBe(true);
  for (const pattern of [
    "layer",
    "layers.1",
    "layers.0-11",
    "layers.13-20",
    "attn.weight",
    "layers.*.Wqkv",
    "weight.x",
  ])
    expect(matchesName(pattern, name), pattern).toBe(false);
});

describe.each(optimizerKinds)("%s", (kind) => {
  /** [parameter that follows a multiple, one that does not] after two steps. */
  const run = async (learningRate: number, multiple: number): Promise<number[][]> => {
    const runtime = newRuntime();
    const names = ["layers.0.w.weight", "layers.1.w.weight"];
    const parameters = new Map(names.map((each) => [each, runtime.tensor([1, -2, 3, 4], [2, 2])]));
    const options = { maxLearningRate: learningRate, weightDecay: 0.1, rateMultiples: { "layers.0": multiple } };
    const optimizer = createOptimizer(kind, { runtime, parameters }, options);
    optimizer.setLearningRate(learningRate);
    for (const value of [1, -0.5]) optimizer.update(names.map(() => runtime.tensor([value, 1, 0.5, 2], [2, 2])));
    return Promise.all([...parameters.values()].map(async (tensor) => Array.from(await tensor.read())));
  };

  test("a multiple of the rate is as if the rate were that", async () => {
    const [half, whole] = await run(0.1, 0.5);
    const [same] = await run(0.05, 1);
    for (const [at, value] of half!.entries()) expect(value).toBeCloseTo(same![at]!, 6);
    expect(whole).not.toEqual(half);
  });

  test("frozen parameters stay, have no state, and the others learn the same", async () => {
    const { model } = tinyTraining();
    const frozen = freeze(model, ["norm", "square"]);
    const optimizer = createOptimizer(kind, frozen, { maxLearningRate: 0.02 });
    expect([...optimizer.state().keys()].filter((key) => /norm|square/.test(key))).toEqual([]);
    const before = await parametersOf(model);
    const batch = tinyLoader().next(0)!;
    const { gradientNorm } = await readStepMetrics(
      trainingStep(frozen, optimizer, batch, { step: 1, learningRate: 0.02 }),
    );
    const after = await parametersOf(model);
    const same = [...after].filter(([key, values]) => values.join() === before.get(key)!.join());
    expect(same.map(([key]) => key)).toEqual(["norm.weight", "square.weight"]);
    const free = tinyTraining();
    const all = createOptimizer(kind, free.model, { maxLearningRate: 0.02 });
    const norm = (await readStepMetrics(trainingStep(free.model, all, batch, { step: 1, learningRate: 0.02 })))
      .gradientNorm;
    expect(gradientNorm).toBeLessThan(norm);
    const learned = await parametersOf(free.model);
    for (const key of ["embedding.weight", "decoder.bias"]) expect(after.get(key)).toEqual(learned.get(key));
  });
});

test("a rank without a batch gives no gradient to a frozen parameter", async () => {
  const { model } = tinyTraining();
  const frozen = freeze(model, ["square"]);
  const optimizer = createOptimizer("stable_adamw", frozen, { maxLearningRate: 0.02 });
  const metrics = model.runtime.scope(() =>
    queueStep(frozen, optimizer, uploadStep(frozen, optimizer, emptyBatch, { step: 1, learningRate: 1 })),
  );
  expect(await readStepMetrics(metrics)).toMatchObject({ gradientNorm: 0, skipped: false });
});

test("what cannot be frozen is refused by name", () => {
  const { model } = tinyTraining();
  expect(() => freeze(model, ["square", "layers"])).toThrow('got "layers", which none has');
  expect(() => freeze(model, ["weight", "bias"])).toThrow("got all of them frozen");
});

test("groups: decay by shape and name, the first multiple that fits", () => {
  const runtime = newRuntime();
  const shapes = { "embeddings.weight": [2, 2], "layers.0.w.weight": [2, 2], "layers.0.norm.weight": [2] };
  const parameters = new Map(Object.entries(shapes).map(([key, shape]) => [key, runtime.empty(shape)]));
  const { groups, groupOf } = groupParameters(parameters, { embeddings: 0.1, weight: 0.5 });
  expect([...groupOf.values()].map((at) => groups[at])).toEqual([
    { decayed: true, multiple: 0.1 },
    { decayed: true, multiple: 0.5 },
    { decayed: false, multiple: 0.5 },
  ]);
});
