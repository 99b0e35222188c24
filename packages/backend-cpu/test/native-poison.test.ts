/**
 * NaN, infinities and overflowing numbers in one row: every fused kernel and matmul ends, forward and backward, on every instruction set,
 * and rows that do not depend on the poisoned one keep their bits.
 */
import {
  glu,
  layerNorm,
  linearCrossEntropy,
  matmul,
  residualLayerNorm,
  rope,
  Runtime,
  stableAdamW,
  varlenAttention,
  vjp,
} from "@modernbert-ts/tensor-core";
import type { Activation, Tensor } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative } from "./native.ts";

const poisons = [Number.NaN, Infinity, -Infinity, 3.4e38];

interface PoisonCase {
  readonly name: string;
  /** The poisoned input: rows along axis 0, row `row` is poisoned. */
  readonly shape: readonly number[];
  readonly row: number;
  run(runtime: Runtime, input: Tensor): Tensor;
  /** Whether row `at` of the result, and of the input's gradient, may depend on the poisoned row. Default: that row alone. */
  readonly depends?: (at: number) => boolean;
}

const random = (runtime: Runtime, shape: number[], seed = 2): Tensor =>
  runtime.tensor(
    numbers(
      seed,
      shape.reduce((product, extent) => product * extent, 1),
    ),
    shape,
  );
const integers = (runtime: Runtime, values: number[]): Tensor => runtime.tensor(values, [values.length], "i32");

/** Two sequences; the poisoned token stands in the second. A masked key of the same sequence has weight 0, so its NaN may spread there. */
const ends = [0, 37, 107];

const attentionCase = (window: number | null, width: number): PoisonCase => ({
  name: `varlenAttention, ${window === null ? "global" : `window ${window}`}, heads of ${width}`,
  shape: [107, 3, 2, width],
  row: 60,
  run: (runtime, qkv) => varlenAttention(qkv, integers(runtime, ends), { scale: 0.1, window, maxSeqlen: 70 }),
  depends: (at) => at >= 37,
});

const cases: readonly PoisonCase[] = [
  {
    name: "layerNorm",
    shape: [9, 77],
    row: 4,
    run: (runtime, x) => layerNorm(x, random(runtime, [77]), random(runtime, [77], 3), 1e-5),
  },
  {
    name: "residualLayerNorm",
    shape: [9, 77],
    row: 4,
    run: (runtime, x) =>
      residualLayerNorm(x, random(runtime, [9, 77], 5), random(runtime, [77]), null, { eps: 1e-5 }).normed,
  },
  ...(["gelu", "gelu_tanh", "silu", "relu"] satisfies Activation[]).map((activation): PoisonCase => ({
    name: `glu ${activation}`,
    shape: [5, 2 * 37],
    row: 2,
    run: (_, x) => glu(x, activation),
  })),
  {
    name: "rope",
    shape: [7, 3, 2, 64],
    row: 3,
    run: (runtime, qkv) =>
      rope(qkv, random(runtime, [7, 32]), random(runtime, [7, 32], 3), integers(runtime, [0, 1, 2, 3, 4, 5, 6])),
  },
  ...[3, 100].map((rows): PoisonCase => ({
    name: `matmul of ${rows} rows`,
    shape: [rows, 70],
    row: 1,
    run: (runtime, a) => matmul(a, random(runtime, [70, 51])),
  })),
  ...[null, 0, 5, 16].map((window) => attentionCase(window, 64)),
  attentionCase(5, 32),
];

/** The result of a case and the input's gradient, row by row. */
async function solve(runtime: Runtime, { shape, row, run }: PoisonCase, poison?: number): Promise<Float32Array[][]> {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = numbers(1, size);
  const width = size / shape[0]!;
  if (poison !== undefined) values.fill(poison, row * width, (row + 1) * width);
  const input = runtime.tensor(values, shape);
  const { value, gradients } = vjp(
    runtime,
    [input],
    () => run(runtime, input),
    (output) => [{ output, gradient: random(runtime, [...output.shape], 7) }],
  );
  const rowsOf = async (tensor: Tensor): Promise<Float32Array[]> => {
    const all = (await tensor.read()) as Float32Array;
    const each = all.length / shape[0]!;
    return Array.from({ length: shape[0]! }, (_, at) => all.slice(at * each, (at + 1) * each));
  };
  return [await rowsOf(value), await rowsOf(gradients[0]!)];
}

