/**
 * The backend with all that the adapter has against the conformance suite, with the TypeScript engine as f64 oracle. Software adapters
 * compile shaders slowly, so what only repeats a shader for another dtype is left out.
 */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createWebGpuBackend } from "../src/index.ts";
import { runLength } from "../src/kernels/matmul-operands.ts";
import { onDevice } from "./adapter.ts";
import { repeated } from "./repeated.ts";

onDevice("conformance of webgpu", () => {
  describeConformance({
    name: "webgpu",
    create: () => createWebGpuBackend({ withoutFeatures: [] }),
    oracle: async () => createTypeScriptBackend(),
    skip: repeated,
    tolerances: { productRoundings: { f16: runLength } },
  });
});
