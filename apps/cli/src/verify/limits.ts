/** How far `modernbert verify` lets numbers be apart: some twice the worst that torch and this project gave in that format (README). */
import type { PrecisionName } from "@modernbert-ts/tensor-core";
import type { WeightFormat } from "@modernbert-ts/encoder";

export interface Limits {
  /** Of hidden states, as a share of a text's largest number. */
  readonly maxError: number;
  readonly minCosine: number;
  readonly maxLogitDifference: number;
  readonly minAgreement: number;
}

const table: Readonly<Record<"f32" | "f16" | "bf16" | "int8", Limits>> = {
  f32: { maxError: 1e-5, minCosine: 0.999999, maxLogitDifference: 1e-4, minAgreement: 0.999 },
  f16: { maxError: 0.015, minCosine: 0.99999, maxLogitDifference: 0.05, minAgreement: 0.99 },
  bf16: { maxError: 0.1, minCosine: 0.9997, maxLogitDifference: 0.4, minAgreement: 0.9 },
  int8: { maxError: 0.15, minCosine: 0.998, maxLogitDifference: 1, minAgreement: 0.85 },
};

/** Those of the coarsest format in use. */
export function usualLimits(dtype: PrecisionName, weights: WeightFormat | undefined): Limits {
  if (weights === "int8") return table.int8;
  return table[weights === "bf16" ? "bf16" : dtype];
}
