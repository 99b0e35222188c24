/**
 * Weights of exponential means such that no bias correction is needed later: β̂ = (βᵗ - β) / (βᵗ - 1) in applied step t, 0 in the first. The mean
 * is then at any time what AdamW calls the corrected moment, m / (1 - βᵗ).
 */
import { assign, full, map, scalar, x } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";

export class DebiasedBetas {
  /** [β1^t, β2^t] after t applied steps: it stands still when a step is skipped, which no counter on the host could know. */
  readonly powers: Tensor;
  readonly #betas: Tensor;

  constructor(runtime: Runtime, betas: readonly [number, number]) {
    this.#betas = runtime.keep(runtime.tensor(betas, [2]));
    this.powers = runtime.keep(full(runtime, [2], 1));
  }

  /** [β̂1, β̂2] of the next step; meaningless when `gradScale` [1] is 0. */
  advance(gradScale: Tensor): Tensor {
    const advanced = map(scalar.select(x(2), scalar.mul(x(0), x(1)), x(0)), [this.powers, this.#betas, gradScale]);
    assign(this.powers, advanced);
    return map(scalar.div(scalar.sub(x(0), x(1)), scalar.sub(x(0), 1)), [advanced, this.#betas]);
  }

  dispose(): void {
    this.powers.dispose();
    this.#betas.dispose();
  }
}
