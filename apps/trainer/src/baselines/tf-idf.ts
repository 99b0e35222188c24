/** TF-IDF and logistic regression, as scikit-learn's TfidfVectorizer and LogisticRegression compute them by default: what a classifier of texts is to beat. */

/** Of one text: numbers of words, and their weights. */
interface SparseVector {
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

export interface LabelledText {
  readonly text: string;
  readonly wanted: boolean;
}

/** What the regression decides for each of `heldOut`. @param strength C, the inverse of regularisation; scikit-learn's default is 1 */
export function tfIdfDecisions(
  train: readonly LabelledText[],
  heldOut: readonly LabelledText[],
  strength: number,
): boolean[] {
  const vectorOf = tfIdf(train.map(({ text }) => text));
  const known = train.map(({ text }) => vectorOf(text));
  const output = logisticRegression(
    known,
    Float64Array.from(train, ({ wanted }) => Number(wanted)),
    strength,
  );
  return heldOut.map(({ text }) => output(vectorOf(text)) > 0);
}

/** F1 of what is wanted. */
export function f1Of(wanted: readonly boolean[], decided: readonly boolean[]): number {
  const hits = wanted.filter((label, at) => label && decided[at]).length;
  const all = [...wanted, ...decided].filter(Boolean).length;
  return all === 0 ? 0 : (2 * hits) / all;
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? [];
}

/** Counts times 1 + log((1 + n) / (1 + documents with the word)), of length 1. */
function tfIdf(texts: readonly string[]): (text: string) => SparseVector {
  const documents = new Map<string, number>();
  for (const text of texts)
    for (const word of new Set(wordsOf(text))) documents.set(word, (documents.get(word) ?? 0) + 1);
  const columns = new Map([...documents.keys()].map((word, column) => [word, column]));
  return (text) => {
    const counts = new Map<string, number>();
    for (const word of wordsOf(text)) if (columns.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const weights = Float64Array.from(
      counts,
      ([word, count]) => count * (1 + Math.log((1 + texts.length) / (1 + documents.get(word)!))),
    );
    const length = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
    return {
      columns: Int32Array.from(counts.keys(), (word) => columns.get(word)!),
      values: weights.map((weight) => weight / length),
    };
  };
}

/** Minimises |w|² / 2 + C Σ log loss, the intercept free, by accelerated gradient descent. Returns the function that decides. */
function logisticRegression(
  vectors: readonly SparseVector[],
  wanted: Float64Array,
  strength: number,
): (vector: SparseVector) => number {
  const intercept = vectors.reduce((most, { columns }) => columns.reduce((a, b) => Math.max(a, b), most), 0) + 1;
  /** What the intercept is multiplied by: it is learned as fast as the words are. */
  const one = 0.2;
  const output = (weights: Float64Array, { columns, values }: SparseVector): number => {
    let sum = weights[intercept]! * one;
    for (let at = 0; at < columns.length; at++) sum += weights[columns[at]!]! * values[at]!;
    return sum;
  };
  const addTo = (target: Float64Array, { columns, values }: SparseVector, factor: number): void => {
    for (let at = 0; at < columns.length; at++) target[columns[at]!]! += factor * values[at]!;
    target[intercept]! += factor * one;
  };
  // The largest curvature, by power iteration.
  let direction = new Float64Array(intercept + 1).fill(1);
  let curvature = 0;
  for (let round = 0; round < 30; round++) {
    const next = new Float64Array(intercept + 1);
    for (const vector of vectors) addTo(next, vector, output(direction, vector));
    curvature = Math.sqrt(next.reduce((sum, value) => sum + value * value, 0));
    direction = next.map((value) => value / curvature);
  }
  const step = 1 / (1 + 0.26 * strength * curvature);
  let weights = new Float64Array(intercept + 1);
  let ahead = weights.slice();
  for (let round = 1; round <= 100 * Math.sqrt(10 * strength); round++) {
    const gradient = ahead.slice();
    gradient[intercept] = 0;
    for (const [at, vector] of vectors.entries())
      addTo(gradient, vector, strength * (1 / (1 + Math.exp(-output(ahead, vector))) - wanted[at]!));
    const next = ahead.map((value, at) => value - step * gradient[at]!);
    const momentum = (round - 1) / (round + 2);
    ahead = next.map((value, at) => value + momentum * (value - weights[at]!));
    weights = next;
  }
  return (vector) => output(weights, vector);
}
