/** Middles and spreads of repeated measurements. */
import type { Spread } from "../report/block.ts";
import { figure } from "../report/svg.ts";

/** Median, smallest and largest. @param values at least one */
export function medianSpread(values: readonly number[]): Required<Spread> {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const value = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { value, low: sorted[0]!, high: sorted.at(-1)! };
}

/** Mean and one standard deviation of the sample on both sides; without a spread for a single value. @param values at least one */
export function meanSpread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { value: mean };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  return { value: mean, low: mean - deviation, high: mean + deviation };
}

/** For a cell: the middle, and how far it reaches on the wider side. */
export function spreadText({ value, low = value, high = value }: Spread): string {
  const reach = Math.max(high - value, value - low);
  return reach === 0 ? figure(value) : `${figure(value)} ± ${figure(reach)}`;
}
