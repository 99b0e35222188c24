/**
 * An exponential moving average of the weights beside any optimizer: after each step that was taken, average ← d · average + (1 - d) · weights. It
 * is state of the optimizer, on the device, and is saved with it.
 */
import { assign, map, scalar, x } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { withoutFrozen } from "./freeze.ts";
import type { LossScale } from "./loss-scale.ts";
import type { Learned, NamedTensors, Optimizer, OptimizerKind, ScaledGradients } from "./optimizer.ts";

/** Of its names among the states. */
export const averagePrefix = "ema.";

/** Whether a state is one of the average, which a run may begin without, or leave behind. */
export function isAverageState(name: string): boolean {
  return name.startsWith(averagePrefix);
}

export class AveragedOptimizer implements Optimizer {
  readonly #inner: Optimizer;
  readonly #learned: Learned;
  readonly #decay: number;
  readonly #averages: NamedTensors;

  /** @param decay d, such as 0.999. The average begins with the weights as they are. */
  constructor(inner: Optimizer, learned: Learned, decay: number) {
    this.#inner = inner;
    this.#learned = withoutFrozen(learned);
    this.#decay = decay;
    const { runtime, parameters } = this.#learned;
    this.#averages = new Map(
      [...parameters].map(([name, { shape, dtype }]) => [name, runtime.keep(runtime.empty(shape, dtype))]),
    );
    this.restart();
  }

  get kind(): OptimizerKind {
    return this.#inner.kind;
  }

  get lossScale(): LossScale {
    return this.#inner.lossScale;
  }

  setLearningRate(learningRate: number): void {
    this.#inner.setLearningRate(learningRate);
  }

  update(gradients: readonly (Tensor | undefined)[], loss?: () => Tensor): ScaledGradients {
    const { runtime, parameters } = this.#learned;
    const scaled = this.#inner.update(gradients, loss);
    const moved = scalar.add(x(0), scalar.mul(1 - this.#decay, scalar.sub(x(1), x(0))));
    runtime.scope(() => {
      for (const [name, average] of this.#averages)
        assign(average, map(scalar.select(x(2), moved, x(0)), [average, parameters.get(name)!, scaled.gradScale]));
    });
    return scaled;
  }

  state(): NamedTensors {
    return new Map([
      ...this.#inner.state(),
      ...[...this.#averages].map(([name, each]) => [averagePrefix + name, each] as const),
    ]);
  }

  ownerOf(state: string): number | undefined {
    return isAverageState(state) ? undefined : this.#inner.ownerOf?.(state);
  }

  /** Begins anew with the weights as they are. */
  restart(): void {
    for (const [name, average] of this.#averages) assign(average, this.#learned.parameters.get(name)!);
  }

  /** Runs `body` with the average in the place of the weights, and puts these back. Nothing may train meanwhile. */
  async withAverage<T>(body: () => Promise<T>): Promise<T> {
    this.#swap();
    try {
      return await body();
    } finally {
      this.#swap();
    }
  }

  dispose(): void {
    for (const average of this.#averages.values()) average.dispose();
    this.#inner.dispose();
  }

  #swap(): void {
    const { runtime, parameters, copies } = this.#learned;
    for (const [name, average] of this.#averages) {
      runtime.scope(() => {
        const parameter = parameters.get(name)!;
        const before = map(x(0), [parameter]);
        assign(parameter, average);
        assign(average, before);
        const copy = copies?.get(name);
        if (copy) assign(copy, parameter);
      });
    }
  }
}
