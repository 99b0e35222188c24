/** Which dtype is used for what in a training or inference run. Explicit, never guessed from the device. */
import type { DType } from "./dtype.ts";

export interface Precision {
  /** Master parameters and optimizer states. */
  readonly params: DType;
  /** Matrix products and activations. */
  readonly compute: DType;
  /** Statistics, softmax, losses: at least f32. */
  readonly reduce: "f32" | "f64";
  /**
   * The stream between blocks. Default: as `reduce`. "bf16" is what llm.c and transformers' own bf16 do: half the bytes of every residual
   * addition, at some accuracy.
   */
  readonly residual?: DType;
}

export function residualDType({ residual, reduce }: Precision): DType {
  return residual ?? reduce;
}

export const float32Precision: Precision = { params: "f32", compute: "f32", reduce: "f32" };
export const float64Precision: Precision = { params: "f64", compute: "f64", reduce: "f64" };
export const bfloat16Precision: Precision = { params: "f32", compute: "bf16", reduce: "f32" };
export const float16Precision: Precision = { params: "f32", compute: "f16", reduce: "f32" };

/** The choices of programs, by the dtype that they compute in. */
export type PrecisionName = "f32" | "bf16" | "f16";

export const precisions: Readonly<Record<PrecisionName, Precision>> = {
  f32: float32Precision,
  bf16: bfloat16Precision,
  f16: float16Precision,
};
