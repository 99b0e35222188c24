/** Scores of classes: what was wanted beside what was predicted, one class for each example. */

export function accuracy(wanted: readonly number[], predicted: readonly number[]): number {
  return wanted.filter((label, at) => label === predicted[at]).length / wanted.length;
}

interface Counts {
  readonly hits: number;
  readonly wanted: number;
  readonly predicted: number;
}

/** Of one class. */
function countsOf(label: number, wanted: readonly number[], predicted: readonly number[]): Counts {
  return {
    hits: wanted.filter((each, at) => each === label && predicted[at] === label).length,
    wanted: wanted.filter((each) => each === label).length,
    predicted: predicted.filter((each) => each === label).length,
  };
}

/** 2 · hits / (wanted + predicted); 0 where there is neither, as scikit-learn has it. */
export function f1Of({ hits, wanted, predicted }: Counts): number {
  return wanted + predicted === 0 ? 0 : (2 * hits) / (wanted + predicted);
}

/** Of class 1. */
export function binaryF1(wanted: readonly number[], predicted: readonly number[]): number {
  return f1Of(countsOf(1, wanted, predicted));
}

/** The mean over the classes that were wanted or predicted. */
export function macroF1(wanted: readonly number[], predicted: readonly number[], classes: number): number {
  const scores = Array.from({ length: classes }, (_, label) => countsOf(label, wanted, predicted))
    .filter((counts) => counts.wanted + counts.predicted > 0)
    .map(f1Of);
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** Of several yes-or-no questions together; class 1 is yes. */
export function microF1(
  questions: readonly (readonly [wanted: readonly number[], predicted: readonly number[]])[],
): number {
  const counts = questions.map(([wanted, predicted]) => countsOf(1, wanted, predicted));
  const sum = (of: (counts: Counts) => number): number => counts.reduce((total, each) => total + of(each), 0);
  return f1Of({
    hits: sum(({ hits }) => hits),
    wanted: sum((each) => each.wanted),
    predicted: sum((each) => each.predicted),
  });
}

/** Matthews' correlation for any number of classes (Gorodkin 2004); 0 where one side has one class only. */
export function matthews(wanted: readonly number[], predicted: readonly number[], classes: number): number {
  const n = wanted.length;
  const counts = Array.from({ length: classes }, (_, label) => countsOf(label, wanted, predicted));
  const sum = (of: (counts: Counts) => number): number => counts.reduce((total, each) => total + of(each), 0);
  const covariance = sum(({ hits }) => hits) * n - sum((each) => each.wanted * each.predicted);
  const spread = (side: "wanted" | "predicted"): number => n * n - sum((each) => each[side] ** 2);
  const product = spread("wanted") * spread("predicted");
  return product === 0 ? 0 : covariance / Math.sqrt(product);
}
