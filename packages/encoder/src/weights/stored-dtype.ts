/** What safetensors calls each dtype. */
import type { DType } from "@modernbert-ts/tensor-core";
import type { SafetensorsDType } from "@modernbert-ts/safetensors";

export const safetensorsDType: Readonly<Record<DType, SafetensorsDType>> = {
  f32: "F32",
  f64: "F64",
  f16: "F16",
  bf16: "BF16",
  i32: "I32",
  u32: "U32",
};
