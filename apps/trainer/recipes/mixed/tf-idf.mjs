/**
 * What the classifier of spam.yaml is to beat: TF-IDF and logistic regression on the same mails, for several strengths. Run it from the root:
 * node apps/trainer/recipes/mixed/tf-idf.mjs
 */
import { readFileSync } from "node:fs";
import { f1Of, tfIdfDecisions } from "@modernbert-ts/trainer/baselines";

const records = (part) =>
  readFileSync(`runs/mixed/records/mails-${part}.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .map(({ text, label }) => ({ text, wanted: label === "spam" }));
const [train, heldOut] = ["train", "validation"].map(records);
for (const strength of [1, 10]) {
  const f1 = f1Of(
    heldOut.map(({ wanted }) => wanted),
    tfIdfDecisions(train, heldOut, strength),
  );
  process.stdout.write(`C ${strength}: F1 of spam ${(100 * f1).toFixed(2)} % on ${heldOut.length} mails\n`);
}
