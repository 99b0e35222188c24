/** How tensors are cut where one launch works on many of them (native/kernels/optimizer/chunks.h). */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { TensorSpec } from "@modernbert-ts/tensor-core";

const chunkElements = 32_768;

/** Memory for one number of each chunk. */
export function chunkSums(tensors: readonly Pick<TensorSpec, "shape">[]): TensorSpec {
  const chunks = tensors.reduce((sum, { shape }) => sum + Math.ceil(sizeOf(shape) / chunkElements), 0);
  return { shape: [chunks], dtype: "f32" };
}
