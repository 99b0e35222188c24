/**
 * StableAdamW over the named parameters of a model, as ModernBERT was trained with (facts in the composite `stableAdamW` of
 * tensor-core): two groups, fully decoupled weight decay, no clipping by norm unless asked for. All state lives on the device,
 * a skipped step (gradients not finite) included, so that `update` never waits.
 */
import {
  assign,
  expand,
  full,
  globalNorm,
  map,
  reshape,
  scalar,
  slice,
  stableAdamWAll,
  x,
  zeros,
} from "@modernbert-ts/tensor-core";
import type { AdamWSlot, Runtime, Tensor } from "@modernbert-ts/tensor-core";
import { LossScale } from "./loss-scale.ts";
import type { LossScaleOptions } from "./loss-scale.ts";

/** Tensors by name, in a fixed order: a model's parameters, an optimizer's states. */
export type NamedTensors = ReadonlyMap<string, Tensor>;

export interface StableAdamWOptions {
  /** The largest learning rate of the schedule: decay per step is `learningRate / maxLearningRate · weightDecay`. */
  readonly maxLearningRate: number;
  /** Default [0.9, 0.98]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-6. */
  readonly eps?: number;
  /** Default 1e-5. */
  readonly weightDecay?: number;
  /** Gradients of a larger global norm are scaled down to it. Absent in the recipe: the update clips itself. */
  readonly clipNorm?: number;
  /** For f16 only. */
  readonly lossScale?: LossScaleOptions;
}

/** What an optimizer updates. */
export interface Learned {
  readonly runtime: Runtime;
  readonly parameters: NamedTensors;
  /** Of parameters in another dtype, by their names: written with them. */
  readonly copies?: NamedTensors;
}

/** Norms, gains and biases are not decayed (`filter_bias_norm_wd` of the original). */
export function isDecayed(name: string, shape: readonly number[]): boolean {
  return shape.length > 1 && !name.endsWith(".bias");
}

type Slot = Omit<AdamWSlot, "gradient">;

/** Rows of the controls. */
const groups = { decayed: 0, plain: 1 } as const;

export class StableAdamW {
  readonly options: StableAdamWOptions;
  readonly lossScale: LossScale;
  readonly #runtime: Runtime;
  readonly #slots: ReadonlyMap<string, Slot>;
  /** [β1^t, β2^t] after t applied steps: it stands still when a step is skipped, which no counter on the host could know. */
  readonly #betaPowers: Tensor;
  readonly #betas: Tensor;
  /** As `stableAdamW` documents them, a row for each group [2, 5]: rates are written by `setLearningRate`, betas by `update`. */
  readonly #controls: Tensor;
  readonly #rates: readonly Tensor[];

  /** Of a model, or of tensors with the same properties. */
  constructor({ runtime, parameters, copies }: Learned, options: StableAdamWOptions) {
    this.options = options;
    this.#runtime = runtime;
    this.lossScale = new LossScale(runtime, options.lossScale);
    this.#betas = runtime.keep(runtime.tensor(options.betas ?? [0.9, 0.98], [2]));
    this.#betaPowers = runtime.keep(full(runtime, [2], 1));
    const { maxLearningRate, eps = 1e-6, weightDecay = 1e-5 } = options;
    const rows = [0, 0, 0, eps, weightDecay / maxLearningRate, 0, 0, 0, eps, 0];
    const controls = runtime.keep(runtime.tensor(rows, [2, 5]));
    this.#controls = controls;
    this.#rates = [0, 1].map((group) =>
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
          group: isDecayed(name, parameter.shape) ? groups.decayed : groups.plain,
        },
      ]),
    );
  }

  /** Of the updates from now on; until then it is 0. Written to the device, in order with queued work. */
  setLearningRate(learningRate: number): void {
    for (const rate of this.#rates) this.#runtime.write(rate, Float32Array.of(learningRate));
  }

  /**
   * Updates all parameters in place, uploading nothing. `gradients` are in the order of the parameters and multiplied by `lossScale.value`; undefined
   * leaves its parameter alone. Returns the global norm of the unscaled, unclipped gradients, f32 [1]; when it is not finite
   * nothing changes (but the loss scale).
   */
  update(gradients: readonly (Tensor | undefined)[]): Tensor {
    return this.#runtime.scope(() => {
      const present = gradients.filter((gradient) => gradient !== undefined);
      const norm = map(scalar.div(x(0), x(1)), [globalNorm(present), this.lossScale.value]);
      const gradScale = this.#gradScale(norm);
      this.#writeBetas(gradScale);
      const slots = [...this.#slots.values()].flatMap((slot, at) => {
        const gradient = gradients[at];
        return gradient ? [{ ...slot, gradient }] : [];
      });
      stableAdamWAll(slots, this.#controls, gradScale);
      this.lossScale.update(gradScale);
      return norm;
    });
  }

  /** Everything but the parameters that a continuation needs, under the names that torch uses for the moments. */
  state(): NamedTensors {
    const state = new Map<string, Tensor>();
    for (const [name, { m, v }] of this.#slots) state.set(`exp_avg.${name}`, m).set(`exp_avg_sq.${name}`, v);
    return state
      .set("beta_powers", this.#betaPowers)
      .set("loss_scale", this.lossScale.value)
      .set("loss_scale_streak", this.lossScale.streak);
  }

  dispose(): void {
    for (const { m, v } of this.#slots.values()) for (const tensor of [m, v]) tensor.dispose();
    for (const tensor of [this.#betas, this.#betaPowers, ...this.#rates, this.#controls]) tensor.dispose();
    this.lossScale.dispose();
  }

  /** 1 / loss scale, times the clip factor; 0 when the norm is not finite. */
  #gradScale(norm: Tensor): Tensor {
    const { clipNorm } = this.options;
    const clip = clipNorm === undefined ? 1 : scalar.min(1, scalar.div(clipNorm, scalar.add(x(0), 1e-6)));
    return map(scalar.select(scalar.isFinite(x(0)), scalar.div(clip, x(1)), 0), [norm, this.lossScale.value]);
  }

  /** The debiased betas (βᵗ - β) / (βᵗ - 1). */
  #writeBetas(gradScale: Tensor): void {
    const advanced = map(scalar.select(x(2), scalar.mul(x(0), x(1)), x(0)), [this.#betaPowers, this.#betas, gradScale]);
    assign(this.#betaPowers, advanced);
    const debiased = map(scalar.div(scalar.sub(x(0), x(1)), scalar.sub(x(0), 1)), [advanced, this.#betas]);
    assign(slice(this.#controls, 1, 1, 3), expand(reshape(debiased, [1, 2]), [2, 2]));
  }
}
