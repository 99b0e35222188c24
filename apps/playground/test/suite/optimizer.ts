/** Ten steps of StableAdamW beside torch (the fixture of packages/training): parameters and both moments. */
import { readSafetensors } from "@modernbert-ts/safetensors";
import { Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, Tensor } from "@modernbert-ts/tensor-core";
import { relativeError } from "../../../../packages/modernbert/test/support/compare.ts";
import { StableAdamW } from "../../../../packages/training/src/optimizer/stable-adamw.ts";

interface GoldenConfig {
  readonly steps: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_lr: number;
  readonly learning_rates: readonly number[];
}

const tolerance = 2e-6;

export async function optimizerFailures(backend: Backend, url: string): Promise<string[]> {
  const config = (await (await fetch(`${url}/config.json`)).json()) as GoldenConfig;
  const golden = readSafetensors(await (await fetch(`${url}/golden.safetensors`)).arrayBuffer());
  const runtime = new Runtime(backend, { fusion: "fused" });
  const load = (key: string): Tensor => runtime.tensor(golden.toFloat32(key), golden.tensors.get(key)!.shape);
  const names = [...golden.tensors.keys()].flatMap((key) => /^param\.(.*)$/.exec(key)?.[1] ?? []);
  const parameters = new Map(names.map((name) => [name, load(`param.${name}`)]));
  const { betas, eps, weight_decay: weightDecay, max_lr: maxLearningRate } = config;
  const optimizer = new StableAdamW(runtime, parameters, { maxLearningRate, betas, eps, weightDecay });
  const failures: string[] = names.length > 0 ? [] : ["there are no parameters"];
  for (let step = 1; step <= config.steps; step++) {
    runtime.scope(() => {
      optimizer.update(
        names.map((name) => load(`grad.${step}.${name}`)),
        config.learning_rates[step - 1]!,
      );
    });
    const state = optimizer.state();
    for (const name of names) {
      const tensors = {
        param: parameters.get(name)!,
        m: state.get(`exp_avg.${name}`)!,
        v: state.get(`exp_avg_sq.${name}`)!,
      };
      for (const [kind, tensor] of Object.entries(tensors)) {
        const key = `step.${step}.${kind}.${name}`;
        const error = relativeError(Float32Array.from(await tensor.read()), golden.toFloat32(key));
        if (!(error <= tolerance)) failures.push(`${key}: ${error.toExponential(2)}`);
      }
    }
  }
  optimizer.dispose();
  for (const tensor of parameters.values()) tensor.dispose();
  return failures;
}
