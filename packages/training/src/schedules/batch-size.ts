/**
 * Batch-size warm-up: training starts with small batches, which is enough while gradients all point the same way. The batch
 * grows row by row; every size gets the same number of steps, so larger sizes get more tokens (ModernBERT paper, Appendix A).
 */
import { checkInteger } from "../errors.ts";

export interface BatchSizeWarmup {
  /** Rows (micro-batches) per rank and batch at the beginning and in the end. */
  readonly minRows: number;
  readonly maxRows: number;
  /** Tokens, of all ranks together, until `maxRows` is reached. */
  readonly warmupTokens: number;
  readonly world?: number;
}

/** Tokens per rank at which minRows, minRows + 1, …, maxRows - 1 end. Example: 1..6 rows → 5 thresholds. */
export function batchSizeThresholds({ minRows, maxRows, warmupTokens, world = 1 }: BatchSizeWarmup): readonly number[] {
  checkInteger("batchSizeThresholds", "maxRows", maxRows, 1, 2 ** 16);
  checkInteger("batchSizeThresholds", "minRows", minRows, 1, maxRows);
  checkInteger("batchSizeThresholds", "world", world, 1, 2 ** 20);
  checkInteger("batchSizeThresholds", "warmupTokens", warmupTokens, 0, Number.MAX_SAFE_INTEGER);
  const sizes = Array.from({ length: maxRows - minRows }, (_, k) => minRows + k);
  const tokensPerRow = Math.ceil(warmupTokens / world) / sizes.reduce((sum, rows) => sum + rows, 0);
  let cumulated = 0;
  return sizes.map((rows) => Math.ceil(tokensPerRow * (cumulated += rows)));
}

/** The function tokens (of all ranks) → rows per rank. */
export function batchSizeSchedule(warmup: BatchSizeWarmup): (tokens: number) => number {
  const thresholds = batchSizeThresholds(warmup);
  const { minRows, world = 1 } = warmup;
  return (tokens) => minRows + thresholds.filter((threshold) => tokens / world >= threshold).length;
}
