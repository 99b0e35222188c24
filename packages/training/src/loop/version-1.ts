/**
 * What version 1 of training states and metrics files wrote: the masked LM's numbers by their own names, where every objective has
 * `metrics` and `weight` now.
 */

interface Version1 {
  readonly maskedAccuracy?: number;
  readonly maskedTokens?: number;
  readonly metrics?: unknown;
}

/** A score or an event as it is written now. */
export function upgradeNumbers<T extends object>(numbers: T): T {
  const { maskedAccuracy, maskedTokens, ...rest } = numbers as T & Version1;
  if (maskedAccuracy === undefined || "metrics" in rest) return numbers;
  return { ...rest, metrics: { maskedAccuracy }, ...(maskedTokens === undefined ? {} : { weight: maskedTokens }) } as T;
}
