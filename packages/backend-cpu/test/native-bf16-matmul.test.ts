/** Products of two bf16 matrices on every instruction set: factors that lie in any way, odd depths, few rows, numbers that are not finite. */
import { cast, linear, matmul, Runtime, transpose, vjp } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { describeNative } from "./native.ts";

const shapes = [
  [31, 64, 40],
  [32, 64, 32],
  [33, 1, 47],
  [64, 63, 33],
  [97, 130, 65],
  [40, 7, 300],
] as const;

function bf16(runtime: Runtime, seed: number, shape: readonly [number, number]): Tensor {
  return runtime.keep(
    runtime.scope(() => cast(runtime.tensor(numbers(seed, shape[0] * shape[1]), [...shape]), "bf16")),
  );
}

const read = async (runtime: Runtime, made: () => Tensor): Promise<Float32Array> =>
  (await runtime.scope(() => cast(made(), "f32")).read()) as Float32Array;

describeNative("products of bf16 matrices", () => {
  const cases = supportedSets.flatMap((set) => shapes.map((shape) => [set, ...shape] as const));
  test.each(cases)("%s: [%i, %i] · [%i columns], turned and not, are those of f32", (set, m, k, n) =>
    withBackend(set, 2, async (backend) => {
      const runtime = new Runtime(backend);
      const factors = {
        plain: [bf16(runtime, 1, [m, k]), bf16(runtime, 2, [k, n])],
        turned: [bf16(runtime, 3, [k, m]), bf16(runtime, 4, [n, k])],
      } as const;
      for (const first of [() => factors.plain[0], () => transpose(factors.turned[0])])
        for (const second of [() => factors.plain[1], () => transpose(factors.turned[1])]) {
          const wanted = await read(runtime, () => matmul(cast(first(), "f32"), cast(second(), "f32")));
          const got = await read(runtime, () => matmul(first(), second()));
          expectClose(`${m}, ${k}, ${n}`, got, wanted, 2 ** -8);
        }
    }),
  );

  test.each(supportedSets)(
    "%s: the gradients of a linear layer in bf16, and the same bits on one thread",
    async (set) => {
      const run = (threads: number): Promise<Float32Array[]> =>
        withBackend(set, threads, async (backend) => {
          const runtime = new Runtime(backend);
          const [x, weight, seed] = [
            bf16(runtime, 5, [77, 64]),
            bf16(runtime, 6, [96, 64]),
            bf16(runtime, 7, [77, 96]),
          ];
          const wide = [x, weight].map((tensor) => runtime.keep(cast(tensor, "f32")));
          const gradients = async (inputs: Tensor[], gradient: Tensor): Promise<Float32Array[]> => {
            const { gradients: made } = vjp(
              runtime,
              inputs,
              () => linear(inputs[0]!, inputs[1]!, null),
              (output) => [{ output, gradient }],
            );
            return Promise.all(made.map((tensor) => read(runtime, () => tensor!)));
          };
          const got = await gradients([x, weight], seed);
          const wanted = await gradients(wide, runtime.keep(cast(seed, "f32")));
          for (const [at, values] of got.entries()) expectClose(`gradient ${at}`, values, wanted[at]!, 2 ** -8);
          return got;
        });
      const [one, two] = [await run(1), await run(2)];
      for (const [at, values] of one.entries()) expectSameBits(two[at]!, values);
    },
  );

  test.each(supportedSets)("%s: NaN and infinities stay in their rows and columns", (set) =>
    withBackend(set, 2, async (backend) => {
      const runtime = new Runtime(backend);
      const values = new Float32Array(40 * 34).fill(1);
      values[34] = Number.NaN;
      values[2 * 34 + 33] = Infinity;
      const ones = runtime.tensor(new Float32Array(34 * 36).fill(1), [34, 36]);
      const got = await read(runtime, () => matmul(cast(runtime.tensor(values, [40, 34]), "bf16"), cast(ones, "bf16")));
      const rows = Array.from({ length: 40 }, (_, row) => (row === 1 ? Number.NaN : row === 2 ? Infinity : 34));
      expect([...got]).toEqual(rows.flatMap((value) => Array.from({ length: 36 }, () => value)));
    }),
  );
});
