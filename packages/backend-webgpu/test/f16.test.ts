/** Which arithmetic products of f16 take, seen from outside: by what overflows, and by what the backend says of itself. */
import { Runtime, cast, varlenAttention } from "@modernbert-ts/tensor-core";
import type { DType } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isSoftware } from "../src/adapter-info.ts";
import { createWebGpuBackend } from "../src/index.ts";
import type { RecipeName, WebGpuBackend } from "../src/index.ts";
import { findGpu } from "../src/gpu.ts";
import { onDevice } from "./adapter.ts";

const shaders: readonly RecipeName[] = ["direct", "flat", "medium"];

onDevice("f16 on webgpu", () => {
  test("unless told, kernels multiply in f16 on a GPU that can, and not on a software adapter", async () => {
    const { features, info } = (await (await findGpu()).from.requestAdapter())!;
    await using backend = await createWebGpuBackend();
    expect(backend.features.f16Arithmetic).toBe(features.has("shader-f16") && !isSoftware(info));
    expect(backend.features.subgroups).toBe(features.has("subgroups"));
  });

  describe.each([
    ["with shader-f16", [], true],
    ["without shader-f16", ["shader-f16"], false],
  ] as const)("f16 on webgpu, %s", (_, withoutFeatures, expected) => {
    const backends = new Map<RecipeName, WebGpuBackend>();
    let native = false;
    beforeAll(async () => {
      const adapter = (await (await findGpu()).from.requestAdapter())!;
      native = expected && adapter.features.has("shader-f16");
      for (const matmul of shaders) {
        const options = { matmul, withoutFeatures, avoidBarriers: matmul === "direct" };
        backends.set(matmul, await createWebGpuBackend(options));
      }
    });
    afterAll(async () => {
      for (const backend of backends.values()) await backend[Symbol.asyncDispose]();
    });

    test("the backend says so", () => {
      const { features, capabilities } = backends.get("direct")!;
      const { accelerated, arithmetic, device } = capabilities;
      expect(features.f16Arithmetic).toBe(native);
      expect(accelerated.includes("f16")).toBe(native);
      expect(arithmetic).toContain("f16");
      expect(device.includes("f16 arithmetic")).toBe(native);
    });

    /** alpha · (a·b) of a row of a's and a column of b's, `depth` long, in a matrix of 4 × columns. */
    async function product(
      shader: RecipeName,
      [a, b]: readonly [number, number],
      { depth = 4, alpha = 1, columns = 4, dtype = "f16" as DType } = {},
    ): Promise<number> {
      const runtime = new Runtime(backends.get(shader)!);
      const filled = (value: number, shape: readonly number[], to: DType) =>
        cast(runtime.tensor(new Float32Array(shape[0]! * shape[1]!).fill(value), shape), to);
      const y = runtime.scope(() => {
        const out = filled(0, [4, columns], "f16");
        const views = [filled(a, [4, depth], "f16").view, filled(b, [depth, columns], dtype).view];
        runtime.backend.run("matmul", [out.view], views, { alpha, accumulate: false });
        return cast(out, "f32");
      });
      const values = await y.read();
      y.dispose();
      expect(new Set(values).size).toBe(1);
      return values[0]!;
    }

    test.each(["direct", "medium"] as const)("attention does the same, %s", async (shader) => {
      const runtime = new Runtime(backends.get(shader)!, { fusion: "fused" });
      const attention = (size: number) =>
        runtime.scope(() => {
          const values = Float32Array.from({ length: 5 * 3 * 64 }, (_at, at) => (at % 192 < 128 ? size : 1));
          const qkv = cast(runtime.tensor(values, [5, 3, 1, 64]), "f16");
          const ends = runtime.tensor(Int32Array.of(0, 5), [2], "i32");
          return cast(varlenAttention(qkv, ends, { scale: 2 ** -20, window: null, maxSeqlen: 5 }), "f32");
        });
      for (const [size, wanted] of [
        [100, 1],
        [300, native ? Number.NaN : 1],
      ] as const) {
        const y = attention(size);
        expect([...new Set(await y.read())]).toEqual([wanted]);
        y.dispose();
      }
    });

    describe.each(shaders)("%s", (shader) => {
      // By fours and one by one.
      test.each([4, 5])("a product beyond f16 is infinite only where products are f16, %i columns", async (columns) => {
        expect(await product(shader, [300, 300], { alpha: 2 ** -5, columns })).toBe(native ? Infinity : 11248);
        // One operand in f32 makes the product f32.
        expect(await product(shader, [300, 300], { alpha: 2 ** -5, columns, dtype: "f32" })).toBe(11248);
      });

      test("sums beyond f16 are f32 until they are stored, where they are infinite", async () => {
        expect(await product(shader, [100, 100], { depth: 64, alpha: 2 ** -5 })).toBe(20_000);
        expect(await product(shader, [100, 100], { depth: 64 })).toBe(Infinity);
        expect(await product(shader, [-100, 100], { depth: 64 })).toBe(-Infinity);
      });

      test("long sums lose nothing: runs are summed in f32", async () => {
        // In f16 a sum of ones stops at 2048.
        expect(await product(shader, [1, 1], { depth: 16_384 })).toBe(16_384);
      });
    });
  });
});
