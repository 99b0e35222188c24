/** How dtypes lie in tensors, and their conversions: u32 are the same 32 bits as int32. */
import { DTypeError } from "@modernbert-ts/tensor-core";
import type { DType } from "@modernbert-ts/tensor-core";
import type { Storage, TfModule, TfTensor } from "./tfjs.ts";

export const dtypes: readonly DType[] = ["f32", "i32", "u32"];
export const elementBytes = 4;

const half = 2 ** 16;
const word = 2 ** 32;

/** @throws DTypeError for a dtype that TensorFlow.js has no tensors of. */
export function storageOf(operation: string, dtype: DType): Storage {
  if (!dtypes.includes(dtype)) throw new DTypeError(operation, `expected ${dtypes.join(", ")}, got ${dtype}`);
  return dtype === "f32" ? "float32" : "int32";
}

/** As f32, rounded once to nearest even. */
export function toFloat(tf: TfModule, x: TfTensor, dtype: DType): TfTensor {
  if (dtype === "f32") return x;
  if (dtype === "i32") return rounded(tf, x);
  // The upper half, signed in an int32, and the lower one are exact in f32; so only their sum rounds.
  const upper = tf.floorDiv(x, tf.scalar(half, "int32"));
  const lower = tf.sub(x, tf.mul(upper, tf.scalar(half, "int32")));
  const unsigned = tf.where(tf.less(upper, tf.scalar(0, "int32")), tf.add(upper, tf.scalar(half, "int32")), upper);
  return tf.add(tf.mul(rounded(tf, unsigned), tf.scalar(half, "float32")), rounded(tf, lower));
}

/** A cast alone may leave the whole numbers as they are under another name; a product is computed in f32. */
function rounded(tf: TfModule, x: TfTensor): TfTensor {
  return tf.mul(tf.cast(x, "float32"), tf.scalar(1, "float32"));
}

/** From f32 to the storage of `dtype`; toward zero where that holds whole numbers. */
export function fromFloat(tf: TfModule, x: TfTensor, dtype: DType): TfTensor {
  if (dtype === "f32") return x;
  if (dtype === "i32") return tf.cast(x, "int32");
  const signed = tf.where(tf.greaterEqual(x, tf.scalar(word / 2, "float32")), tf.sub(x, tf.scalar(word, "float32")), x);
  return tf.cast(signed, "int32");
}

/** Numbers of the host, converted as `copy` does, as a flat tensor. */
export function hostTensor(tf: TfModule, values: ArrayLike<number>, dtype: DType): TfTensor {
  if (dtype === "f32") return tf.tensor1d(Float32Array.from(values), "float32");
  return tf.tensor1d(Int32Array.from(values), "int32");
}