describeNative("poisoned rows", () => {
  for (const set of supportedSets) {
    // Products with NaN or infinities do not run on AMX tiles: the other rows are as exact, but not the same to the last bit.
    const expectSame = (got: Float32Array, want: Float32Array): void =>
      set === "amx" ? expectClose("rows without poison", got, want, 1e-5) : expectSameBits(got, want);
    test.each(cases.map((each) => [each.name, each] as const))(`%s, ${set}`, async (_, each) => {
      const depends = each.depends ?? ((at) => at === each.row);
      await withBackend(set, 2, async (backend) => {
        const runtime = new Runtime(backend, { fusion: "fused" });
        const clean = await solve(runtime, each);
        for (const poison of poisons) {
          const got = await solve(runtime, each, poison);
          got.forEach((rows, which) =>
            rows.forEach((row, at) => {
              if (!depends(at)) expectSame(row, clean[which]![at]!);
            }),
          );
          if (Number.isNaN(poison)) expect(got[0]![each.row]!.some(Number.isNaN)).toBe(true);
        }
      });
    });

    test(`linearCrossEntropy: an ignored row counts for nothing, another spoils the loss and its own gradient, ${set}`, async () => {
      const shape = [21, 40];
      const run = async (backendRuntime: Runtime, poison: number, label: number): Promise<[number, Float32Array]> => {
        const values = numbers(1, 21 * 40).fill(poison, 5 * 40, 6 * 40);
        const hidden = backendRuntime.tensor(values, shape);
        const labels = Array.from({ length: 21 }, (_, at) => (at === 5 ? label : (at * 7) % 301));
        const weight = random(backendRuntime, [301, 40]);
        const { value, gradients } = vjp(
          backendRuntime,
          [hidden],
          () => linearCrossEntropy(hidden, weight, null, integers(backendRuntime, labels)).lossSum,
          (output) => [{ output, gradient: backendRuntime.tensor([1], [1]) }],
        );
        return [await value.item(), (await gradients[0]!.read()) as Float32Array];
      };
      await withBackend(set, 2, async (backend) => {
        const runtime = new Runtime(backend, { fusion: "fused" });
        const [loss, gradient] = await run(runtime, 0, -100);
        for (const poison of poisons) {
          const ignored = await run(runtime, poison, -100);
          expect(ignored[0]).toBeCloseTo(loss, 3);
          expectSame(ignored[1], gradient);
          const counted = await run(runtime, poison, 9);
          if (Number.isNaN(poison)) expect(counted[0]).toBeNaN();
          for (const [from, to] of [
            [0, 5],
            [6, 21],
          ] as const)
            expectSame(counted[1].slice(from * 40, to * 40), gradient.slice(from * 40, to * 40));
        }
      });
    });

    test(`stableAdamW ends with a poisoned gradient, and with scale 0 changes nothing, ${set}`, async () => {
      await withBackend(set, 2, async (backend) => {
        const runtime = new Runtime(backend, { fusion: "fused" });
        for (const poison of poisons) {
          const state = [1, 2, 3].map((seed) => runtime.tensor(numbers(seed, 1000).map(Math.abs), [1000]));
          const [parameter, m, v] = state as [Tensor, Tensor, Tensor];
          const gradient = runtime.tensor(numbers(4, 1000).fill(poison, 300, 301), [1000]);
          const control = runtime.tensor([0.1, 0.9, 0.99, 1e-6, 0.01], [5]);
          stableAdamW(parameter, gradient, m, v, control, runtime.tensor([0], [1]));
          expectSameBits((await parameter.read()) as Float32Array, numbers(1, 1000).map(Math.abs));
          stableAdamW(parameter, gradient, m, v, control, runtime.tensor([1], [1]));
          expect(await parameter.read()).toHaveLength(1000);
        }
      });
    });
  }
});
