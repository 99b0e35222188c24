/** Ten steps of StableAdamW as torch takes them, and ten steps of a model that learns, beside the TypeScript engine. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { ModernBert, createConfig, initialiseParameters } from "@modernbert-ts/modernbert";
import { readSafetensors } from "@modernbert-ts/safetensors";
import { Runtime, bfloat16Precision, float16Precision, float32Precision } from "@modernbert-ts/tensor-core";
import type { Backend, Precision } from "@modernbert-ts/tensor-core";
import { maskedLmObjective, optimizerKinds, readStepMetrics, StableAdamW, trainingStep } from "@modernbert-ts/training";
import type { StableAdamWOptions, StepMetrics } from "@modernbert-ts/training";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { relativeError } from "../../modernbert/test/support/compare.ts";
import { runSteps } from "../../training/test/support/captured-step.ts";
import { optimizerFailures } from "../../training/test/support/optimizer-golden.ts";
import type { OptimizerGolden } from "../../training/test/support/optimizer-golden.ts";
import { optimizerSteps } from "../../training/test/support/optimizer-steps.ts";
import { tinyModel } from "../../training/test/support/tiny-model.ts";
import { parametersOf, tinyLoader, vocabSize } from "../../training/test/support/tiny-training.ts";
import { createWebGpuBackend } from "../src/index.ts";
import type { WebGpuBackend } from "../src/index.ts";
import { onDevice } from "./adapter.ts";

const folder = fileURLToPath(new URL("../../training/test/fixtures/stable_adamw", import.meta.url));
const golden = readSafetensors(readFileSync(`${folder}/golden.safetensors`));
const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8")) as OptimizerGolden;

/** A ModernBERT of two layers, on the device or the oracle. */
async function trainModernBert(
  backend: Backend,
  precision: Precision,
  lossScale?: { readonly initial: number },
  last = 10,
) {
  const runtime = new Runtime(backend, { fusion: backend.name === "webgpu" ? "fused" : "auto" });
  const bert = new ModernBert({
    runtime,
    config: bertConfig,
    head: "masked-lm",
    parameters: initialiseParameters(runtime, bertConfig, "masked-lm", { seed: 3 }),
    precision,
  });
  const model = maskedLmObjective.model(bert, { seed: 3 });
  const optimizer = new StableAdamW(model, {
    maxLearningRate: 0.01,
    ...(lossScale && { lossScale }),
  });
  const loader = tinyLoader();
  const steps: StepMetrics[] = [];
  const before = await parametersOf(model);
  for (let step = 1; step <= last; step++)
    steps.push(await readStepMetrics(trainingStep(model, optimizer, loader.next(0)!, { step, learningRate: 0.01 })));
  const after = await parametersOf(model);
  optimizer.dispose();
  bert.dispose();
  return { steps, before, after };
}

const bertConfig = createConfig({
  hidden_size: 32,
  num_attention_heads: 2,
  intermediate_size: 48,
  num_hidden_layers: 2,
  vocab_size: vocabSize,
  local_attention: 8,
  global_attn_every_n_layers: 2,
  pad_token_id: null,
});

function lossesOf(steps: readonly StepMetrics[]): number[] {
  return steps.map(({ loss }) => loss);
}

async function trainTiny(backend: Backend, options: Partial<StableAdamWOptions>) {
  const runtime = new Runtime(backend);
  const model = tinyModel(runtime, { vocabSize, dropoutRate: 0.1 });
  const optimizer = new StableAdamW(model, { maxLearningRate: 0.02, ...options });
  const loader = tinyLoader();
  const losses: number[] = [];
  for (let step = 1; step <= 10; step++) {
    const metrics = trainingStep(model, optimizer, loader.next(0)!, { step, learningRate: 0.02 });
    losses.push((await readStepMetrics(metrics)).loss);
  }
  const parameters = await parametersOf(model);
  optimizer.dispose();
  for (const tensor of model.parameters.values()) tensor.dispose();
  return { losses, parameters };
}

