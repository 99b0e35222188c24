/** Products of two bf16 matrices per instruction set: in every layout, in the gradients of a linear layer, of numbers that are not finite. */
import { cast, linear, matmul, Runtime, transpose, vjp } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { expectClose, expectSameBits, numbers, supportedSets, withBackend } from "./fused.ts";
import { halves, readAsF32 } from "./bf16.ts";
import { describeNative } from "./native.ts";

/** [rows, columns] in bf16, as it lies or as the transpose of what lies. */
function matrix(runtime: Runtime, values: Float32Array, [rows, columns]: [number, number], turned: boolean): Tensor {
  if (!turned) return cast(runtime.tensor(values, [rows, columns]), "bf16");
  const other = Float32Array.from(values, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
  return transpose(cast(runtime.tensor(other, [columns, rows]), "bf16"));
}

function bf16(runtime: Runtime, seed: number, shape: readonly [number, number]): Tensor {
  return cast(runtime.tensor(numbers(seed, shape[0] * shape[1]), [...shape]), "bf16");
}

const sizes = [
  [1, 1, 1],
  [1, 40, 7],
  [5, 33, 1],
  [70, 19, 31],
  [3, 200, 130],
  [130, 100, 257],
] as const;

describeNative("bf16 products", () => {
  describe.each(supportedSets)("%s", (set) => {
    test("matmul adds in f32 in every layout, with the same bits on 1 and 3 threads", async () => {
      const bits = new Map<string, Float32Array>();
      for (const threads of [1, 3])
        await withBackend(set, threads, async (backend) => {
          const runtime = new Runtime(backend);
          for (const [m, n, k] of sizes)
            for (const [left, right] of [
              [false, false],
              [false, true],
              [true, false],
              [true, true],
            ] as const) {
              const [a, b] = [halves(1, m * k), halves(2, k * n)];
              const want = Float64Array.from({ length: m * n }, (_, at) => {
                const [i, j] = [Math.floor(at / n), at % n];
                let sum = 0;
                for (let d = 0; d < k; d++) sum += a[i * k + d]! * b[d * n + j]!;
                return sum;
              });
              const factors = [matrix(runtime, a, [m, k], left), matrix(runtime, b, [k, n], right)] as const;
              const name = `[${m}, ${k}] · [${k}, ${n}]${left ? ", left turned" : ""}${right ? ", right turned" : ""}`;
              const wide = await readAsF32(matmul(...factors, "f32"));
              expectClose(name, wide, want, 2e-6);
              expectClose(`${name} in bf16`, await readAsF32(matmul(...factors)), want, 2 ** -8);
              expect(bits.get(name) ?? wide, name).toEqual(wide);
              bits.set(name, wide);
            }
        });
    });

    test("without depth the product is zero", async () => {
      await withBackend(set, 2, async (backend) => {
        const runtime = new Runtime(backend);
        const [a, b] = [matrix(runtime, halves(1, 0), [3, 0], false), matrix(runtime, halves(1, 0), [0, 5], false)];
        expect(await readAsF32(matmul(a, b))).toEqual(new Float32Array(15));
      });
    });
  });

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
            return Promise.all(made.map((tensor) => readAsF32(tensor!)));
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
      const got = await readAsF32(matmul(cast(runtime.tensor(values, [40, 34]), "bf16"), cast(ones, "bf16")));
      const rows = Array.from({ length: 40 }, (_, row) => (row === 1 ? Number.NaN : row === 2 ? Infinity : 34));
      expect([...got]).toEqual(rows.flatMap((value) => Array.from({ length: 36 }, () => value)));
    }),
  );
});
