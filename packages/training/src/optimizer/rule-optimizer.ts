/**
 * An optimizer made of update rules. The norm of the gradients, their scale and whether a step is skipped are the same for all; how a parameter
 * follows its gradient is a rule, a file each.
 */
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { GradientScale } from "./gradient-scale.ts";
import type { GradientScaleOptions } from "./gradient-scale.ts";
import type { LossScale } from "./loss-scale.ts";
import type { Learned, NamedTensors, Optimizer, OptimizerKind, ScaledGradients } from "./optimizer.ts";

/** How some of the parameters follow their gradients. */
export interface UpdateRule {
  setLearningRate(learningRate: number): void;
  /** Gradients by name, each to be multiplied by `gradScale` [1]; where that is 0 nothing changes. */
  update(gradients: NamedTensors, gradScale: Tensor): void;
  state(): NamedTensors;
  dispose(): void;
}

/** An optimizer of one or more update rules, each for its own parameters. */
export class RuleOptimizer implements Optimizer {
  readonly kind: OptimizerKind;
  readonly #runtime: Runtime;
  readonly #names: readonly string[];
  readonly #scale: GradientScale;
  readonly #rules: readonly UpdateRule[];

  constructor(
    kind: OptimizerKind,
    { runtime, parameters }: Learned,
    options: GradientScaleOptions,
    rules: readonly UpdateRule[],
  ) {
    this.kind = kind;
    this.#runtime = runtime;
    this.#names = [...parameters.keys()];
    this.#scale = new GradientScale(runtime, options);
    this.#rules = rules;
  }

  get lossScale(): LossScale {
    return this.#scale.lossScale;
  }

  setLearningRate(learningRate: number): void {
    for (const rule of this.#rules) rule.setLearningRate(learningRate);
  }

  update(gradients: readonly (Tensor | undefined)[], loss?: () => Tensor): ScaledGradients {
    return this.#runtime.scope(() => {
      const present = this.#names.flatMap((name, at) => (gradients[at] ? [[name, gradients[at]] as const] : []));
      const scaled = this.#scale.measure(
        present.map(([, gradient]) => gradient),
        loss,
      );
      const named = new Map(present);
      for (const rule of this.#rules) rule.update(named, scaled.gradScale);
      return scaled;
    });
  }

  state(): NamedTensors {
    return new Map([...this.#rules.flatMap((rule) => [...rule.state()]), ...this.#scale.state()]);
  }

  dispose(): void {
    for (const rule of this.#rules) rule.dispose();
    this.#scale.dispose();
  }
}
