/** Conformance cases that only repeat a shader: software adapters compile slowly. */
import type { SkipRule } from "@modernbert-ts/conformance";

/** Left out on every software adapter. */
export const repeated: readonly SkipRule[] = [
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

/**
 * Run on Node's adapter and left out in a browser, which runs the same shaders: there each kernel is run, and each way to load and store a
 * dtype, but not each combination.
 */
export const repeatedInBrowsers: readonly SkipRule[] = [
  ...repeated,
  {
    cases: /^composites \/ .* \/ reference/,
    reason: "made of primitives, which have cases of their own here; Node's adapter runs it whole",
  },
  {
    cases: /^map \/ (?!identity|sum)[^/]* \/ (f16|bf16)$/,
    reason: "how this dtype is loaded and stored shows in identity and sum; Node's adapter runs each function in it",
  },
  {
    cases: /^(fill|copy) \/ (f16|bf16|u32|i32) \/ (from )?(offset|transposed|gapped|broadcast)/,
    reason: "strides are those of the f32 cases; Node's adapter runs them in this dtype",
  },
];
