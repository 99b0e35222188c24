/** Native linearCrossEntropy on every instruction set: against plain loops in f64, over several chunks of rows and blocks of columns. */
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { Backend, View } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative, ids, tensor, valuesOf } from "./native.ts";

interface Problem {
  readonly rows: number;
  readonly width: number;
  readonly classes: number;
  readonly bias: boolean;
  readonly labels: readonly number[];
}

function problem(rows: number, width: number, classes: number, bias: boolean): Problem {
  const labels = Array.from({ length: rows }, (_, row) => (row % 7 === 3 ? -100 : (row * 37) % classes));
  return { rows, width, classes, bias, labels };
}

function dataOf({ rows, width, classes }: Problem): { hidden: Float32Array; weight: Float32Array; bias: Float32Array } {
  return { hidden: numbers(1, rows * width), weight: numbers(2, classes * width), bias: numbers(3, classes) };
}

interface Solution {
  readonly loss: number;
  readonly correct: number;
  readonly hidden: ArrayLike<number>;
  readonly weight: ArrayLike<number>;
  readonly bias: ArrayLike<number>;
}

function naive(p: Problem): Solution {
  const { rows, width, classes, labels } = p;
  const { hidden, weight, bias } = dataOf(p);
  const grads = {
    hidden: new Float64Array(rows * width),
    weight: new Float64Array(classes * width),
    bias: new Float64Array(classes),
  };
  let [loss, correct] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const label = labels[row]!;
    if (label < 0) continue;
    const logits = Array.from({ length: classes }, (_, c) => {
      let sum = p.bias ? bias[c]! : 0;
      for (let d = 0; d < width; d++) sum += hidden[row * width + d]! * weight[c * width + d]!;
      return sum;
    });
    const largest = logits.reduce((most, logit) => Math.max(most, logit));
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    loss += Math.log(total) + largest - logits[label]!;
    if (logits.indexOf(largest) === label) correct++;
    logits.forEach((logit, c) => {
      const grad = Math.exp(logit - largest) / total - (c === label ? 1 : 0);
      grads.bias[c]! += grad;
      for (let d = 0; d < width; d++) {
        grads.hidden[row * width + d]! += grad * weight[c * width + d]!;
        grads.weight[c * width + d]! += grad * hidden[row * width + d]!;
      }
    });
  }
  return { loss, correct, ...grads };
}

function half(values: ArrayLike<number>): number[] {
  return Array.from(values, (value) => value / 2);
}

/** Forward with gradients for a loss gradient of `factor`, or forward alone. */
async function solve(backend: Backend, p: Problem, factor: number | null): Promise<Solution> {
  const { rows, width, classes, labels } = p;
  const data = dataOf(p);
  const hidden = tensor(backend, [rows, width], data.hidden);
  const weight = tensor(backend, [classes, width], data.weight);
  const bias = p.bias ? tensor(backend, [classes], data.bias) : null;
  const [lossSum, correct] = [tensor(backend, [1]), tensor(backend, [1])];
  const inputs = [hidden, weight, bias, ids(backend, [rows], labels)];
  const outputs = [lossSum, correct];
  const kernel = backend.fused.linearCrossEntropy!;
  const like = (view: View): View => tensor(backend, view.shape);
  const present = [hidden, weight, ...(bias ? [bias] : [])];
  const saved = factor === null ? [] : present.map(like);
  const gradients = factor === null ? [] : present.map(like);
  kernel.forward({ attrs: {}, inputs, outputs, saved });
  if (factor !== null && typeof kernel.backward === "function") {
    kernel.backward({
      attrs: {},
      inputs: [null, null, null, null],
      outputs: [null, null],
      saved,
      gradOutputs: [tensor(backend, [1], [factor]), null],
      gradInputs: [gradients[0]!, gradients[1]!, gradients[2] ?? null, null],
    });
  }
  const [gradHidden, gradWeight, gradBias] = await Promise.all(
    gradients.map((gradient) => valuesOf(backend, gradient)),
  );
  return {
    loss: (await valuesOf(backend, lossSum))[0]!,
    correct: (await valuesOf(backend, correct))[0]!,
    hidden: gradHidden ?? [],
    weight: gradWeight ?? [],
    bias: gradBias ?? [],
  };
}

