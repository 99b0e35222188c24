/** The printed numbers: baselines and evaluation against counts made by hand. */
import { describe, expect, test } from "vitest";
import { countTokens, maskedLmBaselines } from "../src/objectives/masked-lm/baselines.ts";
import type { MaskedLmBatch } from "../src/objectives/masked-lm/loader.ts";
import { evaluate } from "../src/loop/evaluate.ts";
import { maskedLmMetrics } from "../src/objectives/masked-lm/model.ts";
import type { MaskedRow } from "../src/objectives/masked-lm/mask.ts";
import type { TrainableModel } from "../src/objectives/objective.ts";
import { memoryStore } from "./data-fixtures.ts";
import { newRuntime } from "./support/runtime.ts";

/** Batches of which only the labels of the masked tokens matter. */
function labelled(batches: readonly (readonly (readonly number[])[])[]): MaskedLmBatch[] {
  return batches.map(
    (rows) =>
      ({
        rows: rows.map((labels) => ({ maskedLabels: Int32Array.from(labels) })),
        weight: rows.flat().length,
      }) as unknown as MaskedLmBatch,
  );
}

describe("baselines", () => {
  // Without the special 0: id 2 three times, 3 twice, 4 once; 1 and 5 never. Six tokens, a vocabulary of six.
  const store = memoryStore(
    [
      [0, 2, 2, 3, 0],
      [0, 2, 3, 4, 0],
    ],
    6,
  );
  const counts = countTokens(store, [0]);

  test("count every token but the special ones", () => {
    expect([...counts.counts]).toEqual([0, 0, 3, 2, 1, 0]);
    expect(counts.total).toBe(6);
  });

  test("read every so manieth document where there are many", () => {
    const counted: number[] = [];
    const many = memoryStore(
      Array.from({ length: 9 }, () => [2, 3]),
      6,
    );
    const copyDocument: typeof many.copyDocument = (document, ...rest) => {
      counted.push(document);
      many.copyDocument(document, ...rest);
    };
    const watched = { ...many, documentLength: many.documentLength.bind(many), copyDocument };
    expect(countTokens(watched, [], 6).total).toBe(6);
    expect(counted).toEqual([0, 3, 6]);
  });

  test("most frequent token, and add-one smoothed unigram cross-entropy", () => {
    const score = maskedLmBaselines(counts, labelled([[[2, 3], [5]], [[2, 4]]]));
    expect(score.mostFrequentToken).toBe(2);
    expect(score.maskedTokens).toBe(5);
    expect(score.mostFrequentAccuracy).toBe(2 / 5);
    // (count + 1) / (6 + 6) of 2, 3, 5, 2, 4: 4/12, 3/12, 1/12, 4/12, 2/12.
    const expected = -Math.log((4 / 12) * (3 / 12) * (1 / 12) * (4 / 12) * (2 / 12)) / 5;
    expect(score.unigramLoss).toBeCloseTo(expected, 12);
  });
});

describe("evaluation", () => {
  test("accuracy is hits over masked tokens, loss the sum over masked tokens, whatever the rows hold", async () => {
    const runtime = newRuntime();
    const sums = [
      { lossSum: 3, correct: 1 },
      { lossSum: 0.5, correct: 0 },
      { lossSum: 7, correct: 4 },
    ];
    let at = 0;
    const model = {
      runtime,
      parameters: new Map(),
      metrics: maskedLmMetrics,
      upload: () => undefined,
      forward: () => {
        const { lossSum, correct } = sums[at++]!;
        return { lossSum: runtime.tensor([lossSum], [1]), sums: [runtime.tensor([correct], [1])] };
      },
    } as unknown as TrainableModel<MaskedRow>;
    const score = await evaluate(model, labelled([[[2, 3], [5]], [[2, 4, 4, 4, 4]]]));
    expect(score).toEqual({ loss: 10.5 / 8, metrics: { maskedAccuracy: 5 / 8 }, weight: 8 });
  });

  test("batches that say their source give the loss of each source too", async () => {
    const runtime = newRuntime();
    const losses = [3, 0.5, 7];
    const model = {
      runtime,
      parameters: new Map(),
      metrics: [],
      upload: () => undefined,
      forward: () => ({ lossSum: runtime.tensor([losses.shift()!], [1]), sums: [] }),
    } as unknown as TrainableModel<MaskedRow>;
    const [first, second, third] = labelled([[[2, 3]], [[5]], [[2, 4, 4, 4]]]) as [
      MaskedLmBatch,
      MaskedLmBatch,
      MaskedLmBatch,
    ];
    const batches = [
      { ...first, source: "web" },
      { ...second, source: "books" },
      { ...third, source: "web" },
    ];
    const { loss, sources } = await evaluate(model, batches);
    expect(loss).toBe(10.5 / 7);
    expect(sources).toEqual({ books: 0.5, web: 10 / 6 });
  });

  test("no batch at all is refused", async () => {
    await expect(evaluate({ metrics: [] } as unknown as TrainableModel<never>, [])).rejects.toThrow(
      /expected something to score, got a weight of 0/,
    );
  });
});
