/** Matrices in the compute dtype, held beside parameters in f32 and written with them. */
import { join } from "node:path";
import { maskedLmLoss, packSequences } from "@modernbert-ts/encoder";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import { bfloat16Precision, float32Precision, scale, valueAndGradients } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { openCheckpoint } from "../src/checkpoint/load.ts";
import { saveCheckpoint } from "../src/checkpoint/save.ts";
import { restoreTraining } from "../src/loop/restore-training.ts";
import { readStepMetrics, trainingStep } from "../src/loop/training-step.ts";
import { maskedLmObjective } from "../src/objectives/masked-lm/objective.ts";
import type { TrainableModel } from "../src/objectives/objective.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import { temporaryFolder } from "./data-fixtures.ts";
import { newRuntime } from "./support/runtime.ts";
import { parametersOf, tinyLoader, vocabSize } from "./support/tiny-training.ts";

const config = createConfig({
  hidden_size: 32,
  num_attention_heads: 2,
  intermediate_size: 48,
  num_hidden_layers: 2,
  vocab_size: vocabSize,
  local_attention: 8,
});

function training(precision = bfloat16Precision) {
  const runtime = newRuntime();
  const head = "masked-lm";
  const parameters = initialiseParameters(runtime, config, head, { seed: 3 });
  const bert = new ModernBert({ runtime, config, head, parameters, precision });
  const model = maskedLmObjective.model(bert, { seed: 3 });
  return { bert, model, optimizer: new StableAdamW(model, { maxLearningRate: 0.01 }) };
}

/** Names of copies that are not their parameter in bf16. */
async function stale({ parameters, copies }: Pick<TrainableModel<never>, "parameters" | "copies">): Promise<string[]> {
  const found: string[] = [];
  for (const [name, copy] of copies) {
    const wanted = scale(parameters.get(name)!, 1);
    const [got, want] = [await copy.read(), Float32Array.from(await wanted.read())];
    // Round to nearest even, as a cast does.
    const bits = new Uint32Array(want.buffer).map((word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
    if (got.some((value, at) => value !== bits[at])) found.push(name);
    wanted.dispose();
  }
  return found;
}

test("every matrix of a product has one, the optimizer writes it, and gradients come in f32", async () => {
  const { bert, model, optimizer } = training();
  const loader = tinyLoader();
  const matrices = [...model.parameters].filter(([, { rank }]) => rank === 2).map(([name]) => name);
  expect([...model.copies.keys()]).toEqual(matrices);
  const before = await parametersOf(model);
  for (let step = 1; step <= 3; step++)
    await readStepMetrics(trainingStep(model, optimizer, loader.next(0)!, { step, learningRate: 0.01 }));
  expect(await stale(model)).toEqual([]);
  const after = await parametersOf(model);
  for (const name of matrices) expect(after.get(name), name).not.toEqual(before.get(name));
  optimizer.dispose();
  bert.dispose();
  expect(model.runtime.backend.memory().liveBuffers).toBe(0);
});

test("in f32 there are none", () => {
  expect(training(float32Precision).model.copies.size).toBe(0);
});

test("parameters that are restored take their copies with them", async () => {
  const first = training();
  await readStepMetrics(
    trainingStep(first.model, first.optimizer, tinyLoader().next(0)!, { step: 1, learningRate: 0.01 }),
  );
  const directory = temporaryFolder();
  const state = { version: 3, objective: "masked_lm", loaders: [null], progress: { step: 1, tokens: 1, seconds: 1 } };
  await saveCheckpoint(
    { step: 1, model: first.model.parameters, optimizer: first.optimizer.state(), state },
    { directory },
  );
  const second = training();
  await restoreTraining(await openCheckpoint(join(directory, "step-00000001")), second.model, second.optimizer);
  expect(await stale(second.model)).toEqual([]);
  expect(await parametersOf(second.model)).toEqual(await parametersOf(first.model));
});

test("gradients of parameters alone do not go past a copy", () => {
  const { bert } = training();
  bert.runtime.scope(() => {
    const labels = Int32Array.of(-100, 4, -100, 5);
    const batch = packSequences([Int32Array.of(0, 4, 5, 1)]);
    const parameters = [...bert.parameters.values()];
    const { gradients } = valueAndGradients(
      bert.runtime,
      parameters,
      () => maskedLmLoss(bert, bert.encode(batch), labels),
      ({ loss }) => loss,
    );
    expect(gradients.every((gradient) => gradient !== undefined)).toBe(true);
  });
});
