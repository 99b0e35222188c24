/** What the trainer needs to know of a model: this keeps the library free of any architecture, and its tests quick. */
import type { Runtime, Tensor } from "@modernbert-ts/tensor-core";
import type { MaskedRow } from "./masked-lm/mask.ts";
import type { NamedTensors } from "../optimizer/stable-adamw.ts";

export interface MaskedLmOutput {
  /** Σ cross-entropy over the masked positions of the row, in nats, f32 [1]. */
  readonly lossSum: Tensor;
  /** How many of them the largest logit got right, f32 [1]. */
  readonly correct: Tensor;
}

export interface TrainableModel {
  readonly runtime: Runtime;
  /** In a fixed order; a tied tensor appears once. */
  readonly parameters: NamedTensors;
  /** One micro-batch, differentiable in the parameters. `step` is given in training only: it seeds dropout. */
  maskedLm(row: MaskedRow, step?: TrainingStep): MaskedLmOutput;
}

/** Names a random draw of a training step: the same step and row give the same dropout, before and after a restart. */
export interface TrainingStep {
  /** 1-based. */
  readonly step: number;
  readonly row: number;
}
