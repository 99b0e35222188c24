/** What gradients are multiplied by: the inverse of the loss scale, the clip factor, and 0 for a step that is to be skipped. */
import { globalNorm, map, scalar, x } from "@modernbert-ts/tensor-core";
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { LossScale } from "./loss-scale.ts";
import type { LossScaleOptions } from "./loss-scale.ts";
import { SpikeGuard } from "./spike-guard.ts";
import type { NamedTensors, ScaledGradients } from "./optimizer.ts";

export interface GradientScaleOptions {
  /** Gradients of a larger global norm are scaled down to it. Absent in the recipe: the update clips itself. */
  readonly clipNorm?: number;
  /** Steps whose gradient norm or loss is so many times its running mean, or not finite, are skipped. Absent: those with a norm that is not finite. */
  readonly skipAbove?: number;
  /** For f16 only. */
  readonly lossScale?: LossScaleOptions;
}

export class GradientScale {
  readonly lossScale: LossScale;
  readonly #clipNorm: number | undefined;
  readonly #guard: SpikeGuard | undefined;

  constructor(runtime: Runtime, { clipNorm, lossScale, skipAbove }: GradientScaleOptions) {
    this.lossScale = new LossScale(runtime, lossScale);
    this.#clipNorm = clipNorm;
    this.#guard = skipAbove === undefined ? undefined : new SpikeGuard(runtime, skipAbove);
  }

  /** Of gradients that are multiplied by the loss scale, which then is brought to that of the next step. @param loss of the step, [1], which a guard asks for. */
  measure(gradients: readonly Tensor[], loss?: () => Tensor): ScaledGradients {
    const { value } = this.lossScale;
    const norm = map(scalar.div(x(0), x(1)), [globalNorm(gradients), value]);
    const clip = this.#clipNorm === undefined ? 1 : scalar.min(1, scalar.div(this.#clipNorm, scalar.add(x(0), 1e-6)));
    const accepted = this.#guard ? [this.#guard.accepts(norm, loss?.() ?? norm)] : [];
    const taken = this.#guard ? x(2) : scalar.isFinite(x(0));
    const gradScale = map(scalar.select(taken, scalar.div(clip, x(1)), 0), [norm, value, ...accepted]);
    this.lossScale.update(norm);
    return { norm, gradScale };
  }

  state(): NamedTensors {
    return new Map([
      ["loss_scale", this.lossScale.value],
      ["loss_scale_streak", this.lossScale.streak],
      ...(this.#guard?.state() ?? []),
    ]);
  }

  dispose(): void {
    this.lossScale.dispose();
    this.#guard?.dispose();
  }
}
