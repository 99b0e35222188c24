/** When training cannot go on. */
import type { Score } from "./evaluate.ts";
import type { StepMetrics } from "./training-step.ts";

/** The loss or the gradients became NaN or infinite: training cannot go on from here. The parameters are those before that step. */
export class DivergenceError extends Error {
  override readonly name: string = "DivergenceError";
}

/** @throws DivergenceError like `expectFinite`: what is saved next would be no better. */
export function expectFiniteScore({ loss }: Score, step: number, checkpoint: string | undefined): void {
  if (!Number.isFinite(loss)) diverged(`held-out loss ${loss}`, step, checkpoint);
}

/**
 * @param scaled whether the loss is scaled, so that a step whose gradients overflow is only skipped.
 * @throws DivergenceError that says where to go on.
 */
export function expectFinite(
  { loss, gradientNorm }: StepMetrics,
  step: number,
  scaled: boolean,
  checkpoint: string | undefined,
): void {
  if (Number.isFinite(loss) && (Number.isFinite(gradientNorm) || scaled)) return;
  diverged(Number.isFinite(loss) ? `gradient norm ${gradientNorm}` : `loss ${loss}`, step, checkpoint);
}

function diverged(what: string, step: number, checkpoint: string | undefined): never {
  const from = checkpoint ? `last checkpoint: ${checkpoint}; go on from it` : "there is no checkpoint yet; start again";
  throw new DivergenceError(
    `[train] expected finite numbers, got ${what} in step ${step}; ${from} with a smaller optimizer.learning_rate or optimizer.clip_norm`,
  );
}