describeNative("native linearCrossEntropy", () => {
  test.each(supportedSets)("equals plain loops in f64, with and without gradients, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      for (const p of [
        problem(1, 3, 1, false),
        problem(9, 20, 255, true),
        problem(40, 17, 700, false),
        problem(1100, 4, 300, true),
      ]) {
        const name = `[${p.rows}, ${p.width}] over ${p.classes}`;
        const want = naive(p);
        const [trained, inferred] = [await solve(backend, p, 0.5), await solve(backend, p, null)];
        for (const got of [trained, inferred]) {
          expectClose(`${name}: loss`, [got.loss], [want.loss], 1e-6);
          expect(got.correct, name).toBe(want.correct);
        }
        expectClose(`${name}: gradient of hidden`, trained.hidden, half(want.hidden), 5e-6);
        expectClose(`${name}: gradient of weight`, trained.weight, half(want.weight), 5e-6);
        if (p.bias) expectClose(`${name}: gradient of bias`, trained.bias, half(want.bias), 5e-6);
      }
    });
  });

  test.each(supportedSets)("chunks of rows over the whole vocabulary add up, %s", async (set) => {
    // 50,368 columns leave room for 333 rows at a time: 400 rows make two chunks. One row alone must see the same logits.
    const p = problem(400, 2, 50_368, true);
    await withBackend(set, 2, async (backend) => {
      const together = await solve(backend, p, 1);
      const alone = await solve(backend, p, null);
      expectClose("loss", [together.loss], [alone.loss], 1e-6);
      expect(together.correct).toBe(alone.correct);
      // Softmax minus one-hot adds up to 0 in each row: so do the gradients of the bias.
      expect(Math.abs(Array.from(together.bias).reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-2);
      const counted = p.labels.filter((label) => label >= 0);
      const weight = dataOf(p).hidden;
      const [first, ...others] = [...new Set(counted)].map((label) => {
        const rows = p.labels.flatMap((other, row) => (other === label ? [row] : []));
        // The label's probability is about 1 / 50,368 and its one-hot is 1: its weight gradient is close to -Σ hidden.
        const want = rows.reduce((sum, row) => sum - weight[row * 2]!, 0);
        return Math.abs(together.weight[label * 2]! - want);
      });
      expect(Math.max(first!, ...others)).toBeLessThan(0.1);
    });
  });

  test("gives the same bits for any number of threads", async () => {
    const p = problem(150, 24, 3000, true);
    const results = await Promise.all(
      [1, 2, 5].map((threads) => withBackend(undefined, threads, (backend) => solve(backend, p, 1))),
    );
    const [first, ...others] = results.map((r) => [
      r.loss,
      r.correct,
      ...Array.from(r.hidden),
      ...Array.from(r.weight),
      ...Array.from(r.bias),
    ]);
    for (const other of others) expectSameBits(other, first!);
  });

  test("NaN and infinite logits give NaN, and rows that do not count stay out of it", async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      await withBackend(undefined, 2, async (backend) => {
        const hidden = tensor(backend, [2, 1], [value, 1]);
        const weight = tensor(backend, [300, 1], numbers(4, 300));
        const run = async (labels: number[]): Promise<number[]> => {
          const [loss, correct] = [tensor(backend, [1]), tensor(backend, [1])];
          const inputs = [hidden, weight, null, ids(backend, [2], labels)];
          backend.fused.linearCrossEntropy!.forward({ attrs: {}, inputs, outputs: [loss, correct], saved: [] });
          return [...(await valuesOf(backend, loss)), ...(await valuesOf(backend, correct))];
        };
        expect((await run([5, 5]))[0]).toBeNaN();
        expect((await run([5, -100]))[1]).toBe(0);
        expect((await run([-1, 5]))[0]).toBeGreaterThan(0);
      });
    }
  });

  test("a label outside the vocabulary is an error", async () => {
    await withBackend(undefined, 2, async (backend) => {
      await expect(solve(backend, { ...problem(3, 4, 6, false), labels: [0, 6, 1] }, 1)).rejects.toThrow(
        DeviceValueError,
      );
      await expect(solve(backend, { ...problem(3, 4, 6, false), labels: [0, 6, 1] }, null)).rejects.toThrow(
        "[linearCrossEntropy] expected labels below 6, got 6 in row 1",
      );
    });
  });
});
