/** What every optimizer is: parameters and all state on the device, an update that awaits and uploads nothing. */
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { LossScale } from "./loss-scale.ts";

/** Tensors by name, in a fixed order: a model's parameters, an optimizer's states. */
export type NamedTensors = ReadonlyMap<string, Tensor>;

export const optimizerKinds = ["stable_adamw", "adamw", "muon"] as const;
export type OptimizerKind = (typeof optimizerKinds)[number];

/** What an optimizer updates. */
export interface Learned {
  readonly runtime: Runtime;
  readonly parameters: NamedTensors;
  /** Of parameters in another dtype, by their names: written with them. */
  readonly copies?: NamedTensors;
  /** Names of parameters that stay as they are, see `freeze`. */
  readonly frozen?: ReadonlySet<string>;
}

/** f32 [1] each. */
export interface ScaledGradients {
  /** Global norm of the unscaled, unclipped gradients. */
  readonly norm: Tensor;
  /** What they were multiplied by; 0 where the step was skipped. */
  readonly gradScale: Tensor;
}

export interface Optimizer {
  readonly kind: OptimizerKind;
  readonly lossScale: LossScale;
  /** Of the updates from now on; until then it is 0. Written to the device, in order with queued work. */
  setLearningRate(learningRate: number): void;
  /**
   * Updates all parameters in place, uploading nothing. `gradients` are in the order of the parameters and multiplied by `lossScale.value`;
   * undefined leaves its parameter alone, as do frozen ones. `loss` is that of the step [1], which a guard asks for. A step that is skipped changes
   * nothing but the loss scale.
   */
  update(gradients: readonly (Tensor | undefined)[], loss?: () => Tensor): ScaledGradients;
  /** Everything but the parameters that a continuation needs. */
  state(): NamedTensors;
  /** Where ranks share the state: the one that holds it; undefined for what each of them holds. */
  ownerOf?(state: string): number | undefined;
  /** Of a state that follows the weights (an average): begins anew with them. */
  restart?(): void;
  dispose(): void;
}
