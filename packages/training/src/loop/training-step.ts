/**
 * One training step: the rows of a batch forward and backward one after another, their gradients summed, one update. The loss is
 * Σ lossSum / Σ masked tokens over the whole step, so how a batch is cut into rows does not change what is learned (averaging the
 * rows' means would: they hold different numbers of masked tokens). No await; after two steps of warm-up no new allocation.
 */
import { add, assign, div, slice, vjp } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import type { PackedMlmBatch } from "../data/packing/packed-loader.ts";
import type { MaskedLmOutput, TrainableModel } from "../objectives/objective.ts";
import type { StableAdamW } from "../optimizer/stable-adamw.ts";

/** What a step leaves on the device, f32 [4]; `readStepMetrics` fetches it. */
export type StepMetricsTensor = Tensor;

export interface StepMetrics {
  /** Mean cross-entropy of the masked tokens, in nats. */
  readonly loss: number;
  /** Share of the masked tokens that were predicted right. */
  readonly maskedAccuracy: number;
  /** Global norm of the gradient of `loss`; not finite when the step was skipped. */
  readonly gradientNorm: number;
  /** The loss scale of this step; 1 without loss scaling. */
  readonly lossScale: number;
}

/** Queues the step (1-based number `step`) and returns its metrics, which the caller disposes. */
export function trainingStep(
  model: TrainableModel,
  optimizer: StableAdamW,
  batch: PackedMlmBatch,
  options: { readonly step: number; readonly learningRate: number },
): StepMetricsTensor {
  const { runtime } = model;
  const parameters = [...model.parameters.values()];
  return runtime.scope(() => {
    const maskedTokens = runtime.tensor([batch.maskedTokens], [1]);
    const weight = div(optimizer.lossScale.value, maskedTokens);
    let totals: MaskedLmOutput | undefined;
    let gradients: readonly (Tensor | undefined)[] = [];
    for (const [at, row] of batch.rows.entries()) {
      const result = vjp(
        runtime,
        parameters,
        () => model.maskedLm(row, { step: options.step, row: at }),
        ({ lossSum }) => [{ output: lossSum, gradient: weight }],
      );
      const { lossSum, correct } = result.value;
      gradients = totals ? gradients.map((sum, index) => accumulate(sum, result.gradients[index])) : result.gradients;
      totals = totals ? { lossSum: add(totals.lossSum, lossSum), correct: add(totals.correct, correct) } : result.value;
    }
    const metrics = runtime.empty([4]);
    assign(slice(metrics, 0, 3, 4), optimizer.lossScale.value);
    const norm = optimizer.update(gradients, options.learningRate);
    for (const [index, value] of [
      div(totals!.lossSum, maskedTokens),
      div(totals!.correct, maskedTokens),
      norm,
    ].entries())
      assign(slice(metrics, 0, index, index + 1), value);
    return metrics;
  });
}

/** Waits for the step and disposes its metrics. */
export async function readStepMetrics(metrics: StepMetricsTensor): Promise<StepMetrics> {
  try {
    const [loss, maskedAccuracy, gradientNorm, lossScale] = (await metrics.read()) as ArrayLike<number> as [
      number,
      number,
      number,
      number,
    ];
    return { loss, maskedAccuracy, gradientNorm, lossScale };
  } finally {
    metrics.dispose();
  }
}

/** a + b, both let go at once: at most one sum of gradients and one row's gradients are alive. */
function accumulate(a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  if (!a || !b) return a ?? b;
  const sum = add(a, b);
  a.dispose();
  b.dispose();
  return sum;
}
