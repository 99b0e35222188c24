/** The learning rate of each group and what its weights lose in a step, on the device: for rules whose decay is learning rate · weightDecay. */
import { map, mul, scalar, slice, x, zeros } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { Grouping } from "./groups.ts";

/** f32 [1] each. */
export interface AppliedRate {
  readonly rate: Tensor;
  /** Share of its value that a weight loses. */
  readonly decay: Tensor;
}

export class GroupRates {
  readonly #runtime: Runtime;
  readonly #grouping: Grouping;
  readonly #rates: Tensor;
  readonly #decays: Tensor;

  constructor(runtime: Runtime, grouping: Grouping, weightDecay: number) {
    this.#runtime = runtime;
    this.#grouping = grouping;
    const { groups } = this.#grouping;
    this.#rates = runtime.keep(zeros(runtime, [groups.length]));
    const decays = groups.map(({ decayed }) => (decayed ? weightDecay : 0));
    this.#decays = runtime.keep(runtime.tensor(decays, [groups.length]));
  }

  set(learningRate: number): void {
    this.#runtime.write(
      this.#rates,
      Float32Array.from(this.#grouping.groups, ({ multiple }) => learningRate * multiple),
    );
  }

  /** Of each parameter by its name; all 0 when `gradScale` [1] is. */
  applied(gradScale: Tensor): (name: string) => AppliedRate {
    const rates = map(scalar.select(x(1), x(0), 0), [this.#rates, gradScale]);
    const decays = mul(rates, this.#decays);
    const rows = this.#grouping.groups.map((_, group) => ({
      rate: slice(rates, 0, group, group + 1),
      decay: slice(decays, 0, group, group + 1),
    }));
    return (name) => rows[this.#grouping.groupOf.get(name)!]!;
  }

  dispose(): void {
    this.#rates.dispose();
    this.#decays.dispose();
  }
}
