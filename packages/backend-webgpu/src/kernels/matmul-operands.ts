/** How the matmul shaders read a and b, and what arithmetic their products take. */
import { loadFunction, loadHalf, loadQuad, numberTypes } from "../wgsl/access.ts";
import type { DeviceDType } from "../wgsl/access.ts";
import type { Variant } from "./matmul-recipes.ts";

/**
 * Products of f16 are rounded to f16 and summed in f16 in runs of four, and the runs in f32: a term is rounded at most four times to
 * 11 bits, so a sum is off by at most 4 · 2⁻¹¹ · Σ|a·b| (and usually by some √depth of a rounding), whatever the depth. Longer runs would
 * convert less often, and shorter ones leave no work to f16.
 */
export const runLength = 4;

/** Loads of a and b. */
export function printOperands({ quads, dtypes: [a, b], half, access }: Variant): string {
  const load = (name: string, dtype: DeviceDType): string => {
    if (half) return loadHalf(name, quads);
    return quads ? loadQuad(name, dtype, access) : loadFunction(name, dtype);
  };
  return `${numberTypes(half)}
${load("a", a)}
${load("b", b)}`;
}
