import { expect, test } from "vitest";
import { batchesOf } from "../src/data/packing/batch.ts";
import { rerankingObjective as objective } from "../src/objectives/reranking/objective.ts";
import { batches, expectExactResume, label, scoreOf, smallModel, trainSteps } from "./support/labelled.ts";

const animals = ["cat", "dog", "bird", "fish"];
/** Lists of 2 to 4 documents; the one with the animal of the query is right. */
const records = Array.from({ length: 20 }, (_, at) => {
  const docs = animals.slice(0, 2 + (at % 3)).map((animal) => `the ${animal} ${at % 2 ? "eats" : "runs"}`);
  const right = at % docs.length;
  return { query: `who is big`, docs, labels: docs.map((_doc, n) => (n === right ? 1 : 0)) };
});
const learnable = records.map(({ query, docs }) => ({
  query,
  docs,
  labels: docs.map((doc) => (doc.includes("dog") ? 1 : 0)),
}));

test.each(["bce", "listwise"])("learns which documents belong to a query by %s", async (loss) => {
  const labelled = await label(objective, learnable, { loss });
  const model = smallModel(objective, labelled);
  const losses = await trainSteps(objective, model, labelled, loss === "bce" ? 30 : 10, 0.01);
  expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
  const { metrics } = await scoreOf(objective, model, labelled);
  expect(metrics).toMatchObject({ map: 1, mrr10: 1 });
});

test.each(["bce", "listwise"])("the loss by %s is what its formula says", async (loss) => {
  const graded = records.map((record) => ({ ...record, labels: record.docs.map((_, at) => (at + 1) / 4) }));
  const labelled = await label(objective, graded, { loss });
  const model = smallModel(objective, labelled);
  const { loss: mean, weight } = await scoreOf(objective, model, labelled);
  let [wanted, terms] = [0, 0];
  for (const { rows } of batchesOf(
    objective.loader(labelled.data, { ...batches, seed: 0, epochs: 1 }, labelled.values),
  )) {
    for (const row of rows) {
      const { predictions } = model.runtime.scope(() => model.forward(model.upload(row)));
      const scores = Array.from((await predictions!.read()) as Float32Array);
      predictions!.dispose();
      for (const [at, own] of row.values.entries()) {
        const list = scores.slice(row.firstSequence[at], row.firstSequence[at + 1]);
        const labels = [...own];
        if (loss === "bce") {
          for (const [n, score] of list.entries()) {
            const p = 1 / (1 + Math.exp(-score));
            wanted -= labels[n]! * Math.log(p) + (1 - labels[n]!) * Math.log(1 - p);
          }
          terms += list.length;
        } else {
          const total = Math.log(list.reduce((sum, score) => sum + Math.exp(score), 0));
          const sum = labels.reduce((a, b) => a + b);
          for (const [n, score] of list.entries()) wanted += (labels[n]! / sum) * (total - score);
          terms++;
        }
      }
    }
  }
  expect(weight).toBe(terms);
  expect(mean).toBeCloseTo(wanted / terms, 5);
});

test.each([
  ["bce", { query: "q", docs: ["a"], labels: [2] }, "expected labels from 0 to 1, got 2"],
  ["bce", { query: "q", docs: ["a", "b"], labels: [1] }, "expected a label for each of 2 documents, got 1 labels"],
  ["listwise", { query: "q", docs: ["a", "b"], labels: [0, 0] }, "expected a label above 0 in each list, got none"],
  ["bce", { query: "q", docs: [], labels: [] }, "expected at least one document, got none"],
])("%s: %j is refused", async (loss, record, message) => {
  await expect(label(objective, [record], { loss })).rejects.toThrow(message);
});

test("its loader goes on bit for bit", () => expectExactResume(objective, records));
