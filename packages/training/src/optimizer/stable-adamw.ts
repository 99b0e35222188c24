/**
 * StableAdamW over the named parameters of a model, as ModernBERT was trained with (facts in the composite `stableAdamW` of
 * tensor-core): fully decoupled weight decay, no clipping by norm unless asked for.
 */
import { assign, expand, reshape, slice, stableAdamWAll, zeros } from "@modernbert-ts/tensor-core";
import type { AdamWSlot, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { AdamOptions } from "./adam-options.ts";
import { DebiasedBetas } from "./debiased-betas.ts";
import { withoutFrozen } from "./freeze.ts";
import { groupParameters } from "./groups.ts";
import type { Grouping } from "./groups.ts";
import type { Learned, NamedTensors } from "./optimizer.ts";
import { RuleOptimizer } from "./rule-optimizer.ts";
import type { UpdateRule } from "./rule-optimizer.ts";

export interface StableAdamWOptions extends AdamOptions {
  /** The largest learning rate of the schedule: decay per step is `learningRate / maxLearningRate · weightDecay`, in groups of another rate too. */
  readonly maxLearningRate: number;
}

export class StableAdamW extends RuleOptimizer {
  /** Of a model, or of tensors with the same properties. */
  constructor(learned: Learned, options: StableAdamWOptions) {
    super("stable_adamw", learned, options, [new StableAdamWRule(withoutFrozen(learned), options)]);
  }
}

type Slot = Omit<AdamWSlot, "gradient">;

class StableAdamWRule implements UpdateRule {
  readonly #runtime: Runtime;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #betas: DebiasedBetas;
  readonly #grouping: Grouping;
  /** As `stableAdamW` documents them, a row for each group [G, 5]: rates are written by `setLearningRate`, betas by `update`. */
  readonly #controls: Tensor;
  readonly #rates: readonly Tensor[];

  constructor({ runtime, parameters, copies }: Learned, options: StableAdamWOptions) {
    const { maxLearningRate, betas = [0.9, 0.98], eps = 1e-6, weightDecay = 1e-5, rateMultiples } = options;
    this.#runtime = runtime;
    this.#betas = new DebiasedBetas(runtime, betas);
    this.#grouping = groupParameters(parameters, rateMultiples);
    const { groups, groupOf } = this.#grouping;
    const rows = groups.flatMap(({ decayed, multiple }) => [
      0,
      0,
      0,
      eps,
      decayed ? weightDecay / (maxLearningRate * multiple) : 0,
    ]);
    const controls = runtime.keep(runtime.tensor(rows, [groups.length, 5]));
    this.#controls = controls;
    this.#rates = groups.map((_, group) =>
      runtime.keep(runtime.scope(() => slice(slice(controls, 0, group, group + 1), 1, 0, 1))),
    );
    this.#slots = new Map(
      [...parameters].map(([name, parameter]) => [
        name,
        {
          parameter,
          m: runtime.keep(zeros(runtime, parameter.shape, parameter.dtype)),
          v: runtime.keep(zeros(runtime, parameter.shape, parameter.dtype)),
          copy: copies?.get(name),
          group: groupOf.get(name)!,
        },
      ]),
    );
  }

  setLearningRate(learningRate: number): void {
    for (const [group, { multiple }] of this.#grouping.groups.entries())
      this.#runtime.write(this.#rates[group]!, Float32Array.of(learningRate * multiple));
  }

  update(gradients: NamedTensors, gradScale: Tensor): void {
    const debiased = reshape(this.#betas.advance(gradScale), [1, 2]);
    assign(slice(this.#controls, 1, 1, 3), expand(debiased, [this.#rates.length, 2]));
    const slots = [...this.#slots].flatMap(([name, slot]) => {
      const gradient = gradients.get(name);
      return gradient ? [{ ...slot, gradient }] : [];
    });
    stableAdamWAll(slots, this.#controls, gradScale);
  }

  /** Under the names that torch uses for the moments. */
  state(): NamedTensors {
    const moments = [...this.#slots].flatMap(([name, { m, v }]) => [
      [`exp_avg.${name}`, m] as const,
      [`exp_avg_sq.${name}`, v] as const,
    ]);
    return new Map([...moments, ["beta_powers", this.#betas.powers]]);
  }

  dispose(): void {
    for (const { m, v } of this.#slots.values()) for (const tensor of [m, v]) tensor.dispose();
    for (const tensor of [...this.#rates, this.#controls]) tensor.dispose();
    this.#betas.dispose();
  }
}
