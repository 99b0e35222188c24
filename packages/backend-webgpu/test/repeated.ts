/** Conformance cases that are left out in a browser where Node's adapter, in conformance.test.ts, runs all: software adapters compile slowly. */
import type { SkipRule } from "@modernbert-ts/conformance";

/** In a browser each kernel is run, and each way to load and store a dtype, but not each combination. */
export const repeatedInBrowsers: readonly SkipRule[] = [
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
  {
    cases: /^reduce \/ (sum|max) \/ (f16|bf16|u32) \/ (offset|transposed|gapped|broadcast)/,
    reason: "strides are those of the f32 and i32 cases; Node's adapter runs them in this dtype",
  },
  {
    cases: /^matmul \/ bf16 \/ (a |block|batches)/,
    reason: "strides are those of the f32 cases; Node's adapter runs them in this dtype",
  },
];
