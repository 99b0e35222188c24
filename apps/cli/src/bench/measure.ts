/** Repeats a piece of work and says how long it takes. */

export interface Timing {
  readonly runs: number;
  readonly medianMs: number;
  readonly minMs: number;
  readonly p90Ms: number;
}

export interface MeasureOptions {
  /** Default: as many as fit in three seconds, at least 5 and at most 200. */
  readonly runs?: number;
  /** Not counted: kernels are chosen, pools filled, code compiled. */
  readonly warmup: number;
}

const budgetMs = 3000;

export async function measure(work: () => Promise<void>, { runs, warmup }: MeasureOptions): Promise<Timing> {
  for (let i = 0; i < warmup; i++) await work();
  const times: number[] = [];
  let total = 0;
  const enough = (): boolean =>
    runs === undefined ? (total >= budgetMs && times.length >= 5) || times.length >= 200 : times.length >= runs;
  while (!enough()) {
    const start = performance.now();
    await work();
    const elapsed = performance.now() - start;
    times.push(elapsed);
    total += elapsed;
  }
  times.sort((a, b) => a - b);
  return { runs: times.length, medianMs: quantile(times, 0.5), minMs: times[0]!, p90Ms: quantile(times, 0.9) };
}

/** Between the two nearest of the sorted values. */
function quantile(sorted: readonly number[], at: number): number {
  const place = (sorted.length - 1) * at;
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
}
