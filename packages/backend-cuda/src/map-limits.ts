/** What the interpreter of `map` has room for (native/kernels/map.cu). */
import { encodeMap } from "@modernbert-ts/device-kit";
import { UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Expression, ScalarFunctionName } from "@modernbert-ts/tensor-core";

const limits = { registers: 64, constants: 256, calls: 1024 };

/** The attributes of a program. @throws UnsupportedError when it needs more than there is. */
export function encodeLimitedMap(
  expression: Expression,
  functions: Readonly<Record<ScalarFunctionName, number>>,
): readonly number[] {
  const attributes = encodeMap(expression, functions);
  const needs = { registers: attributes[0]!, constants: attributes[1]!, calls: attributes[2]! };
  for (const what of ["registers", "constants", "calls"] as const) {
    if (needs[what] <= limits[what]) continue;
    throw new UnsupportedError(
      "map",
      `expected at most ${limits[what]} ${what}, got ${needs[what]}: split the expression`,
    );
  }
  return attributes;
}
