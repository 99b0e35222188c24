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
const vectors = train.map(({ text }) => vectorOf(text));
const others = heldOut.map(({ text }) => vectorOf(text));
for (const strength of [1, 10, 100]) {
  const decide = logisticRegression(vectors, train.map(isSpam), strength);
  const f1 = f1Of(
    heldOut.map(isSpam),
    others.map((row) => Number(decide(row) > 0)),
  );
  process.stdout.write(`C ${strength}: F1 of spam ${(100 * f1).toFixed(2)} % on ${heldOut.length} mails\n`);
}

function wordsOf(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? [];
}

/** Counts times 1 + log((1 + n) / (1 + documents with the word)), of length 1: [[column, value], …] of a text. */
function tfIdf(texts) {
  const documents = new Map();
  for (const text of texts)
    for (const word of new Set(wordsOf(text))) documents.set(word, (documents.get(word) ?? 0) + 1);
  const columns = new Map([...documents.keys()].map((word, column) => [word, column]));
  return (text) => {
    const counts = new Map();
    for (const word of wordsOf(text)) if (columns.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const values = [...counts].map(([word, count]) => [
      columns.get(word),
      count * (1 + Math.log((1 + texts.length) / (1 + documents.get(word)))),
    ]);
    const length = Math.hypot(...values.map(([, value]) => value));
    return values.map(([column, value]) => [column, value / length]);
  };
}

/** Minimises |w|² / 2 + C Σ log loss, the intercept free, by accelerated gradient descent. Returns the function that decides. */
function logisticRegression(rows, wanted, strength) {
  const width = 1 + Math.max(...rows.flatMap((row) => row.map(([column]) => column)));
  const intercept = width;
  const output = (weights, row) =>
    row.reduce((sum, [column, value]) => sum + (weights[column] ?? 0) * value, weights[intercept]);
  // The largest curvature: rows have length 1 and an intercept of 1.
  const step = 1 / (1 + 0.25 * strength * 2 * rows.length);
  let weights = new Float64Array(width + 1);
  let ahead = weights.slice();
  for (let round = 1; round <= 3000; round++) {
    const gradient = ahead.slice();
    gradient[intercept] = 0;
    for (const [at, row] of rows.entries()) {
      const error = strength * (1 / (1 + Math.exp(-output(ahead, row))) - wanted[at]);
      for (const [column, value] of row) gradient[column] += error * value;
      gradient[intercept] += error;
    }
    const next = ahead.map((value, at) => value - step * gradient[at]);
    const momentum = (round - 1) / (round + 2);
    ahead = next.map((value, at) => value + momentum * (value - weights[at]));
    weights = next;
  }
  return (row) => output(weights, row);
}

function f1Of(wanted, predicted) {
  const hits = wanted.filter((label, at) => label === 1 && predicted[at] === 1).length;
  const all = [...wanted, ...predicted].filter((label) => label === 1).length;
  return (2 * hits) / all;
}
