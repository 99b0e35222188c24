/**
 * The backend with all that the adapter has against the conformance suite, with the TypeScript engine as f64 oracle. Software adapters
 * compile shaders slowly, so what only repeats a shader for another dtype is left out.
 */
import { createTypeScriptBackend } from "@modernbert-ts/backend-cpu/typescript";
import type { SkipRule } from "@modernbert-ts/conformance";
import { describeConformance } from "@modernbert-ts/conformance/vitest";
import { createWebGpuBackend } from "../src/index.ts";
import { runLength } from "../src/kernels/matmul-operands.ts";
import { onDevice } from "./adapter.ts";

const repeated: readonly SkipRule[] = [
  {
    cases: /^matmul \/ bf16 \/ (a |block|batches)/,
    reason: "differs from f32 only in how elements are loaded and stored, which the other cases of this dtype cover",
  },
  {
    cases: /^reduce \/ (sum|max) \/ (f16|bf16|u32) \/ (offset|transposed|gapped|broadcast)/,
    reason: "strides are those of the f32 and i32 cases; how this dtype is loaded shows in its dense cases",
  },
  {
    cases: /^composites \/ varlenAttention \/ lengths (64 65 66|63 129|200|20 7).* \/ reference/,
    reason: "the reference of a long sequence takes seconds on a software adapter; the fused kernel is checked on it",
  },
];

onDevice("conformance of webgpu", () => {
  describeConformance({
    name: "webgpu",
    create: () => createWebGpuBackend({ withoutFeatures: [] }),
    oracle: async () => createTypeScriptBackend(),
    skip: repeated,
    tolerances: { productRoundings: { f16: runLength } },
  });
});
