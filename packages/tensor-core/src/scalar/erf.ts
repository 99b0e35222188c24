/** The error function in double precision: JavaScript has none, and GELU needs it. Absolute error below 1e-15. */

const twoOverSqrtPi = 2 / Math.sqrt(Math.PI);

/** erf(x). Below 2.5 the all-positive Kummer series (no cancellation), above it the continued fraction of erfc (Lentz' method). */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (!(z < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  const value = z < 2.5 ? series(z) : 1 - complement(z);
  return x < 0 ? -value : value;
}

function series(z: number): number {
  const square = 2 * z * z;
  let term = z;
  let sum = z;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= square / (2 * n + 1);
    sum += term;
  }
  return twoOverSqrtPi * Math.exp(-z * z) * sum;
}

function complement(z: number): number {
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (z + fraction);
  return Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
}
