/**
 * max |got - wanted| / max |wanted|: the error measure of the goldens.
 * @param floor Put in place of a smaller max |wanted|: a gradient that is 0 but for rounding (the bias under a softmax over
 *   positions, say) has no relative error.
 */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>, floor = 1e-12): number {
  if (got.length !== wanted.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let largest = 0;
  for (let at = 0; at < wanted.length; at++) {
    const difference = Math.abs(got[at]! - wanted[at]!);
    if (!(difference <= Number.MAX_VALUE)) return Number.POSITIVE_INFINITY;
    error = Math.max(error, difference);
    largest = Math.max(largest, Math.abs(wanted[at]!));
  }
  return error / Math.max(largest, floor);
}
