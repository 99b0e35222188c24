/** The float dtypes of this backend: what a kernel takes that chooses by dtype while it runs. */
import type { DType } from "@modernbert-ts/tensor-core";

export const floats: readonly DType[] = ["f32", "f16", "bf16"];
