/** Sums over many elements: runs of ids that cross tiles, rows with many picks, reductions in parts. Whole numbers, so that sums are exact. */
import { cast, putAlong, Runtime, segmentSum, sum, max, transpose, DeviceValueError } from "@modernbert-ts/tensor-core";
import type { DType, Tensor } from "@modernbert-ts/tensor-core";
import { beforeEach, describe, expect, test } from "vitest";
import { partsOf } from "../src/reduction.ts";
import { createCudaBackend } from "../src/index.ts";
import { missing } from "./library.ts";

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

/** Numbers from -4 to 4: exact in every dtype. */
function small(count: number): number[] {
  return Array.from({ length: count }, (_, at) => ((at * 7919 + (at >> 3)) % 9) - 4);
}

/** `count` ids below `range`: 24 of 100 are the same. */
function crowded(count: number, range: number): Int32Array {
  return Int32Array.from({ length: count }, (_, at) => ((at * 37) % 100 < 24 ? range >> 1 : (at * 7919) % range));
}

async function withRuntime(body: (runtime: Runtime) => Promise<void>): Promise<void> {
  await using backend = await createCudaBackend({ emulate: true });
  await body(new Runtime(backend));
}

function tensorOf(runtime: Runtime, values: readonly number[], shape: readonly number[], dtype: DType): Tensor {
  return dtype === "i32" || dtype === "u32"
    ? runtime.tensor(Int32Array.from(values), shape, dtype)
    : cast(runtime.tensor(Float32Array.from(values), shape, "f32"), dtype);
}

async function numbersOf(tensor: Tensor): Promise<number[]> {
  return [...(await (tensor.dtype === "bf16" || tensor.dtype === "f16" ? cast(tensor, "f32") : tensor).read())];
}

function segments(values: readonly number[], ids: Int32Array, range: number, columns: number): number[] {
  const sums = Array.from({ length: range * columns }, () => 0);
  for (const [row, id] of ids.entries()) {
    if (id < 0 || id >= range) continue;
    for (let column = 0; column < columns; column++) sums[id * columns + column]! += values[row * columns + column]!;
  }
  return sums;
}

describe("segmentSum", () => {
  test.for([
    [5000, 200, 4, "f32"],
    [700, 3, 300, "f32"],
    [130, 70_000, 2, "f32"],
    [4100, 300, 5, "i32"],
    [300, 9, 8, "bf16"],
    [64, 1, 4, "f32"],
    [193, 1, 1, "i32"],
  ] as const)("%i rows over %i segments, %i columns in %s", async ([rows, range, columns, dtype]) => {
    await withRuntime(async (runtime) => {
      const [values, ids] = [small(rows * columns), crowded(rows, range)];
      const got = segmentSum(
        tensorOf(runtime, values, [rows, columns], dtype),
        runtime.tensor(ids, [rows], "i32"),
        range,
      );
      const want = segments(values, ids, range, columns);
      expect(await numbersOf(got)).toEqual(want.map((value) => value + 0));
    });
  });

  test("bad ids inside a long run are reported, and add to nothing", async () => {
    await withRuntime(async (runtime) => {
      const [values, ids] = [small(400), new Int32Array(200).fill(1)];
      ids.set([-1, 5, 2 ** 31 - 1], 70);
      const got = segmentSum(tensorOf(runtime, values, [200, 2], "f32"), runtime.tensor(ids, [200], "i32"), 3);
      await expect(runtime.backend.synchronize()).rejects.toThrow(DeviceValueError);
      expect(await numbersOf(got)).toEqual(segments(values, ids, 3, 2));
    });
  });
});

test.for(["f32", "i32", "bf16"] as const)("putAlong with many picks in a row, %s", async (dtype) => {
  await withRuntime(async (runtime) => {
    const [rows, picks, columns] = [3, 500, 40];
    const [values, ids] = [small(rows * picks), crowded(rows * picks, columns)];
    const got = putAlong(
      tensorOf(runtime, values, [rows, picks], dtype),
      runtime.tensor(ids, [rows, picks], "i32"),
      columns,
    );
    const keys = ids.map((id, at) => Math.floor(at / picks) * columns + id);
    expect(await numbersOf(got)).toEqual(segments(values, keys, rows * columns, 1));
  });
});

describe("reduce", () => {
  /** Shape, the axis, and in how many parts. */
  const cases = [
    [[300_001], 0, 74],
    [[5000, 132], 0, 79],
    [[5000, 131], 0, 79],
    [[3, 20_002], 1, 5],
    [[2, 3000, 40], 1, 47],
  ] as const;

  test.for(cases)("%j over axis %i in %i parts", async ([shape, axis, parts]) => {
    await withRuntime(async (runtime) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
      const extent = shape[axis]!;
      const values = small(size);
      const sums = Array.from({ length: size / extent }, () => 0);
      const most = sums.map(() => -Infinity);
      for (const [at, value] of values.entries()) {
        const to = Math.floor(at / (inner * extent)) * inner + (at % inner);
        sums[to]! += value;
        most[to] = Math.max(most[to]!, value - 9);
      }
      const floats = tensorOf(runtime, values, shape, "f32");
      expect(partsOf(floats.view, [axis]).parts).toBe(parts);
      expect(await numbersOf(sum(floats, [axis]))).toEqual(sums);
      expect(await numbersOf(sum(tensorOf(runtime, values, shape, "i32"), [axis]))).toEqual(sums);
      const negative = values.map((value) => value - 9);
      expect(await numbersOf(max(tensorOf(runtime, negative, shape, "i32"), [axis]))).toEqual(most);
      expect(await numbersOf(max(tensorOf(runtime, negative, shape, "bf16"), [axis]))).toEqual(most);
    });
  });

  test("of a transpose adds what lies together", async () => {
    await withRuntime(async (runtime) => {
      const turned = transpose(tensorOf(runtime, small(9000), [100, 90], "f32"));
      const values = small(9000);
      const want = Array.from({ length: 90 }, (_, column) =>
        Array.from({ length: 100 }, (__, row) => values[row * 90 + column]!).reduce((a, b) => a + b),
      );
      expect(await numbersOf(sum(turned, [1]))).toEqual(want);
    });
  });
});
