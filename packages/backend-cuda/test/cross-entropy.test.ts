/** linearCrossEntropy beside the reference in f64: several chunks of rows, many rows, rows that do not fit shared memory, narrow dtypes. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { StreamBackend } from "@modernbert-ts/device-kit";
import { cast, linearCrossEntropy, Runtime, vjp } from "@modernbert-ts/tensor-core";
import type { Backend, DType, Tensor } from "@modernbert-ts/tensor-core";
import { beforeEach, expect, test } from "vitest";
import { mapEncoder } from "@modernbert-ts/device-kit";
import { chunkRows, linearCrossEntropy as fused } from "../src/fused/linear-cross-entropy.ts";
import { loadLibrary } from "../src/library.ts";
import { cudaPrimitives } from "../src/primitives.ts";
import { openProducts } from "../src/products.ts";
import { engineSettings } from "../src/settings.ts";
import { missing } from "./library.ts";

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

/** A backend whose logits of a chunk have at most so many bytes. */
async function withBudget(budget: number | undefined): Promise<Backend> {
  const library = loadLibrary("emulated");
  const stream = library.createStream(0, engineSettings());
  openProducts(library, stream);
  const floats = ["f32", "f16", "bf16"] as const;
  return new StreamBackend({
    name: "cuda",
    capabilities: {
      storage: [...floats, "i32"],
      arithmetic: [...floats, "i32"],
      accelerated: floats,
      maxBufferBytes: 2 ** 40,
      deterministic: true,
      device: "emulated",
    },
    library,
    stream,
    operations: library.operations,
    primitives: (commands) => cudaPrimitives(commands, mapEncoder(library.scalarFunctions)),
    fused: (commands) => ({ linearCrossEntropy: fused(commands, budget) }),
    device: {
      allocateHost: (bytes) => library.allocateHost(stream, bytes),
      room: () => library.room(stream),
      guarded: false,
    },
  });
}

interface Problem {
  readonly rows: number;
  readonly width: number;
  readonly classes: number;
  readonly dtype: DType;
}

/** Numbers that bf16 holds. */
function numbers(seed: number, count: number, unit: number): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, at) => (((at * 7919 + seed * 104_729 + (at >> 5)) % 127) - 63) * unit,
  );
}

interface Solution {
  readonly loss: number;
  readonly correct: number;
  readonly gradients: readonly (readonly number[])[];
}

async function solve(backend: Backend, { rows, width, classes, dtype }: Problem, training: boolean): Promise<Solution> {
  const runtime = new Runtime(backend, { fusion: backend.name === "cuda" ? "fused" : "reference" });
  const labels = Int32Array.from({ length: rows }, (_, row) => (row % 7 === 3 ? -100 : (row * 37) % classes));
  const inputs = [
    [numbers(1, rows * width, 2 ** -6), [rows, width]],
    [numbers(2, classes * width, 2 ** -5), [classes, width]],
    [numbers(3, classes, 2 ** -5), [classes]],
  ] as const;
  const tensors = inputs.map(([values, shape]) =>
    dtype === "f64"
      ? runtime.tensor(values, shape, "f64")
      : cast(runtime.tensor(Float32Array.from(values), shape, "f32"), dtype),
  ) as [Tensor, Tensor, Tensor];
  const label = runtime.tensor(labels, [rows], "i32");
  const wide = dtype === "f64" ? "f64" : "f32";
  const run = () => {
    const { lossSum, correct } = linearCrossEntropy(...tensors, label);
    return [lossSum, correct];
  };
  const { value, gradients } = runtime.scope(() =>
    vjp(
      runtime,
      training ? tensors : [],
      run,
      ([lossSum]) => [
        {
          output: lossSum!,
          gradient: runtime.tensor(wide === "f64" ? Float64Array.of(0.5) : Float32Array.of(0.5), [1], wide),
        },
      ],
      () => wide,
    ),
  );
  expect(gradients.map((gradient) => gradient!.dtype)).toEqual(gradients.map(() => wide));
  const [loss, correct] = await Promise.all(value.map((tensor) => tensor.read()));
  const read = await Promise.all(gradients.map((gradient) => gradient!.read()));
  return { loss: loss![0]!, correct: correct![0]!, gradients: read.map((values) => [...values]) };
}

