/** Losses on given logits: edges that no golden has, and labels that are refused. */
import { valueAndGradients } from "@modernbert-ts/tensor-core";
import { expect, it } from "vitest";
import {
  BatchError,
  multipleChoiceLogits,
  multipleChoiceLoss,
  packSequences,
  pool,
  questionAnsweringLoss,
  sequenceClassificationLogits,
  sequenceClassificationLoss,
  tokenClassificationLoss,
} from "../src/index.ts";
import { uploadSpans } from "@modernbert-ts/encoder";
import type { Loss } from "@modernbert-ts/encoder";
import type { Head, ModernBert, ModernBertConfig } from "../src/index.ts";
import { onEveryEngine } from "./support/engines.ts";
import { smallConfig, smallModel } from "./support/small-model.ts";

const expectClose = (got: readonly number[], wanted: readonly number[]): void => {
  expect(got).toHaveLength(wanted.length);
  for (const [at, value] of wanted.entries()) expect(got[at]).toBeCloseTo(value, 5);
};

onEveryEngine(({ create, dtype }) => {
  const modelOf = async (head: Head, changes: Partial<ModernBertConfig> = {}): Promise<ModernBert> =>
    smallModel(await create(), head, { ...smallConfig, ...changes }, dtype);

  /** A loss of logits and its gradient by them. */
  async function differentiate(
    { runtime }: ModernBert,
    logits: readonly number[],
    shape: readonly number[],
    lossOf: (logits: ReturnType<typeof runtime.tensor>) => Loss,
  ): Promise<{ loss: number; count: number; gradient: number[] }> {
    const input = runtime.tensor(logits, shape, dtype);
    const { value, gradients } = valueAndGradients(
      runtime,
      [input],
      () => lossOf(input),
      ({ loss }) => loss,
    );
    return { loss: await value.loss.item(), count: value.count, gradient: Array.from(await gradients[0]!.read()) };
  }

  it("multi label: right at 0, no overflow far from it", async () => {
    const model = await modelOf("sequence-classification", { labels: ["a", "b"] });
    const targets = Float32Array.of(1, 0, 1, 0);
    const { loss, gradient, count } = await differentiate(model, [0, 0, -100, 100], [2, 2], (logits) =>
      sequenceClassificationLoss(model, logits, targets),
    );
    expect(count).toBe(4);
    expect(loss).toBeCloseTo((2 * Math.LN2 + 200) / 4, 4);
    expectClose(gradient, [-0.125, 0.125, -0.25, 0.25]);
  });

  it("single label: mean over what counts; one class is regression", async () => {
    const model = await modelOf("sequence-classification", { labels: ["a", "b", "c"] });
    const labels = Int32Array.of(2, -100);
    const { loss, count, gradient } = await differentiate(model, [0, 0, Math.log(2), 5, 6, 7], [2, 3], (logits) =>
      sequenceClassificationLoss(model, logits, labels),
    );
    expect([count, loss]).toEqual([1, expect.closeTo(Math.LN2, 5)]);
    expectClose(gradient, [0.25, 0.25, -0.5, 0, 0, 0]);

    const regression = await modelOf("sequence-classification", { labels: ["value"] });
    const values = await differentiate(regression, [1, 4], [2, 1], (logits) =>
      sequenceClassificationLoss(regression, logits, Int32Array.of(3, 4)),
    );
    expect([values.count, values.loss]).toEqual([2, expect.closeTo(2, 5)]);
    expectClose(values.gradient, [-2, 0]);
  });

  it("question answering: the softmax stays inside each sequence, positions are clamped or ignored", async () => {
    const model = await modelOf("question-answering");
    const batch = packSequences([[1, 2], [3]]);
    const logits = [0, 0, 0, 0, 9, 9];
    const spans = { start: Int32Array.of(-3, 0), end: Int32Array.of(1, 1) };
    const { loss, count, gradient } = await differentiate(model, logits, [3, 2], (input) =>
      questionAnsweringLoss(input, uploadSpans(model.runtime, batch, spans)),
    );
    expect(count).toBe(3);
    expect(loss).toBeCloseTo((Math.LN2 / 2 + Math.LN2) / 2, 5);
    expectClose(gradient, [-0.125, 0.25, 0.125, -0.25, 0, 0]);
    const outside = { start: Int32Array.of(2, 1), end: Int32Array.of(2, 1) };
    const nothing = await differentiate(model, logits, [3, 2], (input) =>
      questionAnsweringLoss(input, uploadSpans(model.runtime, batch, outside)),
    );
    expect([nothing.loss, nothing.count]).toEqual([0, 0]);
  });

  it("dropout of the classifier happens only with a draw", async () => {
    const model = await modelOf("sequence-classification", { dropout: { ...smallConfig.dropout, classifier: 0.5 } });
    const batch = packSequences([[1, 2, 3]]);
    const logits = async (draw?: { seed: number; step: number }): Promise<number[]> => {
      const options = draw ? { dropout: draw } : {};
      const result = model.runtime.scope(() => {
        const device = model.upload(batch);
        return sequenceClassificationLogits(model, model.forward(device, options), device, options);
      });
      return Array.from(await result.read());
    };
    expect(await logits()).toEqual(await logits());
    expect(await logits({ seed: 1, step: 1 })).not.toEqual(await logits());
    expect(await logits({ seed: 1, step: 1 })).toEqual(await logits({ seed: 1, step: 1 }));
  });

  it("pooling gives the first token or the mean of each sequence", async () => {
    const model = await modelOf("none");
    const { runtime } = model;
    const batch = model.upload(packSequences([[1], [2, 3]]));
    const hidden = runtime.tensor([1, 2, 3, 4, 5, 6], [3, 2], dtype);
    expect(Array.from(await pool(hidden, batch, "cls").read())).toEqual([1, 2, 3, 4]);
    expect(Array.from(await pool(hidden, batch, "mean").read())).toEqual([1, 2, 4, 5]);
  });

  it("refuses labels that do not fit", async () => {
    const model = await modelOf("sequence-classification", { labels: ["a", "b"] });
    const { runtime } = model;
    const batch = model.upload(packSequences([[1, 2], [3]]));
    const logits = runtime.tensor([0, 0, 0, 0], [2, 2], dtype);
    const refusals: [() => unknown, string][] = [
      [() => sequenceClassificationLoss(model, logits, Int32Array.of(1)), "expected 2 labels, got 1"],
      [() => sequenceClassificationLoss(model, logits, Int32Array.of(1, 2)), "below 2, got 2 at 1"],
      [() => sequenceClassificationLoss(model, logits, Float32Array.of(1, 0)), "expected 4 labels"],
      [() => sequenceClassificationLoss(model, logits, Float32Array.of(1, 0, NaN, 0)), "finite labels, got NaN at 2"],
      [() => tokenClassificationLoss(logits, Int32Array.of(0, 5)), "below 2, got 5 at 1"],
      [() => multipleChoiceLoss(logits, Int32Array.of(0)), "expected 2 labels"],
      [() => multipleChoiceLogits(model, logits, batch, 3), "divisor of 2 sequences, got 3 choices"],
      [() => uploadSpans(runtime, batch.host, { start: Int32Array.of(0), end: Int32Array.of(0) }), "2 labels"],
    ];
    for (const [act, part] of refusals) {
      expect(act).toThrow(BatchError);
      expect(act).toThrow(part);
    }
    expect(() => tokenClassificationLoss(logits, Int32Array.of(0, 1), { numItems: 0 })).toThrow("numItems");
  });
});
