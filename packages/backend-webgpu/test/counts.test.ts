/** How much work a forward pass hands to the device: dispatches, passes, submits and bytes, counted and not timed. */
import { ModernBert, createConfig, initialiseParameters, packSequences } from "@modernbert-ts/modernbert";
import { Runtime, cast, float16Precision, float32Precision } from "@modernbert-ts/tensor-core";
import type { Precision } from "@modernbert-ts/tensor-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWebGpuBackend } from "../src/index.ts";
import type { StreamStats, WebGpuBackend } from "../src/index.ts";
import { onDevice } from "./adapter.ts";

const shape = { hidden_size: 64, num_attention_heads: 2, intermediate_size: 96, vocab_size: 120 };
const tokens = 48;

onDevice("counts of webgpu", () => {
  describe("counts of webgpu", () => {
    let backend: WebGpuBackend;
    beforeAll(async () => {
      backend = await createWebGpuBackend();
    });
    afterAll(() => backend[Symbol.asyncDispose]());

    /** The second forward: the first one compiles and fills the pool. */
    async function forward(
      layers: number,
      weights: "f32" | "f16" = "f32",
      precision: Precision = float32Precision,
    ): Promise<StreamStats> {
      const runtime = new Runtime(backend, { fusion: "fused" });
      const config = createConfig({ ...shape, num_hidden_layers: layers, global_attn_every_n_layers: 2 });
      const parameters = new Map(
        [...initialiseParameters(runtime, config, "none", { seed: 1 })].map(([name, tensor]) => {
          return [name, tensor.rank === 2 ? cast(tensor, weights) : tensor] as const;
        }),
      );
      const model = new ModernBert({ runtime, config, head: "none", parameters, precision });
      const ids = Int32Array.from({ length: tokens }, (_, at) => (7 * at) % shape.vocab_size);
      const batch = packSequences([ids.subarray(0, 20), ids.subarray(20)]);
      const run = async (): Promise<void> => {
        const hidden = runtime.scope(() => model.encode(batch));
        await hidden.read();
        hidden.dispose();
      };
      await run();
      const before = backend.stats();
      await run();
      const after = backend.stats();
      model.dispose();
      const entries = Object.entries(after) as [keyof StreamStats, number][];
      return Object.fromEntries(entries.map(([name, count]) => [name, count - before[name]])) as never;
    }

    test.each([
      ["weights in f32", "f32", float32Precision],
      ["weights in f16", "f16", float32Precision],
      ["f16 throughout", "f16", float16Precision],
    ] as const)("a layer costs nine dispatches, %s", async (_, weights, precision) => {
      const [two, four] = [await forward(2, weights, precision), await forward(4, weights, precision)];
      expect((four.dispatches - two.dispatches) / 2).toBe(9);
      // One pass and one submit each.
      for (const { passes, submits, pipelines } of [two, four]) {
        expect(passes).toBe(1);
        expect(submits).toBe(1);
        expect(pipelines).toBe(0);
      }
      expect(two.bytesRead).toBeLessThanOrEqual(tokens * shape.hidden_size * 4 + 16);
    });

    test("bytes moved are those of the operands", async () => {
      const [two, four] = [await forward(2), await forward(4)];
      const { hidden_size: d, intermediate_size: inner } = shape;
      const weights = 4 * d * d + 3 * d * inner + 2 * d;
      // In d-wide rows: Wqkv 1 + 3, rope 3 + 3, attention 3 + 1, Wo 1 + 1, both norms 2 + 2.
      const rows = 4 + 6 + 4 + 2 + 2 * 4;
      // Wi d + 2I, glu 2I + I, Wo I + d.
      const activations = tokens * (rows * d + (d + 2 * inner) + 3 * inner + (inner + d));
      const layer = (four.bytesMoved - two.bytesMoved) / 2 / 4;
      expect(layer / (weights + activations)).toBeGreaterThan(0.95);
      expect(layer / (weights + activations)).toBeLessThan(1.1);
    });
  });
});
