import { array, assert, double, integer, property } from "fast-check";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import { expect, test } from "vitest";
import type { PackedRow } from "../src/data/packing/batch.ts";
import { batchesOf } from "../src/data/packing/batch.ts";
import { evaluate } from "../src/loop/evaluate.ts";
import { readStepMetrics, trainingStep } from "../src/loop/training-step.ts";
import { randomTokenDetectionObjective as objective } from "../src/objectives/random-token-detection/objective.ts";
import { createReplacer } from "../src/objectives/random-token-detection/replace.ts";
import type { ReplacedRow } from "../src/objectives/random-token-detection/replace.ts";
import { defaultValues } from "../src/objectives/settings.ts";
import { StableAdamW } from "../src/optimizer/stable-adamw.ts";
import { memoryStore } from "./data-fixtures.ts";
import { newRuntime } from "./support/runtime.ts";

const vocabSize = 23;

function rowOf(documents: readonly (readonly number[])[]): PackedRow {
  const cuSeqlens = [0];
  for (const ids of documents) cuSeqlens.push(cuSeqlens.at(-1)! + ids.length);
  return {
    ids: Int32Array.from(documents.flat()),
    cuSeqlens: Int32Array.from(cuSeqlens),
    maxSeqlen: Math.max(...documents.map(({ length }) => length)),
    sequences: documents.map(({ length }, document) => ({ document, chunk: 0, epoch: 0, length })),
  };
}

test("labels say what was replaced; special tokens stay and are not scored", () => {
  const document = array(integer({ min: 0, max: vocabSize - 1 }), { minLength: 1, maxLength: 20 });
  const rows = array(document, { minLength: 1, maxLength: 4 });
  assert(
    property(rows, double({ min: 0.01, max: 1, noNaN: true }), (documents, share) => {
      const row = rowOf(documents);
      const replaced = createReplacer({ seed: 3, vocabSize, specialIds: [0, 1, 2] })(row, share);
      for (const [at, original] of row.ids.entries()) {
        const wanted = original <= 2 ? -100 : Number(replaced.ids[at] !== original);
        expect(replaced.labels[at]).toBe(wanted);
        if (original <= 2) expect(replaced.ids[at]).toBe(original);
      }
      expect(replaced.scored).toBe(row.ids.filter((id) => id > 2).length);
    }),
  );
});

test("the share of replaced tokens is the one that was asked for, less those that draw themselves", () => {
  const row = rowOf([Array.from({ length: 50_000 }, () => 5)]);
  const { labels } = createReplacer({ seed: 1, vocabSize, specialIds: [] })(row, 0.15);
  const share = labels.filter((label) => label === 1).length / labels.length;
  expect(share).toBeCloseTo((0.15 * (vocabSize - 1)) / vocabSize, 2);
});

test("a share that is not given is refused", () => {
  expect(() => objective.loader(data, batches, {})).toThrow("[objective] expected a number for share, got undefined");
});

test.each([0, 1.5])("a share of %j is refused", (share) => {
  const loader = objective.loader(data, batches, { share });
  expect(() => loader.next(0)).toThrow(`[replaceTokens] expected a share in (0, 1], got ${share}`);
});

/** Each document repeats one token: another one is seen from its neighbours. */
const store = memoryStore(
  Array.from({ length: 60 }, (_, document) => [0, ...Array.from({ length: 12 }, () => 3 + (document % 9)), 1]),
  vocabSize,
);
const data = { store, roles: { cls: 0, sep: 1, pad: 2, mask: undefined } };
const batches = { seed: 4, maxLength: 16, longDocuments: "split", rowLength: 64, rows: 2 } as const;
const values = defaultValues(objective.settings);

test("a small ModernBERT learns it, better than its baselines", async () => {
  const config = {
    ...createConfig({
      hidden_size: 32,
      num_attention_heads: 2,
      intermediate_size: 32,
      num_hidden_layers: 2,
      vocab_size: vocabSize,
    }),
    ...objective.headSettings!(values, []),
  };
  const runtime = newRuntime();
  const parameters = initialiseParameters(runtime, config, objective.head, { seed: 3 });
  const model = objective.model(new ModernBert({ runtime, config, head: objective.head, parameters }), { seed: 3 });
  const optimizer = new StableAdamW(model, { maxLearningRate: 0.01 });
  const loader = objective.loader(data, batches, values);
  for (let step = 1; step <= 30; step++)
    await readStepMetrics(trainingStep(model, optimizer, loader.next(0)!, { step, learningRate: 0.01 }));
  const heldOut = [...batchesOf(objective.loader(data, { ...batches, seed: 9, epochs: 1 }, values))];
  const score = await evaluate(model, heldOut);
  const [loss, accuracy] = objective.baselines(data, heldOut, values);
  expect(score.loss).toBeLessThan(0.7 * loss!.value);
  expect(score.metrics["detectionAccuracy"]).toBeGreaterThan(accuracy!.value + 0.05);
});

test("its loader goes on bit for bit", () => {
  const whole = objective.loader(data, batches, values);
  const expected = Array.from({ length: 4 }, () => whole.next(0));
  const first = objective.loader(data, batches, values);
  for (let at = 0; at < 2; at++) first.next(0);
  const second = objective.loader(data, batches, values, JSON.parse(JSON.stringify(first.state())));
  expect([second.next(0), second.next(0)]).toEqual(expected.slice(2));
});

test("baselines by hand: 1 of 4 replaced", () => {
  const row = { labels: Int32Array.of(-100, 0, 1, 0, 0, -100) } as unknown as ReplacedRow;
  const batch = { rows: [row], weight: 4, sequences: 1, tokens: 6, packingEfficiency: 1 };
  const [loss, accuracy] = objective.baselines(data, [batch], values);
  expect(loss!.value).toBeCloseTo(-(0.25 * Math.log(0.25) + 0.75 * Math.log(0.75)), 12);
  expect(accuracy!.value).toBe(0.75);
});
