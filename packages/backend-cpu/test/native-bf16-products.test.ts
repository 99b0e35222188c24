/** Products of two bf16 matrices and what is made of them, per instruction set: matmul in every layout, linear and cross-entropy with gradients. */
import { cast, linearCrossEntropy, matmul, Runtime, transpose, valueAndGradients } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { createCpuBackend } from "../src/index.ts";
import { expectClose, numbers } from "./fused.ts";
import { describeNative, instructionSets } from "./native.ts";

const supported = instructionSets.filter((set) => set.supported).map(({ name }) => name);

async function withRuntime(set: string, threads: number, body: (runtime: Runtime) => Promise<void>): Promise<void> {
  await using backend = await createCpuBackend({ engine: "native", instructionSet: set, threads });
  await body(new Runtime(backend));
}

/** Numbers that bf16 holds as they are. */
function halves(seed: number, count: number): Float32Array {
  const values = numbers(seed, count);
  new Uint32Array(values.buffer).forEach((bits, at, all) => (all[at] = bits & 0xffff0000));
  return values;
}

/** [rows, columns] in bf16, as it lies or as the transpose of what lies. */
function matrix(runtime: Runtime, values: Float32Array, [rows, columns]: [number, number], turned: boolean): Tensor {
  if (!turned) return cast(runtime.tensor(values, [rows, columns]), "bf16");
  const other = Float32Array.from(values, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
  return transpose(cast(runtime.tensor(other, [columns, rows]), "bf16"));
}

const read = async (tensor: Tensor): Promise<Float32Array> =>
  (await (tensor.dtype === "f32" ? tensor : cast(tensor, "f32")).read()) as Float32Array;

const sizes = [
  [1, 1, 1],
  [1, 40, 7],
  [5, 33, 1],
  [70, 19, 31],
  [3, 200, 130],
  [130, 100, 257],
] as const;

describeNative("bf16 products", () => {
  describe.each(supported)("%s", (set) => {
    test("matmul adds in f32 in every layout, with the same bits on 1 and 3 threads", async () => {
      const bits = new Map<string, Float32Array>();
      for (const threads of [1, 3])
        await withRuntime(set, threads, async (runtime) => {
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
              const wide = await read(matmul(...factors, "f32"));
              expectClose(name, wide, want, 2e-6);
              expectClose(`${name} in bf16`, await read(matmul(...factors)), want, 2 ** -8);
              expect(bits.get(name) ?? wide, name).toEqual(wide);
              bits.set(name, wide);
            }
        });
    });

    test("without depth the product is zero", async () => {
      await withRuntime(set, 2, async (runtime) => {
        const [a, b] = [matrix(runtime, halves(1, 0), [3, 0], false), matrix(runtime, halves(1, 0), [0, 5], false)];
        expect(await read(matmul(a, b))).toEqual(new Float32Array(15));
      });
    });

    // 50,368 columns leave room for 333 rows at a time; 700 columns and an odd width go another way.
    test.each([
      [400, 6, 50_368],
      [37, 24, 701],
      [20, 7, 300],
    ])("cross-entropy of [%i, %i] over %i: loss and gradients as in f32", async (rows, width, classes) => {
      await withRuntime(set, 2, async (runtime) => {
        const labels = Int32Array.from({ length: rows }, (_, row) => (row % 7 === 3 ? -100 : (row * 37) % classes));
        const solve = async (dtype: "f32" | "bf16") => {
          const hidden = runtime.tensor(halves(1, rows * width), [rows, width]);
          const weight = runtime.tensor(halves(2, classes * width), [classes, width]);
          const bias = runtime.tensor(halves(3, classes), [classes]);
          const { value, gradients } = valueAndGradients(
            runtime,
            [hidden, weight, bias],
            () => {
              const [x, w] = dtype === "f32" ? [hidden, weight] : [cast(hidden, dtype), cast(weight, dtype)];
              const b = classes === 300 ? cast(bias, dtype) : bias;
              return linearCrossEntropy(x, w, b, runtime.tensor(labels, [rows], "i32"));
            },
            ({ lossSum }) => lossSum,
          );
          const values = await Promise.all(gradients.map((gradient) => read(gradient!)));
          return { loss: await value.lossSum.item(), correct: await value.correct.item(), gradients: values };
        };
        const [want, got] = [await solve("f32"), await solve("bf16")];
        expectClose("loss", [got.loss / want.loss], [1], 1e-4);
        expect(Math.abs(got.correct - want.correct)).toBeLessThanOrEqual(1);
        for (const [at, name] of ["hidden", "weight", "bias"].entries())
          expectClose(`gradient of ${name}`, got.gradients[at]!, want.gradients[at]!, 2 ** -7);
      });
    });
  });
});
