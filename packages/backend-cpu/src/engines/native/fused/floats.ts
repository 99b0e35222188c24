/** What kernels take values in; they compute in f32, or in bf16 products that are summed in f32. */
import type { DType } from "@modernbert-ts/tensor-core";

export const floats: readonly DType[] = ["f32", "bf16", "f16"];
