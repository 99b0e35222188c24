import { join } from "node:path";
import { expect, test } from "vitest";
import { openLatestCheckpoint } from "../src/checkpoint/load.ts";
import { restoreTraining } from "../src/loop/restore-training.ts";
import { AveragedOptimizer } from "../src/optimizer/averaged-optimizer.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { newRuntime } from "./support/runtime.ts";
import { parametersOf, tinyTraining } from "./support/tiny-training.ts";
import { train } from "./support/train.ts";

test("the average follows the weights by its decay, skipped steps apart, and takes their place for a while", async () => {
  const runtime = newRuntime();
  const parameter = runtime.tensor([1, -2], [1, 2]);
  const learned = { runtime, parameters: new Map([["w", parameter]]) };
  const optimizer = new AveragedOptimizer(new StableAdamW(learned, { maxLearningRate: 0.1 }), learned, 0.75);
  optimizer.setLearningRate(0.1);
  const average = optimizer.state().get("ema.w")!;
  let expected = [1, -2];
  for (const gradient of [1, Number.NaN, -3, 2]) {
    const { gradScale } = optimizer.update([runtime.tensor([gradient, 1], [1, 2])]);
    const weights = Array.from(await parameter.read());
    if ((await gradScale.item()) !== 0) expected = expected.map((value, at) => 0.75 * value + 0.25 * weights[at]!);
    const values = Array.from(await average.read());
    for (const [at, value] of values.entries()) expect(value).toBeCloseTo(expected[at]!, 6);
  }
  const [weights, averaged] = [Array.from(await parameter.read()), Array.from(await average.read())];
  expect(await optimizer.withAverage(async () => Array.from(await parameter.read()))).toEqual(averaged);
  await expect(optimizer.withAverage(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(Array.from(await parameter.read())).toEqual(weights);
  expect(Array.from(await average.read())).toEqual(averaged);
});

async function averagesOf({ optimizer }: ReturnType<typeof averagedTraining>): Promise<number[][]> {
  const tensors = [...optimizer.state()].filter(([name]) => name.startsWith("ema."));
  return Promise.all(tensors.map(async ([, tensor]) => Array.from(await tensor.read())));
}

function averagedTraining() {
  const training = tinyTraining({}, 0.1);
  return { ...training, optimizer: new AveragedOptimizer(training.optimizer, training.model, 0.9) };
}

test("it is saved and restored, and begins with the weights where the checkpoint has none", async () => {
  for (const own of [true, false]) {
    const folder = temporaryFolder();
    const first = averagedTraining();
    await train(folder, undefined, own ? first : {});
    const checkpoint = (await openLatestCheckpoint(join(folder, "checkpoints"), () => undefined))!;
    const second = averagedTraining();
    await restoreTraining(checkpoint, second.model, second.optimizer);
    const wanted = own ? await averagesOf(first) : [...(await parametersOf(second.model)).values()];
    expect(await averagesOf(second)).toEqual(wanted);
  }
});
