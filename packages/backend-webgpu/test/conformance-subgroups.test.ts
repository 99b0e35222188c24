/**
 * Kernels whose threads work together, in the form that GPUs take, on subgroups of 4 and in the first version of WGSL: no kernel may assume more. conformance.test.ts runs
 * on the adapter's own (8 on lavapipe). lavapipe reads its vector width once, and the shader cache does not know it: both are set first.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { describe, expect, test } from "vitest";
import { findGpu } from "../src/gpu.ts";
import { createWebGpuBackend } from "../src/index.ts";

process.env["LP_NATIVE_VECTOR_WIDTH"] = "128";
process.env["MESA_SHADER_CACHE_DIR"] = join(tmpdir(), "modernbert-ts-mesa-128");
const { onDevice } = await import("./adapter.ts");

const shared =
  /^(reduce \/ (sum|max) \/ f32|matmul \/ f32 \/ (block|long)|composites \/ (layerNorm|residualLayerNorm|varlenAttention|linearCrossEntropy|int8Linear) .*fused f32)/;

onDevice("conformance of webgpu on other subgroups", () => {
  describe("the adapter", () => {
    test("has subgroups of 4", async ({ skip }) => {
      const { info } = (await (await findGpu()).from.requestAdapter())!;
      if (!/llvmpipe/.test(info.device)) skip(`LP_NATIVE_VECTOR_WIDTH means nothing to ${info.device || info.vendor}`);
      expect([info.subgroupMinSize, info.subgroupMaxSize]).toEqual([4, 4]);
    });
  });
  describeConformance({
    name: "webgpu with workgroup memory on subgroups of 4",
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
