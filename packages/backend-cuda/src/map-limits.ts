/** What the interpreter of `map` has room for (native/kernels/map.cu). */
import { mapEncoder } from "@modernbert-ts/device-kit";
import { UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Expression, ScalarFunctionName } from "@modernbert-ts/tensor-core";

const limits = { registers: 64, constants: 256, calls: 1024 };

/** `mapEncoder` whose function throws UnsupportedError when a program needs more than there is. */
export function limitedMapEncoder(
  functions: Readonly<Record<ScalarFunctionName, number>>,
): (expression: Expression) => readonly number[] {
  const encode = mapEncoder(functions);
  return (expression) => {
    const attributes = encode(expression);
    const needs = { registers: attributes[0]!, constants: attributes[1]!, calls: attributes[2]! };
    for (const what of ["registers", "constants", "calls"] as const) {
      if (needs[what] <= limits[what]) continue;
      throw new UnsupportedError(
        "map",
        `expected at most ${limits[what]} ${what}, got ${needs[what]}: split the expression`,
      );
    }
    return attributes;
  };
}
