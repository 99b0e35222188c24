/** Problems for `linear` over weights in the dtype of x and in 16 bits, and for `int8Linear`: no rows, one row, one channel, odd depths, tails of every tile. */
import { int8Linear, linear, quantizeInt8 } from "@modernbert-ts/tensor-core";
import { given, normal } from "../problem.ts";
import type { Input } from "../problem.ts";
import { createRandomSource } from "../random-source.ts";
import type { CompositeProblem } from "./problems.ts";

/** Rows, depth, channels. */
const sizes = [
  [1, 64, 1],
  [1, 7, 5],
  [3, 1, 33],
  [0, 64, 8],
  [2, 0, 5],
  [5, 67, 18],
  [16, 130, 31],
  [17, 128, 64],
  [33, 61, 97],
  [50, 256, 40],
  [70, 1155, 130],
] as const;

export function linearProblems(): CompositeProblem[] {
  const plain = (["bf16", "f16"] as const).flatMap((kind) =>
    sizes.map(([rows, depth, channels]): CompositeProblem => {
      const bias = rows % 2 === 1 ? normal(channels) : null;
      return {
        composite: "linear",
        name: `[${rows}, ${depth}] over ${channels} in ${kind}${bias ? " with bias" : ""}`,
        inputs: [normal(rows, depth), { ...normal(channels, depth), kind }, bias],
        run: ([input, weight, shift]) => [linear(input!, weight!, shift!)],
        seeded: [0],
        wanted: bias ? [0, 2] : [0],
      };
    }),
  );
  // The gradient of a 16-bit weight is rounded to its dtype.
  const weights = plain
    .filter(({ name }) => name.startsWith("[33"))
    .map((problem) => ({ ...problem, name: `${problem.name}, gradient of the weight`, wanted: [1], looseness: 500 }));
  const ownDtype = sizes.map(([rows, depth, channels]): CompositeProblem => {
    const bias = rows % 2 === 1 ? normal(channels) : null;
    return {
      composite: "linear",
      name: `[${rows}, ${depth}] over ${channels} in the dtype of x${bias ? " with bias" : ""}`,
      inputs: [normal(rows, depth), normal(channels, depth), bias],
      run: ([input, weight, shift]) => [linear(input!, weight!, shift!)],
      seeded: [0],
      wanted: bias ? [0, 1, 2] : [0, 1],
      ...(rows === 3 ? { differences: true as const } : {}),
      ...(depth > 0 ? { halves: true as const } : {}),
    };
  });
  return [...plain, ...weights, ...ownDtype];
}

/** Rows whose bytes are sure: far from ties, the largest exactly 127 units; a unit is another power of two in each row, 0 in `empty`. */
function rowsInUnits(rows: number, depth: number, empty: number): Input {
  return {
    shape: [rows, depth],
    kind: "float",
    values: (random) => (at) => {
      const row = Math.floor(at / depth);
      const units = at % depth === 0 ? 127 : random.whole(-126, 126) + 0.6 * random.uniform() - 0.3;
      return row === empty ? 0 : units * 2 ** ((row % 9) - 6);
    },
  };
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
    int8Problem("rows with NaN and infinities", { ...broken, values }, 19, true),
    int8Problem("the largest sums of bytes", given("float", [2, 1032], new Float64Array(2 * 1032).fill(1)), 3, false),
    int8Problem("very large and very small rows", extremes, 5, true),
  ];
}
