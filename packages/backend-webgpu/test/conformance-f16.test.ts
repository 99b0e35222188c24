/** f16 in the forms that conformance.test.ts does not take: through workgroup memory, and without the feature `shader-f16`. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createWebGpuBackend } from "../src/index.ts";
import { runLength } from "../src/kernels/matmul-operands.ts";
import { onDevice } from "./adapter.ts";

const oracle = async () => createTypeScriptBackend();
const halves =
  /^(matmul \/ f16|composites \/ (varlenAttention|rope|linearCrossEntropy) .*fused f16|composites \/ linear \/ .*f16)/;

onDevice("conformance of webgpu in f16", () => {
  describeConformance(
    {
      name: "webgpu with f16 arithmetic through workgroup memory",
      create: () => createWebGpuBackend({ avoidBarriers: false, matmul: "rule", withoutFeatures: [] }),
      oracle,
      tolerances: { productRoundings: { f16: runLength } },
    },
    halves,
  );
  describeConformance(
    {
      name: "webgpu without f16 arithmetic",
      create: () => createWebGpuBackend({ withoutFeatures: ["shader-f16"] }),
      oracle,
    },
    halves,
  );
});
