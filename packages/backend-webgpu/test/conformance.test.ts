/** The backend with all that the adapter has against the whole conformance suite, with the TypeScript engine as f64 oracle. */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createWebGpuBackend } from "../src/index.ts";
import { runLength } from "../src/kernels/matmul-operands.ts";
import { onDevice } from "./adapter.ts";

onDevice("conformance of webgpu", () => {
  describeConformance({
    name: "webgpu",
    create: () => createWebGpuBackend({ withoutFeatures: [] }),
    oracle: async () => createTypeScriptBackend(),
    tolerances: { productRoundings: { f16: runLength } },
  });
});
