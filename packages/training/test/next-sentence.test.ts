/** BERT's pretraining: pairs from documents, exact continuation, and the loss of transformers' BertForPreTraining. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bertArchitecture } from "@modernbert-ts/bert";
import { unpad, unpadValues } from "@modernbert-ts/encoder";
import { createConfig, initialiseParameters, ModernBert } from "@modernbert-ts/modernbert";
import { expect, test } from "vitest";
import { fixtureModelOf, parseFixtureOf } from "../../modernbert/test/support/fixture-data.ts";
import { pretrainingLoader } from "../src/objectives/next-sentence/loader.ts";
import type { PretrainingRow } from "../src/objectives/next-sentence/loader.ts";
import { pretrainingModel } from "../src/objectives/next-sentence/model.ts";
import { createPairer } from "../src/objectives/next-sentence/pairs.ts";
import { CLS, MASK, memoryStore, SEP } from "./data-fixtures.ts";
import { newRuntime } from "./support/runtime.ts";

const vocabSize = 2000;
/** Document d is tokens 10 d, 10 d + 1, …: where a token is from can be told. */
const documents = Array.from({ length: 150 }, (_, d) => [
  CLS,
  ...Array.from({ length: d % 10 }, (_token, at) => 10 * (d + 1) + at),
  SEP,
]);
const store = memoryStore(documents, vocabSize);
const documentOf = (id: number): number => Math.floor(id / 10);

function loaderOf(state?: unknown) {
  return pretrainingLoader(
    {
      store,
      seed: 5,
      rowLength: 64,
      rows: 2,
      maxLength: 16,
      clsId: CLS,
      sepId: SEP,
      randomShare: 0.5,
      maskProbability: 0.15,
      mask: { maskId: MASK, specialIds: [CLS, SEP, MASK] },
    },
    state as undefined,
  );
}

test("a pair is a sequence parted, or its first part with text of another document; types and labels say which", () => {
  const pairs = createPairer({ store, seed: 1, clsId: CLS, sepId: SEP, randomShare: 0.5 });
  const counts = { 0: 0, 1: 0, [-100]: 0 };
  for (let epoch = 0; epoch < 8; epoch++) {
    for (const [document, tokens] of documents.entries()) {
      const sequences = [{ document, chunk: 0, epoch, length: tokens.length }];
      const [ids, cuSeqlens] = [Int32Array.from(tokens), Int32Array.of(0, tokens.length)];
      const row = pairs({ ids, cuSeqlens, maxSeqlen: tokens.length, sequences });
      const label = row.nextLabels[0] as 0 | 1 | -100;
      counts[label]++;
      expect(row.ids.length).toBeLessThanOrEqual(tokens.length);
      expect([...row.cuSeqlens]).toEqual([0, row.ids.length]);
      const types = [...row.typeIds];
      if (label === -100) {
        expect([tokens.length < 5, [...row.ids], types]).toEqual([true, tokens, tokens.map(() => 0)]);
        continue;
      }
      const border = row.ids.indexOf(SEP) + 1;
      expect(types).toEqual(types.map((_, at) => (at < border ? 0 : 1)));
      const [first, second] = [[...row.ids.subarray(1, border - 1)], [...row.ids.subarray(border, -1)]];
      expect(first).toEqual(tokens.slice(1, border - 1));
      expect(second.length).toBeGreaterThan(0);
      expect([row.ids[0], row.ids.at(-1)]).toEqual([CLS, SEP]);
      if (label === 0) expect(second).toEqual(tokens.slice(border - 1, border - 1 + second.length));
      else expect(new Set(second.map(documentOf))).not.toContain(document + 1);
      expect(second.every((id, at) => at === 0 || id === second[at - 1]! + 1)).toBe(true);
    }
  }
  expect(counts[1] / (counts[0] + counts[1])).toBeCloseTo(0.5, 1);
});

