/** What the tests of the native engine share: whether it is there, and small helpers over views. */
import { denseStrides, sizeOf } from "@modernbert-ts/tensor-core";
import type { Backend, DType, View } from "@modernbert-ts/tensor-core";
import { describe, test } from "vitest";
import { loadNativeLibrary } from "../src/engines/native/library.ts";
import type { InstructionSet } from "../src/engines/native/library.ts";
import { findNativeLibrary } from "../src/engines/native/locate.ts";

/** Why the native engine cannot be tested here, or undefined. A library that is there but does not load is a failure, not a reason. */
export const missing: string | undefined =
  findNativeLibrary() === undefined ? "there is no native library (no C compiler)" : undefined;

/** The instruction sets that the library holds; none without the library. */
export const instructionSets: readonly InstructionSet[] = missing ? [] : (await loadNativeLibrary()).instructionSets;

/** `describe` for tests of the native engine: without its library, one test that is skipped with the reason. */
export function describeNative(name: string, body: () => void, reason: string | undefined = missing): void {
  describe(name, () => {
    if (reason === undefined) body();
    else test("needs the native library", ({ skip }) => skip(reason));
  });
}

export function tensor(backend: Backend, shape: readonly number[], values?: ArrayLike<number>): View {
  const buffer = backend.allocate(sizeOf(shape) * 4);
  if (values) backend.write(buffer, Float32Array.from(values));
  return { buffer, dtype: "f32", shape, strides: denseStrides(shape), offset: 0 };
}

export function ids(backend: Backend, shape: readonly number[], values: ArrayLike<number>): View {
  const buffer = backend.allocate(sizeOf(shape) * 4);
  backend.write(buffer, Int32Array.from(values));
  return { buffer, dtype: "i32" satisfies DType, shape, strides: denseStrides(shape), offset: 0 };
}

export async function valuesOf(backend: Backend, view: View): Promise<number[]> {
  return [...new Float32Array(await backend.read(view.buffer, 0, sizeOf(view.shape) * 4))];
}
