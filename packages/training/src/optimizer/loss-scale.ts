/**
 * The factor that keeps small f16 gradients from vanishing (Micikevicius et al. 2018, §3.2). It lives on the device: a step whose
 * gradients overflow halves it, many good steps in a row double it, and nobody waits to find out. f32 and bf16 train with 1.
 */
import { assign, full, map, scalar, x } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";

export interface LossScaleOptions {
  /** Scale of the first step (default 2^16). */
  readonly initial?: number;
  /** Good steps in a row after which the scale doubles (default 2000). */
  readonly growthInterval?: number;
}

export class LossScale {
  /** f32 [1]: what the loss is multiplied by. */
  readonly value: Tensor;
  /** f32 [1]: good steps since the scale changed. */
  readonly streak: Tensor;
  readonly #growthInterval: number | undefined;

  /** Without options the scale is 1 for ever. */
  constructor(runtime: Runtime, options?: LossScaleOptions) {
    this.#growthInterval = options && (options.growthInterval ?? 2000);
    this.value = runtime.keep(full(runtime, [1], options ? (options.initial ?? 2 ** 16) : 1));
    this.streak = runtime.keep(full(runtime, [1], 0));
  }

  get dynamic(): boolean {
    return this.#growthInterval !== undefined;
  }

  /** After a step whose unscaled gradients have the global norm `norm` [1]. */
  update(norm: Tensor): void {
    if (this.#growthInterval === undefined) return;
    const grown = scalar.lessEqual(this.#growthInterval, scalar.add(x(1), 1));
    const scale = map(
      scalar.select(scalar.isFinite(x(2)), scalar.select(grown, scalar.mul(2, x(0)), x(0)), scalar.mul(0.5, x(0))),
      [this.value, this.streak, norm],
    );
    const streak = map(
      scalar.select(
        scalar.isFinite(x(1)),
        scalar.select(scalar.lessEqual(this.#growthInterval, scalar.add(x(0), 1)), 0, scalar.add(x(0), 1)),
        0,
      ),
      [this.streak, norm],
    );
    assign(this.value, scale);
    assign(this.streak, streak);
  }

  dispose(): void {
    this.value.dispose();
    this.streak.dispose();
  }
}
