/**
 * AdamW (Loshchilov and Hutter 2019) as in torch: weights decay by learning rate · weightDecay. Made of `map`s, so it runs wherever tensors do;
 * the moments are kept corrected (see `DebiasedBetas`).
 */
import { assign, map, scalar, slice, x, zeros } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { AdamOptions } from "./adam-options.ts";
import { DebiasedBetas } from "./debiased-betas.ts";
import { withoutFrozen } from "./freeze.ts";
import { GroupRates } from "./group-rates.ts";
import { groupParameters } from "./groups.ts";
import type { Learned, NamedTensors } from "./optimizer.ts";
import { RuleOptimizer } from "./rule-optimizer.ts";
import type { UpdateRule } from "./rule-optimizer.ts";

export class AdamW extends RuleOptimizer {
  constructor(learned: Learned, options: AdamOptions = {}) {
    super("adamw", learned, options, [new AdamWRule(withoutFrozen(learned), options)]);
  }
}

interface Slot {
  readonly parameter: Tensor;
  readonly copy: Tensor | undefined;
  readonly m: Tensor;
  readonly v: Tensor;
}

const { add, mul, select, sub } = scalar;
const [mean, gradient, beta, gradScale] = [x(0), x(1), x(2), x(3)] as const;
const scaled = mul(gradient, gradScale);
const follow = (value: typeof scaled): typeof scaled =>
  select(gradScale, add(mul(beta, mean), mul(sub(1, beta), value)), mean);
const nextM = follow(scaled);
const nextV = follow(mul(scaled, scaled));

export class AdamWRule implements UpdateRule {
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #betas: DebiasedBetas;
  readonly #rates: GroupRates;
  readonly #eps: number;

  constructor({ runtime, parameters, copies }: Learned, options: AdamOptions) {
    const { betas = [0.9, 0.98], eps = 1e-6, weightDecay = 1e-5, rateMultiples } = options;
    this.#eps = eps;
    this.#betas = new DebiasedBetas(runtime, betas);
    this.#rates = new GroupRates(runtime, groupParameters(parameters, rateMultiples), weightDecay);
    this.#slots = new Map(
      [...parameters].map(([name, parameter]) => [
        name,
        {
          parameter,
          copy: copies?.get(name),
          m: runtime.keep(zeros(runtime, parameter.shape, parameter.dtype)),
          v: runtime.keep(zeros(runtime, parameter.shape, parameter.dtype)),
        },
      ]),
    );
  }

  setLearningRate(learningRate: number): void {
    this.#rates.set(learningRate);
  }

  update(gradients: NamedTensors, scale: Tensor): void {
    const debiased = this.#betas.advance(scale);
    const [beta1, beta2] = [slice(debiased, 0, 0, 1), slice(debiased, 0, 1, 2)];
    const rates = this.#rates.applied(scale);
    const step = scalar.div(mul(x(3), x(1)), add(scalar.sqrt(x(2)), this.#eps));
    const nextP = sub(sub(x(0), mul(x(0), x(4))), step);
    for (const [name, { parameter, copy, m, v }] of this.#slots) {
      const own = gradients.get(name);
      if (!own) continue;
      assign(m, map(nextM, [m, own, beta1, scale]));
      assign(v, map(nextV, [v, own, beta2, scale]));
      const { rate, decay } = rates(name);
      assign(parameter, map(nextP, [parameter, m, v, rate, decay]));
      if (copy) assign(copy, parameter);
    }
  }

  state(): NamedTensors {
    const moments = [...this.#slots].flatMap(([name, { m, v }]) => [
      [`corrected_exp_avg.${name}`, m] as const,
      [`corrected_exp_avg_sq.${name}`, v] as const,
    ]);
    return new Map([...moments, ["beta_powers", this.#betas.powers]]);
  }

  dispose(): void {
    for (const { m, v } of this.#slots.values()) for (const tensor of [m, v]) tensor.dispose();
    this.#betas.dispose();
    this.#rates.dispose();
  }
}
