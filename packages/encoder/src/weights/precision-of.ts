/** The precision of a model that is given none: everything in the dtype of its parameters. */
import { float32Precision, float64Precision } from "@modernbert-ts/tensor-core";
import type { Precision, Tensor } from "@modernbert-ts/tensor-core";
import { CheckpointError } from "../errors.ts";

/** @throws CheckpointError for parameters of 16 bits, with which statistics need more. */
export function precisionOf({ dtype }: Tensor): Precision {
  if (dtype === "f64") return float64Precision;
  if (dtype === "f32") return float32Precision;
  throw new CheckpointError("model", `expected a precision to be given for ${dtype} parameters, got none`);
}
