/**
 * The error function to a few units in the last place of f32: tfjs's own is off by 1e-7, which near 0 is much. Below 1 an odd polynomial,
 * above it 1 - 2^q(|x|); both are fitted.
 */
import type { TfModule, TfTensor } from "./tfjs.ts";

const near = [-0.000563046544, 0.00491728553, -0.0267110418, 0.112801681, -0.37612324, 0.128379121];
const far = [-0.00165858587, 0.0213120539, -0.127848213, -0.944261772, -1.61209944, -0.00386088656];
/** From here on erf is 1 in f32. */
const limit = 4;

export function erf(tf: TfModule, x: TfTensor): TfTensor {
  const number = (value: number): TfTensor => tf.scalar(value, "float32");
  const polynomial = (at: TfTensor, [first, ...others]: readonly number[]): TfTensor =>
    others.reduce((sum, each) => tf.add(tf.mul(sum, at), number(each)), number(first!));
  const magnitude = tf.minimum(number(limit), tf.abs(x));
  const small = tf.add(tf.mul(polynomial(tf.mul(magnitude, magnitude), near), x), x);
  const rest = tf.exp(tf.mul(polynomial(magnitude, far), number(Math.LN2)));
  const large = tf.sub(number(1), rest);
  const signed = tf.where(tf.less(x, number(0)), tf.neg(large), large);
  // A minimum may lose NaN.
  return tf.where(tf.isNaN(x), x, tf.where(tf.less(magnitude, number(1)), small, signed));
}
