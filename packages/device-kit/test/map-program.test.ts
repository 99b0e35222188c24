import { scalar, scalarTable, x } from "@modernbert-ts/tensor-core";
import type { ScalarFunctionName } from "@modernbert-ts/tensor-core";
import { expect, test } from "vitest";
import { mapEncoder } from "../src/index.ts";

/** Functions in the order of the table, the first with the number `first`. */
function numbered(first: number): Record<ScalarFunctionName, number> {
  return Object.fromEntries(Object.keys(scalarTable).map((name, at) => [name, first + at])) as Record<
    ScalarFunctionName,
    number
  >;
}

test("an expression gets the numbers of the library that it is encoded for, whoever encoded it before", () => {
  const expression = scalar.tanh(x(0));
  for (const first of [0, 100]) {
    const numbers = numbered(first);
    const [, , calls, , called] = mapEncoder(numbers)(expression);
    expect([calls, called]).toEqual([1, numbers.tanh]);
  }
});
