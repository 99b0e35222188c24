/** The suite's own arithmetic, checked against facts of the formats: a suite with a wrong oracle would bless wrong backends. */
import { describe, expect, test } from "vitest";
import { fromPattern, roundTo, toPattern } from "../src/numbers.ts";
import { addressesOf } from "../src/nd-array.ts";
import { gapped, placeLayout, transposed } from "../src/layout.ts";
import { knownAnswers, philox4x32 } from "../src/oracle/philox.ts";
import { matmulOracle, reduceOracle } from "../src/oracle/primitives.ts";

test.each(knownAnswers)("Philox of counter $counter", ({ counter, key, words }) => {
  expect(philox4x32(counter, key)).toEqual(words);
});

describe("16-bit floats", () => {
  test.each([
    ["f16", 1, 0x3c00],
    ["f16", -2, 0xc000],
    ["f16", 65504, 0x7bff],
    ["f16", 65519, 0x7bff],
    ["f16", 65520, 0x7c00],
    ["f16", 2 ** -24, 0x0001],
    ["f16", 2 ** -25, 0x0000],
    ["f16", 3 * 2 ** -25, 0x0002],
    ["f16", 1 + 2 ** -11, 0x3c00],
    ["f16", 1 + 3 * 2 ** -11, 0x3c02],
    ["f16", -0, 0x8000],
    ["bf16", 1, 0x3f80],
    ["bf16", Math.PI, 0x4049],
    ["bf16", 1 + 2 ** -8, 0x3f80],
    ["bf16", 1 + 3 * 2 ** -8, 0x3f82],
    ["bf16", 3.4e38, 0x7f80],
    ["bf16", -Infinity, 0xff80],
  ] as const)("%s of %d is 0x%s", (dtype, value, bits) => {
    expect(toPattern(dtype, value)).toBe(bits);
  });

  test.each(["f16", "bf16"] as const)("every %s survives the round trip", (dtype) => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = fromPattern(dtype, bits);
      if (Number.isNaN(value)) expect(fromPattern(dtype, toPattern(dtype, value))).toBeNaN();
      else expect(toPattern(dtype, value)).toBe(bits);
    }
  });

  test("integers truncate toward zero", () => {
    expect([2.9, -2.9].map((value) => roundTo("i32", value))).toEqual([2, -2]);
  });
});

describe("layouts", () => {
  test("a transposed layout walks the first axis fastest", () => {
    const { strides, offset } = placeLayout(transposed, [2, 3]);
    expect([...addressesOf([2, 3], strides, offset)]).toEqual([0, 2, 4, 1, 3, 5]);
  });

  test("a gapped layout leaves every other element free", () => {
    const { strides, offset, length } = placeLayout(gapped, [2, 2]);
    const addresses = [...addressesOf([2, 2], strides, offset)];
    expect(addresses).toEqual([1, 3, 9, 11]);
    expect(length).toBeGreaterThan(Math.max(...addresses));
  });
});

describe("oracle", () => {
  const a = { dtype: "f32", shape: [2, 2], values: Float64Array.of(1, 2, 3, 4) } as const;
  const b = { dtype: "f32", shape: [2, 2], values: Float64Array.of(5, 6, 7, 8) } as const;

  test("matmul", () => {
    expect([...(matmulOracle(a, b, 2, a).values as Float64Array)]).toEqual([39, 46, 89, 104]);
  });

  test("reduce", () => {
    expect([...(reduceOracle(a, { kind: "sum", axes: [0] }).values as Float64Array)]).toEqual([4, 6]);
    expect([...(reduceOracle(a, { kind: "max", axes: [1] }).values as Float64Array)]).toEqual([2, 4]);
  });
});