test("goes on bit for bit; masks stay out of [CLS] and [SEP], and a step's pairs weigh as much as its masked tokens", () => {
  const loader = loaderOf();
  for (let batch = 0; batch < 3; batch++) loader.next(0);
  const again = loaderOf(JSON.parse(JSON.stringify(loader.state())));
  for (let step = 0; step < 4; step++) {
    const batch = loader.next(0)!;
    expect(again.next(0)).toEqual(batch);
    const pairs = batch.rows.flatMap(({ nextLabels }) => [...nextLabels]).filter((label) => label >= 0).length;
    for (const { pairWeight, maskedLabels, ids, typeIds } of batch.rows) {
      expect(pairWeight * pairs).toBeCloseTo(batch.weight, 10);
      expect([maskedLabels.includes(CLS), maskedLabels.includes(SEP)]).toEqual([false, false]);
      expect(typeIds).toHaveLength(ids.length);
    }
  }
});

test("one document has no other", () => {
  const alone = memoryStore(documents.slice(9, 10), vocabSize);
  const options = { store: alone, seed: 1, clsId: CLS, sepId: SEP, randomShare: 0.5 };
  expect(() => createPairer(options)).toThrow("expected two documents or more, got 1");
});

test("the loss is that of transformers' BertForPreTraining; both accuracies count", async () => {
  const folder = fileURLToPath(new URL("../../bert/test/fixtures/pretraining/", import.meta.url));
  const json = JSON.parse(readFileSync(`${folder}config.json`, "utf8")) as Record<string, unknown>;
  const fixture = parseFixtureOf(bertArchitecture, "pretraining", json, readFileSync(`${folder}golden.safetensors`));
  const runtime = newRuntime();
  const bert = fixtureModelOf(bertArchitecture, fixture, runtime, "f32");
  const columns = fixture.shape("input.input_ids")[1]!;
  const rows = unpad(fixture.ints("input.input_ids"), fixture.ints("input.attention_mask"), [4, columns]);
  const labels = unpadValues(fixture.ints("input.labels"), rows);
  const maskedPositions = Int32Array.from([...labels.keys()].filter((at) => labels[at]! >= 0));
  const row: PretrainingRow = {
    ...rows.batch,
    sequences: [],
    typeIds: unpadValues(fixture.ints("input.token_type_ids"), rows),
    labels,
    maskedPositions,
    maskedLabels: maskedPositions.map((at) => labels[at]!),
    nextLabels: fixture.ints("input.next_sentence_label"),
    pairWeight: maskedPositions.length / 4,
  };
  const model = pretrainingModel(bert, { seed: 1 });
  const read = (values: PretrainingRow): Promise<number[]> =>
    Promise.all(
      runtime
        .scope(() => {
          const { lossSum, sums } = model.forward(model.upload(values));
          return [lossSum, ...sums];
        })
        .map(async (tensor) => ((await tensor.read())[0] as number) / maskedPositions.length),
    );
  const [loss, masked, next] = await read(row);
  expect(loss).toBeCloseTo(fixture.floats("output.loss")[0]!, 5);
  const logits = fixture.floats("output.seq_relationship_logits");
  const right = [0, 1, 2, 3].filter((n) => Number(logits[2 * n]! < logits[2 * n + 1]!) === row.nextLabels[n]).length;
  expect(next).toBeCloseTo(right / 4, 6);
  expect(masked).toBeGreaterThanOrEqual(0);
  const [without] = await read({ ...row, pairWeight: 0 });
  expect(without).toBeLessThan(loss! - 0.1);
});

test("a model without token types is refused", () => {
  const runtime = newRuntime();
  const config = createConfig({ hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1, vocab_size: 16 });
  const parameters = initialiseParameters(runtime, config, "masked-lm", { seed: 1 });
  const modernbert = new ModernBert({ runtime, config, head: "masked-lm", parameters });
  expect(() => pretrainingModel(modernbert, { seed: 1 })).toThrow(
    "expected a model with two token types, such as BERT",
  );
});