/** Relative to the largest. */
function errorOf(got: readonly number[], want: readonly number[]): number {
  const largest = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return got.reduce((worst, value, at) => {
    const error = Math.abs(value - want[at]!) / largest;
    return error <= worst ? worst : error;
  }, 0);
}

test("chunks are of about equal size, within the budget where it leaves room", () => {
  expect(chunkRows(20_000, 50_368 * 2, 800e6)).toBe(6784);
  expect(chunkRows(7000, 50_368 * 2, 800e6)).toBe(7000);
  expect(chunkRows(1000, 4000, 1)).toBe(128);
  expect(chunkRows(5, 4000, 1)).toBe(5);
});

test.for([
  { rows: 300, width: 6, classes: 50, dtype: "f32", budget: 1, loss: 1e-6, gradient: 1e-5 },
  { rows: 290, width: 5, classes: 83, dtype: "bf16", budget: 1, loss: 1e-3, gradient: 1e-2 },
  { rows: 20_000, width: 2, classes: 5, dtype: "f32", budget: undefined, loss: 1e-6, gradient: 1e-5 },
  { rows: 3, width: 2, classes: 30_001, dtype: "f32", budget: undefined, loss: 1e-6, gradient: 5e-5 },
  { rows: 3, width: 2, classes: 50_368, dtype: "bf16", budget: undefined, loss: 1e-3, gradient: 1e-2 },
  { rows: 3, width: 2, classes: 50_368, dtype: "f16", budget: undefined, loss: 1e-4, gradient: 2e-3 },
] as const)("$rows rows of $dtype over $classes classes", async ({ budget, loss, gradient, ...problem }) => {
  await using backend = await withBudget(budget);
  await using oracle = createTypeScriptBackend();
  const want = await solve(oracle, { ...problem, dtype: "f64" }, true);
  const [got, inferred] = [await solve(backend, problem, true), await solve(backend, problem, false)];
  expect(errorOf([got.loss], [want.loss])).toBeLessThan(loss);
  expect([inferred.loss, inferred.correct]).toEqual([got.loss, got.correct]);
  if (problem.dtype === "f32") expect(got.correct).toBe(want.correct);
  for (const [at, values] of want.gradients.entries())
    expect(errorOf(got.gradients[at]!, values), `gradient ${at}`).toBeLessThan(gradient);
});

test("NaN and infinite logits give NaN, and rows that do not count stay out of it", async () => {
  await using backend = await withBudget(undefined);
  const runtime = new Runtime(backend, { fusion: "fused" });
  const weight = runtime.tensor(Float32Array.from(numbers(4, 300, 2 ** -4)), [300, 1]);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const hidden = runtime.tensor(Float32Array.of(value, 1), [2, 1]);
    const run = async (labels: number[]) => {
      const label = runtime.tensor(Int32Array.from(labels), [2], "i32");
      const { lossSum, correct } = linearCrossEntropy(hidden, weight, null, label);
      return [(await lossSum.read())[0], (await correct.read())[0]];
    };
    expect((await run([5, 5]))[0]).toBeNaN();
    expect((await run([5, -100]))[1]).toBe(0);
    expect((await run([-1, 5]))[0]).toBeGreaterThan(0);
  }
});

test("a logit of minus infinity has no probability", async () => {
  await using backend = await withBudget(undefined);
  const runtime = new Runtime(backend, { fusion: "fused" });
  const [hidden, weight] = [
    runtime.tensor(new Float32Array(2), [1, 2]),
    runtime.tensor(new Float32Array(1200), [600, 2]),
  ];
  const bias = runtime.tensor(new Float32Array(600).fill(-Infinity).fill(0, 300, 302), [600]);
  const { lossSum } = linearCrossEntropy(hidden, weight, bias, runtime.tensor(Int32Array.of(300), [1], "i32"));
  expect((await lossSum.read())[0]).toBeCloseTo(Math.log(2), 6);
});
