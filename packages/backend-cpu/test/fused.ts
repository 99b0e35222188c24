/** What the tests of the native fused kernels share. */
import type { Backend, CompositeName } from "@modernbert-ts/tensor-core";
import { expect } from "vitest";
import { createCpuBackend } from "../src/index.ts";
import { instructionSets } from "./native.ts";

/** The instruction sets that the library has and this machine runs; empty without the library. */
export const supportedSets: readonly string[] = instructionSets.filter((set) => set.supported).map((set) => set.name);

/** Does `work` on a native backend and disposes of it. */
export async function withBackend<T>(
  instructionSet: string | undefined,
  threads: number,
  work: (backend: Backend) => Promise<T>,
): Promise<T> {
  const backend = await createCpuBackend({ engine: "native", threads, ...(instructionSet && { instructionSet }) });
  try {
    return await work(backend);
  } finally {
    await backend[Symbol.asyncDispose]();
  }
}

/** `count` numbers from -2 to 2, the same for the same seed. */
export function numbers(seed: number, count: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 4;
  });
}

/** Within `tolerance` of the largest number of `want`, or of 1. */
export function expectClose(name: string, got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void {
  const largest = Array.from(want).reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  let worst = 0;
  let at = 0;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i]! - want[i]!);
    if (error <= worst) continue;
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    at = i;
  }
  expect(got.length, name).toBe(want.length);
  expect(worst, `${name}: expected ${want[at]} at ${at}, got ${got[at]}`).toBeLessThanOrEqual(tolerance * largest);
}

/** The same numbers to the last bit, NaN included. */
export function expectSameBits(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length);
  expect(Array.from(want).findIndex((value, at) => !Object.is(value, got[at]))).toBe(-1);
}

/** The fused backward of a composite, which must be there. */
export function backwardOf<K extends CompositeName>(backend: Backend, name: K) {
  const { backward } = backend.fused[name]!;
  if (typeof backward !== "function") throw new Error(`expected a fused backward of ${name}`);
  return backward;
}
