/**
 * A stored tensor to what a model computes with: float32 for weights, int32 for ids.
 * A conversion that would lose the meaning (an integer read as a weight, a token id beyond int32) is an error, never a silent cast.
 */

import { isSafetensorsDType, safetensorsDTypes, tensorFromBytes, type SafetensorsDType } from "./dtypes.ts";
import { quote, SafetensorsError } from "./errors.ts";
import { float8ToFloat32 } from "./float8.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "./half.ts";

/** Where a tensor came from, for messages. */
export interface Origin {
  readonly file: string;
  readonly tensor: string;
}

/**
 * The dtype that a header gives, as one whose elements can be read.
 * @throws SafetensorsError that names tensor and dtype where this package does not know it.
 */
export function knownDType(dtype: string, origin: Origin): SafetensorsDType {
  if (isSafetensorsDType(dtype)) return dtype;
  throw new SafetensorsError(
    origin.file,
    `expected a dtype among ${safetensorsDTypes.join(" ")}, got ${quote(dtype)}`,
    origin.tensor,
  );
}

/**
 * Raw bytes of a floating tensor written into `target` (one float32 per element); F64 is rounded to nearest.
 * @throws SafetensorsError on another dtype.
 */
export function bytesToFloat32(dtype: SafetensorsDType, bytes: Uint8Array, target: Float32Array, origin: Origin): void {
  const { dtype: kind, data } = tensorFromBytes(dtype, [], bytes);
  switch (kind) {
    case "F32":
    case "F64":
      return target.set(data);
    case "F16":
      return void float16ToFloat32(data, target);
    case "BF16":
      return void bfloat16ToFloat32(data, target);
    case "F8_E4M3":
    case "F8_E5M2":
    case "F8_E4M3FNUZ":
    case "F8_E5M2FNUZ":
      return float8ToFloat32(kind, data, target);
    default:
      throw new SafetensorsError(
        origin.file,
        `expected F32, F64, F16, BF16 or float8, got ${dtype}; read it as integers`,
        origin.tensor,
      );
  }
}

/**
 * Raw bytes of an integer tensor as int32.
 * @throws SafetensorsError on another dtype, and on a value that does not fit.
 */
export function bytesToInt32(dtype: SafetensorsDType, bytes: Uint8Array, origin: Origin): Int32Array {
  const { dtype: kind, data } = tensorFromBytes(dtype, [], bytes);
  switch (kind) {
    case "I64":
    case "U32": {
      const target = new Int32Array(data.length);
      for (let i = 0; i < data.length; i++) {
        const value = Number(data[i]!);
        if (value !== (value | 0)) {
          throw new SafetensorsError(
            origin.file,
            `expected integers within int32, got ${data[i]!} at element ${i}`,
            origin.tensor,
          );
        }
        target[i] = value;
      }
      return target;
    }
    case "I32":
      return data.slice();
    case "I16":
    case "I8":
    case "U8":
    case "U16":
    case "BOOL":
      return Int32Array.from(data);
    default:
      throw new SafetensorsError(
        origin.file,
        `expected an integer dtype, got ${dtype}; read it as float32`,
        origin.tensor,
      );
  }
}
