/** What earlier versions of training states and metrics files wrote, brought to today's form. */
import type { Score } from "./evaluate.ts";
import type { TrainingState } from "./training-state.ts";

/** Of one process: its loader alone. */
export type Version2 = Omit<TrainingState, "version" | "loaders"> & { readonly version: 2; readonly loader: unknown };

/** Of the masked LM alone, its numbers by their own names. */
export type Version1 = Omit<Version2, "version" | "objective" | "score"> & { readonly score?: Score | null };

export function upgradeLoader({ loader, ...state }: Version2): TrainingState {
  return { ...state, version: 3, loaders: [loader] };
}

export function upgradeObjective({ score, ...state }: Version1): Version2 {
  return { ...state, version: 2, objective: "masked_lm", ...(score ? { score: upgradeNumbers(score) } : {}) };
}

/** A score or an event as it is written now: `metrics` and `weight` in the place of the masked LM's own names. */
export function upgradeNumbers<T extends object>(numbers: T): T {
  const { maskedAccuracy, maskedTokens, ...rest } = numbers as T & {
    readonly maskedAccuracy?: number;
    readonly maskedTokens?: number;
  };
  if (maskedAccuracy === undefined || "metrics" in rest) return numbers;
  return { ...rest, metrics: { maskedAccuracy }, ...(maskedTokens === undefined ? {} : { weight: maskedTokens }) } as T;
}
