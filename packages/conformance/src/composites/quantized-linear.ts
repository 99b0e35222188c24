/** Problems for `int8Linear` and `int4Linear`, of the sizes of `linear`'s. */
import { int4Linear, int8Linear, quantizeInt4, quantizeInt8 } from "@modernbert-ts/tensor-core";
import { given, normal } from "../problem.ts";
import type { Input } from "../problem.ts";
import { createRandomSource } from "../random-source.ts";
import { linearSizes as sizes } from "./linear.ts";
import type { CompositeProblem } from "./problems.ts";

/**
 * Rows whose bytes are sure: far from ties (at most `off` a unit from whole ones), the largest exactly 127 units; a unit is another power of
 * two in each row, from 2^`exponent` on, 0 in `empty`.
 */
function rowsInUnits(rows: number, depth: number, empty: number, off = 0.3, exponent = -6): Input {
  return {
    shape: [rows, depth],
    kind: "float",
    values: (random) => (at) => {
      const row = Math.floor(at / depth);
      const units = at % depth === 0 ? 127 : random.whole(-126, 126) + off * (2 * random.uniform() - 1);
      return row === empty ? 0 : units * 2 ** ((row % 9) + exponent);
    },
  };
}

/** Whole units, which 16 bits hold, and sums that f16 does. */
function shortRows(rows: number, depth: number): Input {
  return rowsInUnits(rows, depth, 1, 0, -18);
}

function int8Problem(name: string, input: Input, channels: number, bias: boolean): CompositeProblem {
  const [, depth] = input.shape as [number, number];
  const random = createRandomSource(`weights of ${name}`);
  // Channels differ in size, one is all zeros, and every value is reached.
  const weights = Float32Array.from({ length: channels * depth }, (_, at) => {
    const channel = Math.floor(at / depth);
    return channel === 3 ? 0 : random.whole(-127, 127) * 1.5 ** (channel % 7);
  });
  const { words, scales } = quantizeInt8(weights, channels, depth);
  // No weight of ours is -128, but those that others quantised may be.
  const lowest = 0x80 - 0x100;
  for (let at = 0; at < words.length; at += 5) if (channels > 5) words[at] = (words[at]! & ~0xff) | (lowest & 0xff);
  return {
    composite: "int8Linear",
    name,
    inputs: [
      input,
      given("i32", [channels, Math.ceil(depth / 4)], words),
      given("f32", [channels], scales),
      bias ? normal(channels) : null,
    ],
    run: ([x, weight, unit, shift]) => [int8Linear(x!, weight!, unit!, shift!)],
    seeded: [],
    wanted: [],
  };
}

export function int8LinearProblems(): CompositeProblem[] {
  const plain = sizes.map(([rows, depth, channels]) => {
    const bias = rows % 2 === 1;
    const name = `[${rows}, ${depth}] over ${channels}${bias ? " with bias" : ""}`;
    return int8Problem(name, rowsInUnits(rows, depth, 1), channels, bias);
  });
  const halves = sizes
    .filter(([rows, depth]) => rows > 0 && depth > 0)
    .map(([rows, depth, channels]): CompositeProblem => {
      const problem = int8Problem(`[${rows}, ${depth}] over ${channels}`, shortRows(rows, depth), channels, false);
      const bias = rows % 2 === 1 ? { ...normal(channels), kind: "f32" as const } : null;
      const name = `${problem.name} in whole units${bias ? " with bias in f32" : ""}`;
      return { ...problem, name, inputs: [...problem.inputs.slice(0, 3), bias], halves: true };
    });
  const broken = rowsInUnits(20, 66, 5);
  const values: Input["values"] = (random) => {
    const finite = broken.values(random);
    return (at) => (at === 70 ? Number.NaN : at === 13 * 66 ? -Infinity : at === 18 * 66 + 65 ? Infinity : finite(at));
  };
  const extremes = given(
    "float",
    [6, 4],
    [1e30, 1e20, -1e30, 0, 1e-31, 0, 0, 0, 1e-38, 0, 0, 0, -0, 0, 0, 0, 1, 0, 0, 0, 2, 2, -2, 2],
  );
  return [
    ...plain,
    ...halves,
    int8Problem("rows with NaN and infinities", { ...broken, values }, 19, true),
    int8Problem("the largest sums of bytes", given("float", [2, 1032], new Float64Array(2 * 1032).fill(1)), 3, false),
    int8Problem("very large and very small rows", extremes, 5, true),
  ];
}

function int4Problem(name: string, input: Input, channels: number, bias: Input | null): CompositeProblem {
  const [, depth] = input.shape as [number, number];
  const random = createRandomSource(`weights of ${name}`);
  // Groups differ in size, and some are all zeros.
  const weights = Float32Array.from({ length: channels * depth }, (_, at) => {
    const group = Math.floor((at % depth) / 128) + Math.floor(at / depth);
    return group % 5 === 3 ? 0 : random.normal() * 2 ** (group % 7);
  });
  const { words, scales } = quantizeInt4(weights, channels, depth);
  const groups = scales.length / channels;
  return {
    composite: "int4Linear",
    name,
    inputs: [
      input,
      given("i32", [channels, words.length / channels], words),
      given("f32", [channels, groups], scales),
      bias,
    ],
    run: ([x, weight, unit, shift]) => [int4Linear(x!, weight!, unit!, shift!)],
    seeded: [],
    wanted: [],
  };
}

export function int4LinearProblems(): CompositeProblem[] {
  const plain = sizes
    .filter(([, depth]) => depth > 0)
    .map(([rows, depth, channels]): CompositeProblem => {
      const bias = rows % 2 === 1 ? { ...normal(channels), kind: "f32" as const } : null;
      const name = `[${rows}, ${depth}] over ${channels}${bias ? " with bias" : ""}`;
      const problem = int4Problem(name, shortRows(rows, depth), channels, bias);
      return rows > 0 ? { ...problem, halves: true } : problem;
    });
  const broken = rowsInUnits(20, 130, 5);
  const values: Input["values"] = (random) => {
    const finite = broken.values(random);
    return (at) => (at === 140 ? Number.NaN : at === 13 * 130 ? -Infinity : finite(at));
  };
  return [...plain, int4Problem("rows with NaN and an infinity", { ...broken, values }, 19, normal(19))];
}
