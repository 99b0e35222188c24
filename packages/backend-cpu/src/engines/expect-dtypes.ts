/** The reason why a fused kernel refuses: all of them compute in f32 and read indices as i32. */
import type { DType, TensorSpec } from "@modernbert-ts/tensor-core";

/** true when every tensor that is there has its expected dtype, else a reason for `fusedReport()`. */
export function expectDtypes(
  names: readonly string[],
  inputs: readonly (TensorSpec | null)[],
  indices: readonly number[] = [],
): true | { readonly reason: string } {
  for (const [at, input] of inputs.entries()) {
    const expected: DType = indices.includes(at) ? "i32" : "f32";
    if (input && input.dtype !== expected) {
      return { reason: `the fused kernel takes ${names[at]} in ${expected}, got ${input.dtype}` };
    }
  }
  return true;
}
