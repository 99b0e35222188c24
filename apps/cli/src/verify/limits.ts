/** How far `modernbert verify` lets numbers be apart: some twice the worst that torch and this project gave in that format (README). */
import type { PrecisionName } from "@modernbert-ts/tensor-core";
import type { QuantizedFormat, WeightFormat } from "@modernbert-ts/encoder";

export interface Limits {
  /** Of hidden states, as a share of a text's largest number. */
  readonly maxError: number;
  readonly minCosine: number;
  readonly maxLogitDifference: number;
  readonly minAgreement: number;
}

const table: Readonly<Record<"f32" | "f16" | "bf16" | QuantizedFormat, Limits>> = {
  f32: { maxError: 1e-5, minCosine: 0.999999, maxLogitDifference: 1e-4, minAgreement: 0.999 },
  f16: { maxError: 0.015, minCosine: 0.99999, maxLogitDifference: 0.05, minAgreement: 0.99 },
  bf16: { maxError: 0.1, minCosine: 0.9997, maxLogitDifference: 0.4, minAgreement: 0.9 },
  int8: { maxError: 0.15, minCosine: 0.998, maxLogitDifference: 1, minAgreement: 0.85 },
  int4: { maxError: 1.5, minCosine: 0.8, maxLogitDifference: 6, minAgreement: 0.6 },
};

/** Those of the coarsest format in use. */
export function usualLimits(dtype: PrecisionName, weights: WeightFormat | undefined): Limits {
  return table[weights === undefined || weights === "f32" ? dtype : weights];
}
