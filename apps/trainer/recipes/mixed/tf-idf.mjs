/**
 * What the classifier of spam.yaml is to beat: TF-IDF and logistic regression on the same mails, as scikit-learn's TfidfVectorizer and
 * LogisticRegression compute them by default, for several strengths. Run it from the root: node apps/trainer/recipes/mixed/tf-idf.mjs
 */
import { readFileSync } from "node:fs";

const records = (part) =>
  readFileSync(`runs/mixed/records/mails-${part}.jsonl`, "utf8").trim().split("\n").map(JSON.parse);
const [train, heldOut] = ["train", "validation"].map(records);
const isSpam = ({ label }) => Number(label === "spam");
const vectorOf = tfIdf(train.map(({ text }) => text));
const [known, others] = [train, heldOut].map((part) => part.map(({ text }) => vectorOf(text)));
for (const strength of [1, 10]) {
  const decide = logisticRegression(known, train.map(isSpam), strength);
  const f1 = f1Of(
    heldOut.map(isSpam),
    others.map((vector) => Number(decide(vector) > 0)),
  );
  process.stdout.write(`C ${strength}: F1 of spam ${(100 * f1).toFixed(2)} % on ${heldOut.length} mails\n`);
}

function wordsOf(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? [];
}

/** Counts times 1 + log((1 + n) / (1 + documents with the word)), of length 1: columns and values of a text. */
function tfIdf(texts) {
  const documents = new Map();
  for (const text of texts)
    for (const word of new Set(wordsOf(text))) documents.set(word, (documents.get(word) ?? 0) + 1);
  const columns = new Map([...documents.keys()].map((word, column) => [word, column]));
  return (text) => {
    const counts = new Map();
    for (const word of wordsOf(text)) if (columns.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const weights = Float64Array.from(
      counts,
      ([word, count]) => count * (1 + Math.log((1 + texts.length) / (1 + documents.get(word)))),
    );
    const length = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
    return {
      columns: Int32Array.from(counts.keys(), (word) => columns.get(word)),
      values: weights.map((weight) => weight / length),
    };
  };
}

/** Minimises |w|² / 2 + C Σ log loss, the intercept free, by accelerated gradient descent. Returns the function that decides. */
function logisticRegression(vectors, wanted, strength) {
  const intercept = vectors.reduce((most, { columns }) => columns.reduce((a, b) => Math.max(a, b), most), 0) + 1;
  /** What the intercept is multiplied by: it is learned as fast as the words are. */
  const one = 0.2;
  const output = (weights, { columns, values }) => {
    let sum = weights[intercept] * one;
    for (let at = 0; at < columns.length; at++) sum += weights[columns[at]] * values[at];
    return sum;
  };
  const addTo = (target, { columns, values }, factor) => {
    for (let at = 0; at < columns.length; at++) target[columns[at]] += factor * values[at];
    target[intercept] += factor * one;
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
      addTo(gradient, vector, strength * (1 / (1 + Math.exp(-output(ahead, vector))) - wanted[at]));
    const next = ahead.map((value, at) => value - step * gradient[at]);
    const momentum = (round - 1) / (round + 2);
    ahead = next.map((value, at) => value + momentum * (value - weights[at]));
    weights = next;
  }
  return (vector) => output(weights, vector);
}

function f1Of(wanted, predicted) {
  const hits = wanted.filter((label, at) => label === 1 && predicted[at] === 1).length;
  const all = [...wanted, ...predicted].filter((label) => label === 1).length;
  return (2 * hits) / all;
}
