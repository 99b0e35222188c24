/** The refusals that every backend words alike: buffers, lifetimes, dtypes. */
import { bufferId, ShapeError, UseAfterDisposeError } from "@modernbert-ts/tensor-core";
import type { DType, TensorSpec } from "@modernbert-ts/tensor-core";
import { describe, expect, test } from "vitest";
import { Buffers, captureReplay, expectDtypes, Lifetime, Pool } from "../src/index.ts";

function bytesPool(): Pool<{ readonly bytes: number }> {
  return new Pool({ allocate: (bytes) => ({ bytes }), free() {} });
}

describe("buffers", () => {
  test("are counted, distinct and never 0", () => {
    const buffers = new Buffers(bytesPool());
    const ids = [1, 2, 3].map((bytes) => buffers.allocate(bytes));
    expect(new Set([0, ...ids]).size).toBe(4);
    expect(buffers.stats()).toMatchObject({ liveBuffers: 3, activeBytes: 192, allocations: 3 });
    for (const id of ids) buffers.release(id);
    expect(buffers.stats()).toMatchObject({ liveBuffers: 0, activeBytes: 0, cachedBytes: 192, peakBytes: 192 });
    buffers.allocate(1);
    buffers.destroy();
    expect(buffers.stats()).toMatchObject({ liveBuffers: 0, activeBytes: 0, cachedBytes: 0 });
  });

  test("that were released, or never were, are refused with the operation", () => {
    const buffers = new Buffers(bytesPool());
    const id = buffers.allocate(4);
    buffers.release(id);
    expect(() => buffers.release(id)).toThrow(UseAfterDisposeError);
    expect(() => buffers.find("map", id)).toThrow(`[map] expected a live buffer, got buffer ${id}, which was released`);
    expect(() => buffers.find("map", bufferId(0))).toThrow("[map] expected a live buffer");
  });

  test("refuse bytes outside", () => {
    const buffers = new Buffers(bytesPool());
    const id = buffers.allocate(64);
    expect(buffers.findRange("read", id, 0, 64).bytes).toBe(64);
    expect(buffers.findRange("read", id, 64, 0).bytes).toBe(64);
    for (const [byteOffset, byteLength] of [
      [1, 64],
      [-1, 4],
      [4, -1],
    ] as const) {
      expect(() => buffers.findRange("read", id, byteOffset, byteLength)).toThrow(ShapeError);
    }
  });
});

test("a lifetime ends once, by name", () => {
  const lifetime = new Lifetime("backend");
  lifetime.check("read");
  lifetime.end();
  lifetime.end();
  expect(lifetime.ended).toBe(true);
  expect(() => lifetime.check("read")).toThrow("[read] expected a live backend, got one that was disposed");
});

test("a replay runs while it and its backend live", () => {
  const backend = new Lifetime("backend");
  const pool = bytesPool();
  const runs: string[] = [];
  const make = (name: string): ReturnType<typeof captureReplay> =>
    captureReplay(
      backend,
      pool,
      () => name,
      (recording) => runs.push(recording),
    );
  const [first, second] = [make("first"), make("second")];
  for (const replay of [first, second, first]) replay.run();
  expect(runs).toEqual(["first", "second", "first"]);
  first.dispose();
  expect(() => first.run()).toThrow("[replay] expected a live replay, got one that was disposed");
  backend.end();
  expect(() => second.run()).toThrow("[replay] expected a live backend, got one that was disposed");
  expect(() => make("third")).toThrow("[capture] expected a live backend");
  second.dispose();
});

function of(...dtypes: (DType | null)[]): (TensorSpec | null)[] {
  return dtypes.map((dtype) => dtype && { shape: [], dtype });
}

describe("dtypes of fused kernels", () => {
  test("values in f32 and whole numbers in i32, unless the kernel says more", () => {
    expect(expectDtypes("rope", of("f32", "f32", "f32", "i32"))).toBe(true);
    expect(expectDtypes("rope", of("f16", "f16", "bf16", "i32"), ["f16", "bf16"])).toBe(true);
    expect(expectDtypes("linear", of("f32", "bf16", "f32"), ["f32"], { weight: ["bf16", "f16"] })).toBe(true);
  });

  test("absent inputs are no reason", () => {
    expect(expectDtypes("layerNorm", of("f32", "f32", null))).toBe(true);
    expect(expectDtypes("layerNorm", of("f32", "f32"))).toBe(true);
  });

  test("the first that does not fit is named", () => {
    expect(expectDtypes("glu", of("f16"))).toEqual({ reason: "the fused kernel takes x in f32, got f16" });
    expect(expectDtypes("varlenAttention", of("f32", "u32"))).toEqual({
      reason: "the fused kernel takes cuSeqlens in i32, got u32",
    });
    expect(expectDtypes("linear", of("f32", "f32", "f32"), ["f32"], { weight: ["bf16", "f16"] })).toEqual({
      reason: "the fused kernel takes weight in bf16 or f16, got f32",
    });
  });
});
