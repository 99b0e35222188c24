/** Problems for `linear` over weights in the dtype of x and in 16 bits: no rows, one row, one channel, odd depths, tails of every tile. */
import { linear } from "@modernbert-ts/tensor-core";
import { normal } from "../problem.ts";
import type { CompositeProblem } from "./problems.ts";

/** Rows, depth, channels. */
export const linearSizes = [
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
    linearSizes.map(([rows, depth, channels]): CompositeProblem => {
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
  const ownDtype = linearSizes.map(([rows, depth, channels]): CompositeProblem => {
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
