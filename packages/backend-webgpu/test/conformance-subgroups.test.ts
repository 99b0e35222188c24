/**
 * Kernels whose threads work together, in the form that GPUs take, on other subgroups than the rest of the tests (4 where those run on 8) and
 * in the first version of WGSL: no kernel may assume more. lavapipe reads its vector width once, and the shader cache does not know it: both are
 * set first.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { describe, expect, test } from "vitest";
import { findGpu } from "../src/gpu.ts";
import { createWebGpuBackend } from "../src/index.ts";

const width = process.env["LP_NATIVE_VECTOR_WIDTH"] === "128" ? 256 : 128;
const size = width / 32;
process.env["LP_NATIVE_VECTOR_WIDTH"] = String(width);
process.env["MESA_SHADER_CACHE_DIR"] = join(tmpdir(), `modernbert-ts-mesa-${width}`);
const { onDevice } = await import("./adapter.ts");

const shared =
  /^(reduce \/ (sum|max) \/ f32|matmul \/ f32 \/ (block|long)|composites \/ (layerNorm|residualLayerNorm|varlenAttention|linearCrossEntropy|int8Linear) .*fused f32)/;

onDevice("conformance of webgpu on other subgroups", () => {
  describe("the adapter", () => {
    test(`has subgroups of ${size}`, async ({ skip }) => {
      const { info } = (await (await findGpu()).from.requestAdapter())!;
      if (!/llvmpipe/.test(info.device)) skip(`LP_NATIVE_VECTOR_WIDTH means nothing to ${info.device || info.vendor}`);
      expect([info.subgroupMinSize, info.subgroupMaxSize]).toEqual([size, size]);
    });
  });
  describeConformance({
    name: `webgpu with workgroup memory on subgroups of ${size}`,
    create: async () => {
      const { from } = await findGpu();
      // Nothing is known of its WGSL, so what is not in the first version of it is done without.
      const gpu = { requestAdapter: (options) => from.requestAdapter(options) } as GPU;
      return createWebGpuBackend({ gpu, avoidBarriers: false, matmul: "rule" });
    },
    oracle: async () => createTypeScriptBackend(),
    skip: [
      {
        cases: new RegExp(`^(?!${shared.source.slice(1)})`),
        reason: "its threads do not work together: conformance.test.ts runs it",
      },
    ],
  });
});
