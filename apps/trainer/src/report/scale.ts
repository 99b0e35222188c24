/** Axes: round tick values over a range, and the way from values to pixels. */

export interface Scale {
  readonly ticks: readonly number[];
  /** Value → position between the two pixels that the scale was made for. */
  readonly at: (value: number) => number;
}

/**
 * A linear scale with ticks at 1, 2 or 5 times a power of ten. Its ends are ticks too, or (`tight`) the smallest and largest value.
 */
export function linearScale(
  values: readonly number[],
  [from, to]: readonly [number, number],
  wantedTicks: number,
  tight: boolean = false,
): Scale {
  const [low, high] = rangeOf(values.filter(Number.isFinite));
  const step = roundStep((high - low) / wantedTicks);
  const first = tight ? Math.ceil(low / step - 1e-9) : Math.floor(low / step + 1e-9);
  const last = tight ? Math.floor(high / step + 1e-9) : Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
  const [bottom, top] = tight ? [low, high] : [ticks[0]!, ticks.at(-1)!];
  return { ticks, at: (value) => from + ((value - bottom) / (top - bottom)) * (to - from) };
}

/** Smallest and largest value, drawn apart when they are one. */
function rangeOf(values: readonly number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (low < high) return [low, high];
  return low === 0 || !Number.isFinite(low) ? [0, 1] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2];
}

/** The next of 1, 2, 5, 10, … × 10ⁿ that is not smaller. */
function roundStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= wanted * (1 - 1e-9)) ?? 10);
}
