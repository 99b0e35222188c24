/** The scalar functions as operations of TensorFlow.js. */
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import { erf } from "./erf.ts";
import type { TfModule, TfTensor } from "./tfjs.ts";

/** Of f32 tensors; arguments that a function does not have are to be ignored. */
type ScalarFunction = (tf: TfModule, a: TfTensor, b: TfTensor, c: TfTensor) => TfTensor;

/** 1 where a condition holds, else 0. */
function indicator(tf: TfModule, condition: TfTensor): TfTensor {
  return tf.where(condition, tf.scalar(1, "float32"), tf.scalar(0, "float32"));
}

/** The type makes a function that is missing fail to compile. */
export const scalarFunctions: Readonly<Record<ScalarFunctionName, ScalarFunction>> = {
  neg: (tf, a) => tf.neg(a),
  abs: (tf, a) => tf.abs(a),
  exp: (tf, a) => tf.exp(a),
  log: (tf, a) => tf.log(a),
  sqrt: (tf, a) => tf.sqrt(a),
  rsqrt: (tf, a) => tf.rsqrt(a),
  tanh: (tf, a) => tf.tanh(a),
  erf,
  sigmoid: (tf, a) => tf.sigmoid(a),
  sin: (tf, a) => tf.sin(a),
  cos: (tf, a) => tf.cos(a),
  floor: (tf, a) => tf.floor(a),
  round: (tf, a) => tf.round(a),
  isFinite: (tf, a) => indicator(tf, tf.isFinite(a)),
  add: (tf, a, b) => tf.add(a, b),
  sub: (tf, a, b) => tf.sub(a, b),
  mul: (tf, a, b) => tf.mul(a, b),
  div: (tf, a, b) => tf.div(a, b),
  max: (tf, a, b) => tf.maximum(a, b),
  min: (tf, a, b) => tf.minimum(a, b),
  less: (tf, a, b) => indicator(tf, tf.less(a, b)),
  lessEqual: (tf, a, b) => indicator(tf, tf.lessEqual(a, b)),
  equal: (tf, a, b) => indicator(tf, tf.equal(a, b)),
  select: (tf, a, b, c) => tf.where(tf.notEqual(a, tf.scalar(0, "float32")), b, c),
};
