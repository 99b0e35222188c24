/**
 * Sizes beyond 2³¹ elements: far offsets and strides are right, impossible sizes are typed errors. The far memory is reserved but hardly
 * touched, so that a machine with little memory can run this.
 */
import { denseStrides, Runtime, scalar, ShapeError, TensorError, x } from "@modernbert-ts/tensor-core";
import type { Backend, View } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCpuBackend } from "../src/index.ts";
import { supportedSets } from "./fused.ts";
import { describeNative, ids, tensor, valuesOf } from "./native.ts";

/** A row stride that takes the third row beyond 2³¹ elements, and 8 GiB. */
const far = 2 ** 30;
const values = [1, 2, 3, 4, 5, 6];

function transposed(view: View): View {
  return { ...view, shape: view.shape.toReversed(), strides: view.strides.toReversed() };
}

for (const set of supportedSets) {
  describeNative(`far memory, ${set}`, () => {
    let backend: Backend;
    let buffer: View["buffer"] | undefined;
    let reason = "";
    beforeAll(async () => {
      backend = await createCpuBackend({ engine: "native", instructionSet: set, threads: 2 });
      try {
        buffer = backend.allocate(4 * (2 * far + 2048));
      } catch (error) {
        reason = (error as Error).message;
      }
    });
    afterAll(() => backend[Symbol.asyncDispose]());

    /** Shape [3, 2], with rows `far` elements apart, and `content` in it. */
    const farRows = (content?: readonly number[]): View => {
      content?.forEach((value, at) =>
        backend.write(buffer!, Float32Array.of(value), 4 * (Math.floor(at / 2) * far + (at % 2))),
      );
      return { buffer: buffer!, dtype: "f32", shape: [3, 2], strides: [far, 1], offset: 0 };
    };
    const near = async (view: View): Promise<number[]> => {
      const dense = tensor(backend, view.shape);
      backend.run("copy", [dense], [view], {});
      return valuesOf(backend, dense);
    };

    test("copy, map, fill and reduce", async ({ skip }) => {
      if (buffer === undefined) skip(reason);
      expect(await near(farRows(values))).toEqual(values);
      expect(await near(transposed(farRows(values)))).toEqual([1, 3, 5, 2, 4, 6]);
      const last = await backend.read(buffer!, 8 * far, 8);
      expect([...new Float32Array(last)]).toEqual([5, 6]);
      backend.run("map", [farRows()], [farRows(values)], { expression: scalar.add(x(0), 10) });
      expect(await near(farRows())).toEqual([11, 12, 13, 14, 15, 16]);
      const sums = tensor(backend, [1, 2]);
      backend.run("reduce", [sums], [farRows(values)], { kind: "sum", axes: [0] });
      expect(await valuesOf(backend, sums)).toEqual([9, 12]);
      backend.run("fill", [farRows()], [], { value: 7 });
      expect(await near(farRows())).toEqual([7, 7, 7, 7, 7, 7]);
    });

    test("matmul", async ({ skip }) => {
      if (buffer === undefined) skip(reason);
      const square = tensor(backend, [2, 2], [1, 2, 3, 4]);
      const product = tensor(backend, [3, 2]);
      const attrs = { alpha: 1, accumulate: false };
      backend.run("matmul", [product], [farRows(values), square], attrs);
      expect(await valuesOf(backend, product)).toEqual([7, 10, 15, 22, 23, 34]);
      const gram = tensor(backend, [2, 2]);
      backend.run("matmul", [gram], [transposed(farRows(values)), farRows()], attrs);
      expect(await valuesOf(backend, gram)).toEqual([35, 44, 44, 56]);
      backend.run("matmul", [farRows()], [product, square], attrs);
      expect(await near(farRows())).toEqual([37, 54, 81, 118, 125, 182]);
    });

    test("gather", async ({ skip }) => {
      if (buffer === undefined) skip(reason);
      farRows(values);
      const shape = [2 ** 21 + 1, 1024];
      const table: View = { buffer: buffer!, dtype: "f32", shape, strides: denseStrides(shape), offset: 0 };
      const rows = tensor(backend, [2, 1024]);
      backend.run("gather", [rows], [table, ids(backend, [2], [2 ** 21, 2 ** 20])], {});
      const got = await valuesOf(backend, rows);
      expect([...got.slice(0, 2), ...got.slice(1024, 1026)]).toEqual([5, 6, 3, 4]);
    });
  });
}

describeNative("sizes", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createCpuBackend({ engine: "native", threads: 2 });
  });
  afterAll(() => backend[Symbol.asyncDispose]());

  test("a reduction counts beyond 2³¹ elements", async () => {
    const one = tensor(backend, [1], [1]);
    const repeated: View = { ...one, shape: [2 ** 12, 2 ** 19 + 1], strides: [0, 0] };
    const total = tensor(backend, [1, 1]);
    backend.run("reduce", [total], [repeated], { kind: "sum", axes: [0, 1] });
    expect(await valuesOf(backend, total)).toEqual([2 ** 31 + 2 ** 12]);
  });

  test("views that reach beyond their buffer by more than 2³¹ elements are refused", () => {
    const view = tensor(backend, [4], [1, 2, 3, 4]);
    for (const stride of [2 ** 31, 2 ** 32, 2 ** 40, -(2 ** 31), -(2 ** 33)]) {
      const beyond = { ...view, shape: [2], strides: [stride] };
      expect(() => backend.run("fill", [beyond], [], { value: 1 })).toThrow(ShapeError);
    }
    const wrapped = { ...view, shape: [2 ** 16, 2 ** 16 + 1], strides: [2 ** 16 + 1, 1] };
    expect(() => backend.run("fill", [wrapped], [], { value: 1 })).toThrow(ShapeError);
  });

  test("what no machine can hold is a typed error, and the backend goes on", async () => {
    const runtime = new Runtime(backend);
    for (const shape of [[2 ** 50], [2 ** 20, 2 ** 31], [2 ** 31, 2 ** 31, 2 ** 31]]) {
      expect(() => runtime.empty(shape)).toThrow(TensorError);
    }
    expect(await valuesOf(backend, tensor(backend, [2], [1, 2]))).toEqual([1, 2]);
  });
});
