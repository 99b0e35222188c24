/** Middles and spreads of repeated measurements. */
import type { Spread } from "../report/block.ts";
import { decimalsOf, figure } from "../report/figure.ts";

/** Median and quartiles: half of the values lie between the ends, and a few that were disturbed move nothing. @param values at least one */
export function medianSpread(values: readonly number[]): Required<Spread> {
  const sorted = [...values].sort((a, b) => a - b);
  return { value: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) };
}

/** Between the two nearest of the sorted values. */
function quantile(sorted: readonly number[], at: number): number {
  const place = (sorted.length - 1) * at;
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
}

/** Mean and one standard deviation of the sample on both sides; without a spread for a single value. @param values at least one */
export function meanSpread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { value: mean };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  return { value: mean, low: mean - deviation, high: mean + deviation };
}

/** The same, where there are any. */
export function meanOfAny(values: readonly number[]): Spread | undefined {
  return values.length === 0 ? undefined : meanSpread(values);
}

/** A cell of a table: the value with its unit, or a dash where there is none. */
export function cellText(value: Spread | undefined, unit: string = ""): string {
  return value ? `${spreadText(value)}${unit}` : "—";
}

/** The middle, and how far the spread reaches on the wider side, both to one place. */
export function spreadText({ value, low = value, high = value }: Spread): string {
  const reach = Math.max(high - value, value - low);
  const decimals = decimalsOf(value);
  return reach === 0 ? figure(value) : `${figure(value, decimals)} ± ${figure(reach, decimals)}`;
}
