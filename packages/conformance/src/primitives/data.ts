/** Test data and the lists of shapes and dtypes that the primitive cases run over. */
import { isFloating } from "@modernbert-ts/tensor-core";
import type { DType, Shape } from "@modernbert-ts/tensor-core";
import { makeArray } from "../nd-array.ts";
import type { NdArray } from "../nd-array.ts";
import type { RandomSource } from "../random-source.ts";

export const floatTypes: readonly DType[] = ["f32", "f64", "f16", "bf16"];
export const allTypes: readonly DType[] = [...floatTypes, "i32", "u32"];

/** Ranks 0 to 6, empty and size-1 axes. */
export const shapesOfEveryRank: readonly Shape[] = [
  [],
  [1],
  [17],
  [0],
  [7, 33],
  [1, 31],
  [31, 1],
  [3, 0],
  [2, 5, 9],
  [2, 1, 3, 4],
  [2, 3, 1, 2, 5],
  [2, 1, 3, 2, 2, 3],
];

/** Around the sizes at which kernels change gear. */
export const edgeSizes: readonly number[] = [1, 7, 8, 15, 16, 17, 31, 33, 127, 129];

/** Normal numbers for float types, small whole numbers for the others. */
export function randomArray(random: RandomSource, dtype: DType, shape: Shape): NdArray {
  return makeArray(dtype, shape, () => {
    if (isFloating(dtype)) return random.normal();
    return random.whole(dtype === "u32" ? 0 : -100, 100);
  });
}

/** Ids in 0 … count-1, with repetitions. */
export function randomIds(random: RandomSource, shape: Shape, count: number): NdArray {
  return makeArray("i32", shape, () => random.whole(0, count - 1));
}
