/** Steps of training on the emulated kernels: StableAdamW as torch takes it, and a small ModernBERT beside the TypeScript engine. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import { readSafetensors } from "@modernbert-ts/safetensors";
import { bfloat16Precision, float32Precision, Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, Precision } from "@modernbert-ts/tensor-core";
import { maskedLmObjective, optimizerKinds, readStepMetrics, StableAdamW, trainingStep } from "@modernbert-ts/training";
import { beforeEach, expect, test } from "vitest";
import { relativeError } from "../../modernbert/test/support/compare.ts";
import { runSteps } from "../../training/test/support/captured-step.ts";
import { optimizerFailures } from "../../training/test/support/optimizer-golden.ts";
import type { OptimizerGolden } from "../../training/test/support/optimizer-golden.ts";
import { optimizerSteps } from "../../training/test/support/optimizer-steps.ts";
import { parametersOf, tinyLoader, vocabSize } from "../../training/test/support/tiny-training.ts";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

const config = createConfig({
  hidden_size: 32,
  num_attention_heads: 2,
  intermediate_size: 48,
  num_hidden_layers: 2,
  vocab_size: vocabSize,
  local_attention: 8,
  global_attn_every_n_layers: 2,
  pad_token_id: null,
});

/** Losses, gradient norms and, in the end, all parameters of four steps. */
async function train(backend: Backend, precision: Precision) {
  const runtime = new Runtime(backend);
  const parameters = initialiseParameters(runtime, config, "masked-lm", { seed: 3 });
  const bert = new ModernBert({ runtime, config, head: "masked-lm", parameters, precision });
  const model = maskedLmObjective.model(bert, { seed: 3 });
  const optimizer = new StableAdamW(model, { maxLearningRate: 0.01, clipNorm: 1 });
  const loader = tinyLoader();
  const steps: number[] = [];
  for (let step = 1; step <= 4; step++) {
    const { loss, gradientNorm } = await readStepMetrics(
      trainingStep(model, optimizer, loader.next(0)!, { step, learningRate: 0.01 }),
    );
    steps.push(loss, gradientNorm);
  }
  const trained = await parametersOf(model);
  const used = new Set(runtime.fusedReport().flatMap((record) => (record.reason ? [] : [record.composite])));
  optimizer.dispose();
  bert.dispose();
  expect(backend.memory().liveBuffers).toBe(0);
  return { steps, trained, used };
}

/** The length of the difference, relative to what is wanted: single elements may go astray, where a gradient is all rounding. */
function distance(got: readonly number[], wanted: readonly number[]): number {
  return Math.hypot(...wanted.map((value, at) => value - got[at]!)) / Math.hypot(...wanted);
}

test.for([
  ["f32", float32Precision, 1e-5, 1e-5],
  ["bf16", bfloat16Precision, 1e-2, 3e-2],
] as const)("four steps in %s equal the TypeScript engine", async ([, precision, ofSteps, ofParameters]) => {
  await using backend = await createCudaBackend({ emulate: true });
  await using oracle = createTypeScriptBackend();
  const want = await train(oracle, precision);
  const got = await train(backend, precision);
  for (const composite of ["linearCrossEntropy", "stableAdamWAll", "globalNorm"] as const)
    expect(got.used).toContain(composite);
  expect(relativeError(got.steps, want.steps)).toBeLessThan(ofSteps);
  for (const [name, values] of want.trained)
    expect(distance(got.trained.get(name)!, values), name).toBeLessThan(ofParameters);
});

test("ten steps of StableAdamW equal torch: parameters and both moments", async () => {
  const folder = fileURLToPath(new URL("../../training/test/fixtures/stable_adamw", import.meta.url));
  const golden = readSafetensors(readFileSync(`${folder}/golden.safetensors`));
  const options = JSON.parse(readFileSync(`${folder}/config.json`, "utf8")) as OptimizerGolden;
  await using backend = await createCudaBackend({ emulate: true });
  expect(await optimizerFailures(backend, options, golden)).toEqual([]);
});

test.each(optimizerKinds)("steps of %s equal the TypeScript engine", async (kind) => {
  await using backend = await createCudaBackend({ emulate: true });
  await using oracle = createTypeScriptBackend();
  const got = await optimizerSteps(backend, kind);
  for (const [name, values] of await optimizerSteps(oracle, kind))
    expect(relativeError(got.get(name)!, values), name).toBeLessThan(1e-5);
  expect(backend.memory().liveBuffers).toBe(0);
});

test("a whole step captured and replayed on other batches gives the same bits as steps queued anew", async () => {
  await using backend = await createCudaBackend({ emulate: true });
  const queued = await runSteps(backend, false);
  expect(await runSteps(backend, true)).toEqual(queued);
});