onDevice("training on webgpu", () => {
  describe("training on webgpu", () => {
    let backend: WebGpuBackend;
    let withoutF16: WebGpuBackend;
    beforeAll(async () => {
      backend = await createWebGpuBackend({ withoutFeatures: [] });
      withoutF16 = await createWebGpuBackend({ withoutFeatures: ["shader-f16"] });
    });
    afterAll(async () => {
      await backend[Symbol.asyncDispose]();
      await withoutF16[Symbol.asyncDispose]();
    });

    test("a whole step captured and replayed on other batches gives the same bits as steps queued anew", async () => {
      const queued = await runSteps(backend, false);
      expect(await runSteps(backend, true)).toEqual(queued);
      expect(new Set(queued.steps.map(([loss]) => loss)).size).toBe(4);
    });

    test.each(optimizerKinds)("steps of %s equal the TypeScript engine", async (kind) => {
      await using oracle = createTypeScriptBackend();
      const got = await optimizerSteps(backend, kind);
      for (const [name, values] of await optimizerSteps(oracle, kind))
        expect(relativeError(got.get(name)!, values), name).toBeLessThan(1e-4);
      expect(backend.memory().liveBuffers).toBe(0);
    });

    test("ten steps of StableAdamW equal torch: parameters and both moments", async () => {
      expect(await optimizerFailures(backend, config, golden)).toEqual([]);
      expect(backend.memory().liveBuffers).toBe(0);
    });

    test.each([{}, { clipNorm: 0.1 }, { lossScale: { initial: 4096 } }])(
      "ten steps of a model equal the TypeScript engine, options %o",
      async (options) => {
        const oracle = createTypeScriptBackend();
        const wanted = await trainTiny(oracle, options);
        const got = await trainTiny(backend, options);
        expect(relativeError(got.losses, wanted.losses)).toBeLessThan(1e-4);
        expect(wanted.losses.at(-1)).toBeLessThan(wanted.losses[0]! - 0.1);
        for (const [name, values] of wanted.parameters)
          expect(relativeError(got.parameters.get(name)!, values), name).toBeLessThan(1e-3);
        expect(backend.memory().liveBuffers).toBe(0);
        await oracle[Symbol.asyncDispose]();
      },
    );

    test.each([
      ["f16", float16Precision, { initial: 2 ** 12 }, 0.02],
      ["f16 without shader-f16", float16Precision, { initial: 2 ** 12 }, 0.02],
      ["bf16", bfloat16Precision, undefined, 0.05],
    ] as const)("ModernBERT learns in %s as it does in f32", async (name, precision, lossScale, tolerance) => {
      const oracle = createTypeScriptBackend();
      const { steps: wanted } = await trainModernBert(oracle, float32Precision);
      const device = name === "f16 without shader-f16" ? withoutF16 : backend;
      const { steps: got } = await trainModernBert(device, precision, lossScale);
      expect(wanted.at(-1)!.loss).toBeLessThan(wanted[0]!.loss - 0.1);
      expect(relativeError(lossesOf(got), lossesOf(wanted))).toBeLessThan(tolerance);
      expect(device.memory().liveBuffers).toBe(0);
      await oracle[Symbol.asyncDispose]();
    });

    describe.each(["with", "without"])("a loss scale that overflows f16, %s shader-f16", (which) => {
      const train = (last: number) =>
        trainModernBert(which === "with" ? backend : withoutF16, float16Precision, { initial: 2 ** 24 }, last);

      test("skips steps and halves itself, without the host", async () => {
        const { steps } = await train(10);
        expect(steps[0]!.gradientNorm).not.toSatisfy(Number.isFinite);
        expect(steps[1]!.lossScale).toBe(2 ** 23);
        expect(steps[1]!.loss).not.toBeNaN();
        expect(steps.at(-1)!.gradientNorm).toSatisfy(Number.isFinite);
        expect(steps.at(-1)!.lossScale).toBeLessThan(2 ** 24);
      });

      test("leaves the parameters of a skipped step as they were, bit for bit", async () => {
        const { before, after } = await train(1);
        for (const [name, values] of before) expect(after.get(name), name).toEqual(values);
      });
    });
  });
});
