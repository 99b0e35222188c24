/** The precision of parameters that are to be computed with as they are. */
import { float32Precision, float64Precision } from "@modernbert-ts/tensor-core";
import type { Precision, Tensor } from "@modernbert-ts/tensor-core";
import { CheckpointError } from "../errors.ts";

/** @throws CheckpointError for 16 bits, which two precisions have. */
export function precisionOf({ dtype }: Tensor): Precision {
  if (dtype === "f64") return float64Precision;
  if (dtype === "f32") return float32Precision;
  throw new CheckpointError("model", `expected a precision to be given for ${dtype} parameters, got none`);
}
