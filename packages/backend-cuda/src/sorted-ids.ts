/** Memory for sorting ids (native/kernels/primitives/sort_ids.cu). */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { TensorSpec, View } from "@modernbert-ts/tensor-core";

/** How many keys a block sorts, and how many digits there are. */
const blockKeys = 2048;
const digits = 256;

/** Whether ids [rows, columns] below `range` have keys row · range + id, and one more, in 32 bits. */
export function canBeSorted(ids: View, rows: number, range: number): boolean {
  return rows * range < 2 ** 32 - 1 && sizeOf(ids.shape) < 2 ** 32;
}

/** Keys and positions, twice each, and the digits of each block. */
export function sortMemory(ids: View): readonly TensorSpec[] {
  const size = sizeOf(ids.shape);
  return [
    { shape: [2, size], dtype: "u32" },
    { shape: [2, size], dtype: "u32" },
    { shape: [Math.ceil(size / blockKeys), digits], dtype: "u32" },
  ];
}
