/** Changes of shape that cost nothing where nothing changes. */
import type { TfModule, TfTensor } from "./tfjs.ts";

type Numbers = readonly number[];

const same = (one: Numbers, other: Numbers): boolean => one.every((value, at) => value === other[at]);

export function sliced(tf: TfModule, x: TfTensor, begin: Numbers, size: Numbers): TfTensor {
  return same(size, x.shape) ? x : tf.slice(x, [...begin], [...size]);
}

export function permuted(tf: TfModule, x: TfTensor, order: Numbers): TfTensor {
  return order.every((axis, at) => axis === at) ? x : tf.transpose(x, [...order]);
}

export function joined(tf: TfModule, parts: readonly TfTensor[], axis: number): TfTensor {
  const there = parts.filter((part) => part.size > 0);
  return there.length === 1 ? there[0]! : tf.concat(there, axis);
}

export function broadcast(tf: TfModule, x: TfTensor, shape: Numbers): TfTensor {
  return x.shape.length === shape.length && same(shape, x.shape) ? x : tf.broadcastTo(x, [...shape]);
}

/** Indices [N, 1], as `gatherND` and its like take them. */
export function column(tf: TfModule, indices: TfTensor): TfTensor {
  return tf.reshape(indices, [indices.size, 1]);
}
