/**
 * Kernels whose threads work together, in the form that GPUs take, on subgroups of a given size. lavapipe's are as many floats as its vectors
 * hold; it reads that number once, and the shader cache does not know it: so each size has a test file, and both are set first.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { describe, expect, test } from "vitest";
import type { OptionalFeature } from "../src/features.ts";
import { findGpu } from "../src/gpu.ts";
import { createWebGpuBackend } from "../src/index.ts";

const reductions = "reduce / (sum|max) / (f32|i32)|composites / (layer|residualLayer)Norm .*fused f32";
const ownReductions = "composites / (linearCrossEntropy|int8Linear|stableAdamW) .*fused f32";
const tiles = "matmul / f32 / (block|long)|composites / varlenAttention .*fused f32";

/** What is run: the reductions, by subgroup operations; or all kernels with workgroup memory, in the first version of WGSL. */
const forms: Readonly<Record<"subgroups" | "none", { cases: string; withoutFeatures: readonly OptionalFeature[] }>> = {
  subgroups: { cases: `${reductions}|${ownReductions}`, withoutFeatures: ["shader-f16"] },
  none: {
    cases: `${reductions}|${ownReductions}|${tiles}`,
    withoutFeatures: ["shader-f16", "subgroups", "packed_4x8_integer_dot_product"],
  },
};

/** @param size Threads of a subgroup. */
export async function describeOnSubgroups(size: number, form: keyof typeof forms): Promise<void> {
  process.env["LP_NATIVE_VECTOR_WIDTH"] = String(32 * size);
  process.env["MESA_SHADER_CACHE_DIR"] = join(tmpdir(), `modernbert-ts-mesa-${32 * size}`);
  const { onDevice } = await import("./adapter.ts");
  const { cases, withoutFeatures } = forms[form];
  onDevice(`conformance of webgpu on subgroups of ${size}`, () => {
    describe("the adapter", () => {
      test(`has subgroups of ${size}`, async ({ skip }) => {
        const { info } = (await (await findGpu()).from.requestAdapter())!;
        if (!/llvmpipe/.test(info.device))
          skip(`LP_NATIVE_VECTOR_WIDTH means nothing to ${info.device || info.vendor}`);
        const [largest, usual] = [info.subgroupMaxSize, 16];
        if (size > usual && largest < size) skip(`this lavapipe's vectors end at ${largest} numbers`);
        expect([info.subgroupMinSize, info.subgroupMaxSize]).toEqual([size, size]);
      });
    });
    describeConformance(
      {
        name: `webgpu with workgroup memory on subgroups of ${size}, ${form === "none" ? "not used" : "used"}`,
        create: () => createWebGpuBackend({ avoidBarriers: false, matmul: "rule", withoutFeatures }),
        oracle: async () => createTypeScriptBackend(),
      },
      new RegExp(`^(${cases})`),
    );
  });
}
