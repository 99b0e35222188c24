/** f16 in the forms that conformance.test.ts does not take: through workgroup memory, and without the feature `shader-f16`. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createWebGpuBackend } from "../src/index.ts";
import { runLength } from "../src/kernels/matmul-recipes.ts";
import { onDevice } from "./adapter.ts";

const oracle = async () => createTypeScriptBackend();
const skip = [
  {
    cases:
      /^(?!matmul \/ f16|composites \/ (varlenAttention|rope|linearCrossEntropy) .*fused f16|composites \/ linear \/ .*f16)/,
    reason: "no products of f16: conformance.test.ts runs it",
  },
];

onDevice("conformance of webgpu in f16", () => {
  describeConformance({
    name: "webgpu with f16 arithmetic through workgroup memory",
    create: () => createWebGpuBackend({ avoidBarriers: false, matmul: "rule" }),
    oracle,
    skip,
    tolerances: { productRoundings: { f16: runLength } },
  });
  describeConformance({
    name: "webgpu without f16 arithmetic",
    create: () => createWebGpuBackend({ withoutFeatures: ["shader-f16"] }),
    oracle,
    skip,
  });
});
