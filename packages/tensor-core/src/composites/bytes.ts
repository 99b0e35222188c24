/** For references of layers with short weights: rows rounded to bytes, and words taken apart, as numbers. */
import type { CompositeName, TensorSpec } from "../backend/fused.ts";
import { isFloating } from "../dtype.ts";
import type { DType } from "../dtype.ts";
import { DTypeError } from "../errors.ts";
import { cast, map } from "../ops/elementwise.ts";
import { max, sum } from "../ops/reduce.ts";
import { concat, reshape } from "../ops/views.ts";
import { x } from "../scalar/expression.ts";
import type { Expression } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import type { Tensor } from "../tensor/tensor.ts";

const s = scalar;

/** @throws DTypeError unless rows of x can be rounded and weights are words. */
export function expectRoundable(composite: CompositeName, input: TensorSpec, weight: TensorSpec): void {
  if (!isFloating(input.dtype) || weight.dtype !== "i32")
    throw new DTypeError(composite, `expected x in floats and weight in i32, got ${input.dtype} and ${weight.dtype}`);
}

const finite = s.isFinite(x(0));
const magnitude = s.select(finite, s.abs(x(0)), 0);
const nearest = s.round(s.mul(x(0), s.select(s.less(1e-30, x(1)), s.div(127, x(1)), 0)));

/** Each row as whole numbers in -127…127, and what one of them is worth [T, 1]: NaN for a row that is not finite. */
export function quantizeRows(input: Tensor): { bytes: Tensor; scale: Tensor } {
  const largest = max(map(magnitude, [input]), [1]);
  const broken = max(map(s.sub(1, finite), [input]), [1]);
  return {
    bytes: map(s.select(finite, nearest, 0), [input, largest]),
    scale: map(s.select(s.less(0, x(1)), Number.NaN, s.div(s.max(x(0), 0), 127)), [largest, broken]),
  };
}

const { floor } = s;
const upper = floor(s.div(x(0), 65536));
/** The signed byte that ends a whole number. */
const lastByte = (value: Expression): Expression => s.sub(value, s.mul(256, floor(s.div(s.add(value, 128), 256))));
const shifted = (value: Expression): Expression => floor(s.div(value, 256));

/**
 * Words [n, w] → their bytes [n, 4w] as numbers in `dtype`. Maps compute in f32, which cannot hold 32 bits: so a sum of
 * integers first splits off the upper half. Rounding may carry a word into the next upper half; then the lower half is negative.
 */
export function unpackBytes(words: Tensor, dtype: DType): Tensor {
  const [rows, width] = words.shape as [number, number];
  const negated = map(s.mul(-65536, upper), [words], "i32");
  const parts = [words, negated].map((part) => reshape(part, [rows, width, 1]));
  const lower = reshape(sum(concat(parts, 2), [2]), [rows, width]);
  const high = s.add(upper, floor(s.div(x(1), 65536)));
  const bytes = [lastByte(x(1)), lastByte(shifted(x(1))), lastByte(high), lastByte(shifted(high))];
  const columns = bytes.map((byte) => reshape(map(byte, [words, lower], "f32"), [rows, width, 1]));
  return cast(reshape(concat(columns, 2), [rows, 4 * width]), dtype);
}
