/** How near the goldens a value must be, in parts of the largest value of its tensor. */
export const activationTolerance = 5e-5;
export const gradientTolerance = 5e-4;
/** Times the tolerance about one rounding of 1 in f32: a gradient that is 0 but for rounding has no relative error. */
export const gradientFloor = 2.4e-4;

/**
 * max |got - wanted| / max |wanted|: the error measure of the goldens.
 * @param floor Put in place of a smaller max |wanted| (the gradient of a bias under a softmax over positions is 0 but for rounding).
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
