import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createCpuBackend } from "@modernbert-ts/backend-cpu";
import { readSafetensors } from "@modernbert-ts/safetensors";
import { map, Runtime, x, zeros } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { missing } from "../../backend-cpu/test/native.ts";
import { relativeError } from "../../modernbert/test/support/compare.ts";
import { AdamW } from "../src/optimizer/adamw.ts";
import { newRuntime } from "./support/runtime.ts";

const folder = fileURLToPath(new URL("fixtures/adamw", import.meta.url));

interface GoldenConfig {
  readonly steps: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly learning_rates: readonly number[];
}

describe.each(["native", "wasm", "typescript"] as const)("AdamW, %s engine", (engine) => {
  test("ten steps of two groups equal torch (parameters and both moments)", async ({ skip }) => {
    if (engine === "native" && missing) skip(missing);
    const { betas, eps, weight_decay, ...config } = JSON.parse(
      readFileSync(`${folder}/config.json`, "utf8"),
    ) as GoldenConfig;
    const golden = readSafetensors(readFileSync(`${folder}/golden.safetensors`));
    await using backend = await createCpuBackend({ engine, threads: 1 });
    const runtime = new Runtime(backend);
    const load = (key: string): Tensor => runtime.tensor(golden.toFloat32(key), golden.tensors.get(key)!.shape);
    const names = [...golden.tensors.keys()].flatMap((key) => /^param\.(.*)$/.exec(key)?.[1] ?? []);
    const parameters = new Map(names.map((name) => [name, load(`param.${name}`)]));
    const optimizer = new AdamW({ runtime, parameters }, { betas, eps, weightDecay: weight_decay });
    const failures: string[] = [];
    for (let step = 1; step <= config.steps; step++) {
      runtime.scope(() => {
        const gradients = names.map((name) => load(`grad.${step}.${name}`));
        optimizer.setLearningRate(config.learning_rates[step - 1]!);
        optimizer.update(gradients);
      });
      const state = optimizer.state();
      for (const name of names) {
        // torch keeps the moments uncorrected.
        const corrected = { m: 1 - betas[0] ** step, v: 1 - betas[1] ** step, param: 1 };
        const tensors = {
          param: parameters.get(name)!,
          m: state.get(`corrected_exp_avg.${name}`)!,
          v: state.get(`corrected_exp_avg_sq.${name}`)!,
        };
        for (const [kind, tensor] of Object.entries(tensors)) {
          const values = Float32Array.from(
            await tensor.read(),
            (value) => value * corrected[kind as keyof typeof tensors],
          );
          const key = `step.${step}.${kind}.${name}`;
          const error = relativeError(values, golden.toFloat32(key));
          if (!(error <= 2e-6)) failures.push(`${key}: ${error.toExponential(2)}`);
        }
      }
    }
    expect(names).toHaveLength(4);
    expect(failures).toEqual([]);
    optimizer.dispose();
    for (const tensor of parameters.values()) tensor.dispose();
    expect(backend.memory().liveBuffers).toBe(0);
  });
});

test("AdamW: a gradient that is not finite changes nothing, in the first step and later, and copies follow", async () => {
  const runtime = newRuntime();
  const run = async (gradients: readonly number[]): Promise<number[]> => {
    const parameter = runtime.tensor([1, -2, 3], [1, 3]);
    const copy = zeros(runtime, [1, 3], "bf16");
    const learned = { runtime, parameters: new Map([["w", parameter]]), copies: new Map([["w", copy]]) };
    const optimizer = new AdamW(learned, { weightDecay: 0.1 });
    optimizer.setLearningRate(0.1);
    for (const gradient of gradients) optimizer.update([runtime.tensor([gradient, 1, 0.5], [1, 3])]);
    const values = Array.from(await parameter.read());
    const copied = await map(x(0), [copy], "f32").read();
    for (const [at, value] of values.entries())
      expect(Math.abs(copied[at]! - value)).toBeLessThan(0.01 * Math.abs(value));
    return [...values, ...(await optimizer.state().get("corrected_exp_avg.w")!.read())];
  };
  expect(await run([Number.NaN, 1, Number.POSITIVE_INFINITY, 2])).toEqual(await run([1, 2]));
});
