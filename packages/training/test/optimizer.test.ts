import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "@modernbert-ts/safetensors";
import { globalNorm } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { isDecayed } from "../src/optimizer/groups.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import type { StableAdamWOptions } from "../src/optimizer/stable-adamw.ts";
import { newRuntime } from "./support/runtime.ts";

const folder = fileURLToPath(new URL("fixtures/stable_adamw", import.meta.url));

interface GoldenConfig {
  readonly steps: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_lr: number;
  readonly learning_rates: readonly number[];
  readonly decayed: readonly string[];
}

describe("StableAdamW", () => {
  test("ten steps of two groups equal torch (parameters and both moments)", async () => {
    const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8")) as GoldenConfig;
    const golden = readSafetensors(readFileSync(`${folder}/golden.safetensors`));
    const runtime = newRuntime();
    const load = (key: string): Tensor => runtime.tensor(golden.toFloat32(key), golden.tensors.get(key)!.shape);
    const names = [...golden.tensors.keys()].flatMap((key) => /^param\.(.*)$/.exec(key)?.[1] ?? []);
    const parameters = new Map(names.map((name) => [name, load(`param.${name}`)]));
    expect(names.filter((name) => isDecayed(name, parameters.get(name)!.shape)).sort()).toEqual(
      [...config.decayed].sort(),
    );
    const optimizer = new StableAdamW(
      { runtime, parameters },
      {
        maxLearningRate: config.max_lr,
        betas: config.betas,
        eps: config.eps,
        weightDecay: config.weight_decay,
      },
    );
    for (let step = 1; step <= config.steps; step++) {
      runtime.scope(() => {
        optimizer.setLearningRate(config.learning_rates[step - 1]!);
        optimizer.update(names.map((name) => load(`grad.${step}.${name}`)));
      });
      for (const name of names) {
        const state = optimizer.state();
        await expectClose(
          parameters.get(name)!,
          golden.toFloat32(`step.${step}.param.${name}`),
          `${name} step ${step}`,
        );
        await expectClose(state.get(`exp_avg.${name}`)!, golden.toFloat32(`step.${step}.m.${name}`), `m ${name}`);
        await expectClose(state.get(`exp_avg_sq.${name}`)!, golden.toFloat32(`step.${step}.v.${name}`), `v ${name}`);
      }
    }
  });

  test("gradients beyond clipNorm act as if scaled down to it", async () => {
    const small = await steps([[3, 4, 0]], { clipNorm: 100 });
    const clipped = await steps([[300, 400, 0]], { clipNorm: 5 });
    expect(clipped.norm).toBeCloseTo(500, 3);
    for (const [at, value] of clipped.moment.entries()) expect(value).toBeCloseTo(small.moment[at]!, 4);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    "a gradient with %s changes nothing, not even the bias correction",
    async (bad) => {
      const clean = await steps(
        [
          [1, 2, 3],
          [2, 1, 0.5],
        ],
        {},
      );
      const skipped = await steps(
        [
          [1, 2, 3],
          [1, bad, 1],
          [2, 1, 0.5],
        ],
        {},
      );
      expect(skipped.parameter).toEqual(clean.parameter);
      expect(skipped.moment).toEqual(clean.moment);
    },
  );

  test("a first step that is skipped leaves parameters and states as they were", async () => {
    const { parameter, moment, norm } = await steps([[Number.NaN, 1, 1]], {});
    expect(parameter).toEqual([1, -2, 3]);
    expect(moment).toEqual([0, 0, 0]);
    expect(norm).toBeNaN();
  });

  test("loss scaling divides the scale out, halves it on overflow and doubles it after a streak", async () => {
    const plain = await steps([[1, 2, 3]], {});
    const scaled = await steps([[1, 2, 3].map((g) => g * 1024)], { lossScale: { initial: 1024, growthInterval: 2 } });
    for (const [at, value] of scaled.parameter.entries()) expect(value).toBeCloseTo(plain.parameter[at]!, 6);
    expect(scaled.norm).toBeCloseTo(plain.norm, 4);
    expect(scaled.lossScale).toBe(1024);
    const good = [1, 1, 1];
    const bad = [Number.POSITIVE_INFINITY, 1, 1];
    const options = { lossScale: { initial: 1024, growthInterval: 2 } };
    expect((await steps([good, good], options)).lossScale).toBe(2048);
    expect((await steps([bad], options)).lossScale).toBe(512);
    expect((await steps([good, bad, good], options)).lossScale).toBe(512);
    expect((await steps([good, bad, good, good], options)).lossScale).toBe(1024);
  });
});

test("globalNorm is the Euclidean norm over all elements", async () => {
  const runtime = newRuntime();
  const norm = globalNorm([runtime.tensor([3, 0, 0, 0], [2, 2]), runtime.tensor([4, 12], [2])]);
  expect(await norm.item()).toBeCloseTo(13, 5);
});

async function expectClose(actual: Tensor, expected: Float32Array, what: string): Promise<void> {
  const values = await actual.read();
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (const [at, value] of expected.entries())
    expect(Math.abs(values[at]! - value), `${what}[${at}]`).toBeLessThanOrEqual(2e-6 * scale);
}

interface Outcome {
  readonly parameter: number[];
  readonly moment: number[];
  readonly norm: number;
  readonly lossScale: number;
}

async function steps(
  gradients: readonly (readonly number[])[],
  options: Partial<StableAdamWOptions>,
): Promise<Outcome> {
  const runtime = newRuntime();
  const parameter = runtime.tensor([1, -2, 3], [1, 3]);
  const parameters = new Map([["w", parameter]]);
  const optimizer = new StableAdamW({ runtime, parameters }, { maxLearningRate: 0.1, ...options });
  let norm = Number.NaN;
  for (const gradient of gradients) {
    optimizer.setLearningRate(0.1);
    const result = optimizer.update([runtime.tensor(gradient, [1, 3])]);
    norm = await result.norm.item();
  }
  return {
    parameter: Array.from(await parameter.read()),
    moment: Array.from(await optimizer.state().get("exp_avg.w")!.read()),
    norm,
    lossScale: await optimizer.lossScale.value.item(),
  };
}
