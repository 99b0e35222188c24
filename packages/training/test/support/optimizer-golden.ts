/** Steps of StableAdamW beside torch (fixtures/stable_adamw) on any backend: parameters and both moments. No Node API: pages run it too. */
import { Runtime } from "@modernbert-ts/tensor-core";
import type { Backend, Tensor } from "@modernbert-ts/tensor-core";
import type { readSafetensors } from "@modernbert-ts/safetensors";
import { relativeError } from "../../../modernbert/test/support/compare.ts";
import { StableAdamW } from "../../src/optimizer/stable-adamw.ts";

export interface OptimizerGolden {
  readonly steps: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly max_lr: number;
  readonly learning_rates: readonly number[];
}

const tolerance = 2e-6;

/** The tensors that are off, one line each. Every buffer is freed. */
export async function optimizerFailures(
  backend: Backend,
  config: OptimizerGolden,
  golden: ReturnType<typeof readSafetensors>,
): Promise<string[]> {
  const runtime = new Runtime(backend, { fusion: "fused" });
  const load = (key: string): Tensor => runtime.tensor(golden.toFloat32(key), golden.tensors.get(key)!.shape);
  const names = [...golden.tensors.keys()].flatMap((key) => /^param\.(.*)$/.exec(key)?.[1] ?? []);
  const parameters = new Map(names.map((name) => [name, load(`param.${name}`)]));
  const { betas, eps, weight_decay: weightDecay, max_lr: maxLearningRate } = config;
  const optimizer = new StableAdamW({ runtime, parameters }, { maxLearningRate, betas, eps, weightDecay });
  const failures: string[] = names.length > 0 ? [] : ["there are no parameters"];
  for (let step = 1; step <= config.steps; step++) {
    runtime.scope(() => {
      const gradients = names.map((name) => load(`grad.${step}.${name}`));
      optimizer.setLearningRate(config.learning_rates[step - 1]!);
      optimizer.update(gradients);
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
