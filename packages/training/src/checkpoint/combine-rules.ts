/** How the values of one tensor in several models become those of one. Sums are in f64. */

export type CombineRule = (values: readonly Float32Array[]) => Float32Array;

/** The mean, weighted where weights are given; they need not add up to 1. */
export function meanRule(weights?: readonly number[]): CombineRule {
  return (values) => {
    const shares = values.map((_, at) => weights?.[at] ?? 1);
    const total = shares.reduce((sum, share) => sum + share, 0);
    return values[0]!.map((_, at) => values.reduce((sum, each, model) => sum + shares[model]! * each[at]!, 0) / total);
  };
}

/**
 * TIES (Yadav et al. 2023): of each model's difference from the base, the first of the models, only the share `density` that is largest in
 * magnitude counts; the sign that weighs more is elected; the mean of the differences that have it is added to the base.
 */
export function tiesRule(density: number): CombineRule {
  return ([base, ...models]) => {
    const differences = models.map((values) =>
      trimmed(
        values.map((value, at) => value - base![at]!),
        density,
      ),
    );
    return base!.map((value, at) => {
      const changes = differences.map((difference) => difference[at]!);
      const elected = Math.sign(changes.reduce((sum, change) => sum + change, 0));
      const agreeing = changes.filter((change) => change !== 0 && Math.sign(change) === elected);
      return agreeing.length === 0
        ? value
        : value + agreeing.reduce((sum, change) => sum + change, 0) / agreeing.length;
    });
  };
}

/** All but the largest set to 0; of equal ones the first stay. */
function trimmed(values: Float32Array, density: number): Float32Array {
  const kept = Math.round(density * values.length);
  if (kept >= values.length) return values;
  const sorted = values.map(Math.abs).sort();
  const least = kept === 0 ? Infinity : sorted[values.length - kept]!;
  let ties = kept - values.reduce((count, value) => count + (Math.abs(value) > least ? 1 : 0), 0);
  return values.map((value) => {
    if (Math.abs(value) === least) return ties-- > 0 ? value : 0;
    return Math.abs(value) > least ? value : 0;
  });
}
