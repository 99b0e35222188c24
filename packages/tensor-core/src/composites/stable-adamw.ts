/**
 * One StableAdamW step for one tensor (Wortsman et al. 2023 §3.5; the formulation of warner-benjamin/optimi): AdamW with debiased
 * betas and the learning rate divided by max(1, RMS of the unclipped update). `control` is made by `stableAdamWControl`.
 */
import { assign, map, mul } from "../ops/elementwise.ts";
import { mean } from "../ops/reduce.ts";
import { slice } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import { expectSameShape, expectShape } from "./definition.ts";
import type { CompositeDefinition } from "./definition.ts";
import type { Tensor } from "../tensor/tensor.ts";

const s = scalar;

export interface StableAdamWStep {
  /** Learning rate of this step. */
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** 1-based number of this step. */
  readonly step: number;
  /** The largest learning rate of the schedule: with it decay is fully decoupled (`lr / maxLearningRate · weightDecay`); null: AdamW's `lr · weightDecay`. */
  readonly maxLearningRate: number | null;
}

/** The five numbers that a step needs, to be written to a small device tensor (no await). */
export function stableAdamWControl(step: StableAdamWStep): Float32Array {
  const debias = (beta: number): number => (beta ** step.step - beta) / (beta ** step.step - 1);
  const decay = step.maxLearningRate === null ? step.weightDecay : step.weightDecay / step.maxLearningRate;
  return Float32Array.of(step.learningRate, debias(step.beta1), debias(step.beta2), step.eps, decay);
}

export const stableAdamWDefinition: CompositeDefinition<"stableAdamW"> = {
  differentiable: false,
  updates: () => [0, 2, 3],
  infer([p, g, m, v, control, gradScale]) {
    expectSameShape("stableAdamW", [p, g, m, v]);
    expectShape("stableAdamW", "control", control, [5]);
    expectShape("stableAdamW", "gradScale", gradScale, [1]);
    return [p!, m!, v!].map(({ shape, dtype }) => ({ shape, dtype }));
  },
  reference(inputs) {
    const [p, g, m, v, control, gradScale] = inputs as readonly Tensor[] as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const [lr, beta1, beta2, eps, decay] = [0, 1, 2, 3, 4].map((at) => slice(control, 0, at, at + 1)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const scaled = mul(g, gradScale);
    const lerp = s.add(s.mul(x(2), x(0)), s.mul(s.sub(1, x(2)), x(1)));
    const newM = map(lerp, [m, scaled, beta1]);
    const newV = map(s.add(s.mul(x(2), x(0)), s.mul(s.mul(s.sub(1, x(2)), x(1)), x(1))), [v, scaled, beta2]);
    const ratio = map(s.div(s.mul(x(0), x(0)), s.max(x(1), s.mul(x(2), x(2)))), [scaled, newV, eps]);
    const rate = map(s.div(x(0), s.max(1, s.sqrt(x(1)))), [lr, mean(ratio)]);
    const shrunk = map(s.mul(x(0), s.sub(1, s.mul(x(1), x(2)))), [p, rate, decay]);
    const newP = map(s.sub(x(0), s.div(s.mul(x(1), x(2)), s.add(s.sqrt(x(3)), x(4)))), [shrunk, rate, newM, newV, eps]);
    const targets = [p, m, v];
    [newP, newM, newV].forEach((fresh, index) => {
      const old = targets[index]!;
      assign(old, map(s.select(x(2), x(0), x(1)), [fresh, old, gradScale]));
    });
    return targets;
  },
};
