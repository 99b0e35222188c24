/**
 * A differentiable computation as data: inputs, the tensor program, which outputs get a gradient and which inputs are asked for one.
 * The same problem runs on the backend under test and on the f64 oracle; both see the same numbers.
 */
import { Runtime, contiguous, vjp } from "@modernbert-ts/tensor-core";
import type { Backend, DType, FusionMode, Shape, Tensor } from "@modernbert-ts/tensor-core";
import { ConformanceError, expectThat } from "./case.ts";
import { expectWithin } from "./compare.ts";
import { castArray, loadHost, makeArray, poisoned, storeHost } from "./nd-array.ts";
import type { NdArray } from "./nd-array.ts";
import { createRandomSource } from "./random-source.ts";
import type { RandomSource } from "./random-source.ts";

export interface Input {
  readonly shape: Shape;
  /** `float` follows the dtype that the problem is run in; other floats are f64 on the oracle and themselves elsewhere. */
  readonly kind: "float" | "f32" | "f16" | "bf16" | "i32" | "u32";
  values(random: RandomSource): (position: number) => number;
}

export interface Problem {
  readonly name: string;
  /** null is an absent optional tensor. */
  readonly inputs: readonly (Input | null)[];
  run(tensors: readonly (Tensor | null)[]): readonly Tensor[];
  /** Outputs that get a gradient (random numbers); the others get none. */
  readonly seeded: readonly number[];
  /** Inputs whose gradients are asked for. Empty: the problem runs without a tape. */
  readonly wanted: readonly number[];
}

export interface Solution {
  readonly outputs: readonly NdArray[];
  /** One for each wanted input; undefined where the outputs do not depend on it. */
  readonly gradients: readonly (NdArray | undefined)[];
}

/** Normal numbers. */
export function normal(...shape: number[]): Input {
  return { shape, kind: "float", values: (random) => () => random.normal() };
}

/** Normal numbers moved and stretched: mean + deviation · z. */
export function normalAround(mean: number, deviation: number, ...shape: number[]): Input {
  return { shape, kind: "float", values: (random) => () => mean + deviation * random.normal() };
}

/** Whole numbers from 0 to count - 1. */
export function ids(count: number, ...shape: number[]): Input {
  return { shape, kind: "i32", values: (random) => () => random.whole(0, count - 1) };
}

export function given(kind: Input["kind"], shape: Shape, values: ArrayLike<number>): Input {
  return { shape, kind, values: () => (position) => values[position]! };
}

/** The numbers of a problem as they are on a backend of that dtype. */
export function makeInputs(problem: Problem, dtype: DType, seed: string): (NdArray | null)[] {
  const random = createRandomSource(seed);
  return problem.inputs.map((input) => {
    if (input === null) return null;
    const value = input.values(random);
    if (input.kind === "i32" || input.kind === "u32") return makeArray(input.kind, input.shape, value);
    return makeArray(input.kind === "float" || dtype === "f64" ? dtype : input.kind, input.shape, value);
  });
}

/** The same numbers for the f64 oracle. */
export function widen(inputs: readonly (NdArray | null)[]): (NdArray | null)[] {
  return inputs.map((input) =>
    input === null || input.dtype === "i32" || input.dtype === "u32" ? input : castArray("f64", input),
  );
}

export function upload(runtime: Runtime, { dtype, shape, values }: NdArray): Tensor {
  const host = poisoned(dtype, values.length);
  values.forEach((value, at) => storeHost(dtype, host, at, value));
  return runtime.tensor(host, shape, dtype);
}

export async function download(tensor: Tensor): Promise<NdArray> {
  const { dtype, shape } = tensor;
  const host = await tensor.read();
  return { dtype, shape, values: Float64Array.from({ length: host.length }, (_, at) => loadHost(dtype, host, at)) };
}

/** Runs a problem and reads everything back; leaves nothing alive on the backend. */
export async function solve(
  backend: Backend,
  fusion: FusionMode,
  problem: Problem,
  inputs: readonly (NdArray | null)[],
): Promise<Solution> {
  const runtime = new Runtime(backend, { fusion });
  const tensors = inputs.map((input) => input && upload(runtime, input));
  const results = new Set<Tensor>();
  try {
    const wanted = problem.wanted.map((at) => tensors[at]!);
    const { outputs, gradients } = runtime.scope(() => {
      const solved = vjp(
        runtime,
        wanted,
        () => problem.run(tensors),
        (values) =>
          problem.seeded.map((at) => {
            return {
              output: values[at]!,
              gradient: upload(runtime, seedGradient(values[at]!.dtype, values[at]!.shape, at)),
            };
          }),
      );
      return {
        outputs: solved.value.map(contiguous),
        gradients: solved.gradients.map((gradient) => gradient && contiguous(gradient)),
      };
    });
    for (const tensor of [...outputs, ...gradients]) if (tensor !== undefined) results.add(tensor);
    return {
      outputs: await Promise.all(outputs.map(download)),
      gradients: await Promise.all(gradients.map((gradient) => gradient && download(gradient))),
    };
  } finally {
    for (const tensor of [...tensors, ...results]) tensor?.dispose();
  }
}

/** The incoming gradient of output `at`: the same numbers on every backend (rounded to f32, or to a shorter dtype). */
export function seedGradient(dtype: DType, shape: Shape, at: number): NdArray {
  const random = createRandomSource(`seed of output ${at}`);
  const short = dtype === "f64" ? "f32" : dtype;
  return castArray(
    dtype,
    makeArray(short, shape, () => random.normal()),
  );
}

export interface Bounds {
  /** Allowed difference, relative to the largest expected magnitude of each tensor. */
  readonly outputs: number;
  readonly gradients: number;
}

/** Compares with the oracle's solution, tensor by tensor, relative to the largest number in each. */
export function expectSolution(got: Solution, want: Solution, bounds: Bounds): void {
  got.outputs.forEach((output, at) =>
    labelled(`output ${at}`, () => expectNear(output, want.outputs[at]!, bounds.outputs)),
  );
  got.gradients.forEach((gradient, at) => {
    labelled(`gradient ${at}`, () => expectNearOrAbsent(gradient, want.gradients[at], bounds.gradients));
  });
}

/** No gradient and a gradient of zeros say the same. */
function expectNearOrAbsent(got: NdArray | undefined, want: NdArray | undefined, relative: number): void {
  if (got !== undefined && want !== undefined) return expectNear(got, want, relative);
  const there = got ?? want;
  expectThat(
    there?.values.every((value) => value === 0) ?? true,
    "expected a gradient exactly where the oracle has one",
  );
}

function expectNear(got: NdArray, want: NdArray, relative: number): void {
  expectThat(
    got.shape.join() === want.shape.join(),
    `expected shape [${want.shape.join(", ")}], got [${got.shape.join(", ")}]`,
  );
  const largest = want.values.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  expectWithin(got, want.values, () => relative * largest + 1e-30);
}

function labelled(label: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof ConformanceError)) throw error;
    throw new ConformanceError(`${label}: ${error.message}`);
  }
}
