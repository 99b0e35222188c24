/** By which number held-out scores are compared, and which is the best so far. */
import type { Score } from "./evaluate.ts";

export interface Criterion {
  /** "loss", or a metric of the objective. */
  readonly metric: string;
  readonly lowerIsBetter: boolean;
}

export const lowestLoss: Criterion = { metric: "loss", lowerIsBetter: true };

/** As it stands in checkpoints. */
export interface BestScore extends Criterion {
  readonly value: number;
  /** Of the same evaluation. */
  readonly loss: number;
  readonly step: number;
  /** Evaluations since that were no better. */
  readonly evaluationsSince: number;
}

/** undefined where the score has no such number, or one that is not finite. */
export function valueOf({ loss, metrics }: Pick<Score, "loss" | "metrics">, { metric }: Criterion): number | undefined {
  const value = metric === lowestLoss.metric ? loss : metrics[metric];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Negative where `a` is the better one. */
export function compare(a: number, b: number, { lowerIsBetter }: Criterion): number {
  return lowerIsBetter ? a - b : b - a;
}

/** Ends training once so many evaluations in a row were no better than the best; never without `patience`. */
export class EarlyStopping {
  readonly #criterion: Criterion;
  readonly #patience: number;
  #best: BestScore | undefined;

  /** @param best of a run that goes on; one by another metric is forgotten. */
  constructor(criterion: Criterion, patience: number | undefined, best: BestScore | undefined) {
    this.#criterion = criterion;
    this.#patience = patience ?? Number.POSITIVE_INFINITY;
    if (patience !== undefined && best?.metric === criterion.metric) this.#best = best;
  }

  /** undefined without patience, too. */
  get best(): BestScore | undefined {
    return this.#best;
  }

  /** Why training ends; undefined while it goes on. */
  get end(): string | undefined {
    const best = this.#best;
    if (!best || best.evaluationsSince < this.#patience) return undefined;
    return `stopping early: ${best.evaluationsSince} evaluations in a row were no better than ${best.metric} ${best.value.toPrecision(4)} of step ${best.step}`;
  }

  /** Whether it is the best so far. */
  score(score: Score, step: number): boolean {
    if (this.#patience === Number.POSITIVE_INFINITY) return false;
    const value = valueOf(score, this.#criterion);
    const before = this.#best;
    const better = value !== undefined && (!before || compare(value, before.value, this.#criterion) < 0);
    if (better) this.#best = { ...this.#criterion, value, loss: score.loss, step, evaluationsSince: 0 };
    else if (before) this.#best = { ...before, evaluationsSince: before.evaluationsSince + 1 };
    return better;
  }
}
