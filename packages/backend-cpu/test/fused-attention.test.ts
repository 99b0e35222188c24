/** Native attention, forward and backward, on every instruction set: against plain loops in f64, with odd lengths, windows and numbers. */
import { DeviceValueError } from "@modernbert-ts/tensor-core";
import type { Backend } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative, ids, tensor, valuesOf } from "./native.ts";

interface Problem {
  readonly lengths: readonly number[];
  readonly heads: number;
  readonly width: number;
  readonly window: number | null;
  readonly qkv: Float32Array;
  readonly gradOut: Float32Array;
}

function problem(lengths: readonly number[], heads: number, width: number, window: number | null): Problem {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const qkv = numbers(1, tokens * 3 * heads * width);
  return { lengths, heads, width, window, qkv, gradOut: numbers(2, tokens * heads * width) };
}

/** out [T, H, D] and the gradient of qkv, by definition. */
function naive({ lengths, heads, width, window, qkv, gradOut }: Problem): { out: Float64Array; grad: Float64Array } {
  const out = new Float64Array(gradOut.length);
  const grad = new Float64Array(qkv.length);
  const scale = 1 / Math.sqrt(width);
  const at = (token: number, part: number, head: number): number => ((token * 3 + part) * heads + head) * width;
  const dot = (a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number => {
    let sum = 0;
    for (let d = 0; d < width; d++) sum += a[i + d]! * b[j + d]!;
    return sum;
  };
  const add = (to: Float64Array, i: number, factor: number, from: ArrayLike<number>, j: number): void => {
    for (let d = 0; d < width; d++) to[i + d]! += factor * from[j + d]!;
  };
  let start = 0;
  for (const length of lengths) {
    for (let head = 0; head < heads; head++) {
      for (let i = start; i < start + length; i++) {
        const row = (i * heads + head) * width;
        const first = Math.max(start, i - (window ?? length));
        const keys = Array.from(
          { length: Math.min(start + length, i + (window ?? length) + 1) - first },
          (_, k) => first + k,
        );
        const scores = keys.map((key) => scale * dot(qkv, at(i, 0, head), qkv, at(key, 1, head)));
        const largest = Math.max(...scores);
        const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
        const weights = scores.map((score) => Math.exp(score - largest) / total);
        keys.forEach((key, k) => add(out, row, weights[k]!, qkv, at(key, 2, head)));
        const delta = dot(gradOut, row, out, row);
        keys.forEach((key, k) => {
          const gradScore = weights[k]! * (dot(gradOut, row, qkv, at(key, 2, head)) - delta) * scale;
          add(grad, at(key, 2, head), weights[k]!, gradOut, row);
          add(grad, at(i, 0, head), gradScore, qkv, at(key, 1, head));
          add(grad, at(key, 1, head), gradScore, qkv, at(i, 0, head));
        });
      }
    }
    start += length;
  }
  return { out, grad };
}

async function solve(backend: Backend, p: Problem): Promise<{ out: number[]; grad: number[] }> {
  const { lengths, heads, width, window } = p;
  let end = 0;
  const ends = [0, ...lengths.map((length) => (end += length))];
  const attrs = { scale: 1 / Math.sqrt(width), window, maxSeqlen: Math.max(...lengths), dropout: null };
  const qkv = tensor(backend, [end, 3, heads, width], p.qkv);
  const cuSeqlens = ids(backend, [ends.length], ends);
  const out = tensor(backend, [end, heads, width]);
  const lse = tensor(backend, [heads, end]);
  const gradOut = tensor(backend, [end, heads, width], p.gradOut);
  const gradQkv = tensor(backend, [end, 3, heads, width]);
  const { forward, backward } = backend.fused.varlenAttention!;
  forward({ attrs, inputs: [qkv, cuSeqlens], outputs: [out], saved: [lse] });
  if (typeof backward === "function") {
    backward({
      attrs,
      inputs: [qkv, cuSeqlens],
      outputs: [out],
      saved: [lse],
      gradOutputs: [gradOut],
      gradInputs: [gradQkv, null],
    });
  }
  return { out: await valuesOf(backend, out), grad: await valuesOf(backend, gradQkv) };
}

/** Around the window, the blocks of queries and keys, and the vector lengths; with empty sequences at all places. */
const problems = [
  problem([1], 1, 64, null),
  problem([1, 1, 0, 1], 2, 32, 64),
  problem([0, 64, 0, 65, 66], 1, 64, 64),
  problem([129, 127, 0], 1, 16, 64),
  problem([258], 1, 64, 64),
  problem([131, 5], 2, 64, null),
  problem([300], 1, 8, 5),
  problem([40, 3], 1, 8, 0),
  problem([70, 33], 1, 4, null),
  problem([37], 3, 20, 7),
  problem([50], 1, 7, null),
  problem([45], 1, 256, 9),
  problem([30, 90], 1, 128, 1000),
  // On tiles: heads of one, three and four blocks, steps of one window, chunks under a wide window, chunks of a whole sequence.
  problem([33, 170], 1, 96, 64),
  problem([400], 1, 32, 128),
  problem([470, 34], 1, 32, 200),
  problem([300], 1, 128, null),
];

describeNative("native varlenAttention", () => {
  test.each(supportedSets)("equals plain loops in f64, %s", async (set) => {
    await withBackend(set, 2, async (backend) => {
      for (const p of problems) {
        const name = `lengths ${p.lengths.join(" ")}, width ${p.width}, window ${p.window}`;
        const want = naive(p);
        const got = await solve(backend, p);
        expectClose(`${name}: out`, got.out, want.out, 2e-6);
        expectClose(`${name}: gradient`, got.grad, want.grad, 5e-6);
      }
    });
  });

  test.each(supportedSets)("gives the same bits for any number of threads, %s", async (set) => {
    for (const p of [
      problem([700, 40, 333], 2, 32, 64),
      problem([700, 33], 1, 32, 150),
      problem([1200, 90], 1, 32, null),
      problem([600, 90], 2, 16, null),
    ]) {
      const [one, ...others] = await Promise.all(
        [1, 2, 5].map((threads) => withBackend(set, threads, (backend) => solve(backend, p))),
      );
      for (const other of others) {
        expectSameBits(other.out, one!.out);
        expectSameBits(other.grad, one!.grad);
      }
    }
  });

  test.each(supportedSets)("NaN and infinities flow, and stay in their sequence, %s", async (set) => {
    const row = 3 * 2 * 16;
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const window of [null, 8]) {
        const p = problem([50, 70, 20], 2, 16, window);
        const clean = naive(p);
        for (const part of [0, 1, 2]) p.qkv[(50 + 30) * row + part * 32 + 3] = value;
        const { out, grad } = await withBackend(set, 2, (backend) => solve(backend, p));
        expect(out[(50 + 30) * 32]).toBeNaN();
        for (const [from, to] of [
          [0, 50],
          [120, 140],
        ] as const) {
          expectClose("other sequences", out.slice(from * 32, to * 32), clean.out.slice(from * 32, to * 32), 2e-6);
          expectClose(
            "other gradients",
            grad.slice(from * row, to * row),
            clean.grad.slice(from * row, to * row),
            5e-6,
          );
        }
      }
    }
  });

  test("scores far below all others count for nothing, and equal ones share", async () => {
    const qkv = new Float32Array(3 * 3 * 4);
    // One query dimension; keys 100, 100, -100 and values 1, 3, 1000.
    [100, 100, -100].forEach((key, token) =>
      qkv.set([100, 0, 0, 0, key, 0, 0, 0, [1, 3, 1000][token]!, 0, 0, 0], token * 12),
    );
    const p: Problem = { lengths: [3], heads: 1, width: 4, window: null, qkv, gradOut: new Float32Array(12) };
    const { out } = await withBackend(undefined, 2, (backend) => solve(backend, p));
    expect(out).toEqual([2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0]);
  });

  test.each([[[0, 5, 3, 8]], [[1, 8]], [[0, 7]], [[0, 9]]])("cuSeqlens %j over 8 tokens is an error", async (ends) => {
    await withBackend(undefined, 2, async (backend) => {
      const qkv = tensor(backend, [8, 3, 1, 4], numbers(1, 96));
      const out = tensor(backend, [8, 1, 4]);
      const attrs = { scale: 1, window: null, maxSeqlen: 8, dropout: null };
      const run = (values: number[]): void => {
        const cuSeqlens = ids(backend, [values.length], values);
        backend.fused.varlenAttention!.forward({ attrs, inputs: [qkv, cuSeqlens], outputs: [out], saved: [] });
      };
      run(ends);
      await expect(backend.synchronize()).rejects.toThrow(DeviceValueError);
      run(ends);
      await expect(backend.synchronize()).rejects.toThrow(
        /^\[varlenAttention\] expected cuSeqlens to rise from 0 to 8, got/,
      );
      run([0, 8]);
      await backend.synchronize();
    });
  });
});
