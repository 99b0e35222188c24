/** Gradients checked by moving the inputs: (loss(x + hd) - loss(x - hd)) / 2h against gradient · d, in f64. */
import type { Backend } from "@modernbert-ts/tensor-core";
import { expectThat } from "../case.ts";
import { makeArray } from "../nd-array.ts";
import type { NdArray } from "../nd-array.ts";
import { seedGradient, solve } from "../problem.ts";
import type { Problem, Solution } from "../problem.ts";
import { createRandomSource } from "../random-source.ts";

const step = 1e-5;
/** The truncation error is about step² and the rounding error about 1e-16 / step, both times the size of the terms. */
const tolerance = 1e-7;

/** Runs the problem in f64 without fused kernels: along a random direction in all wanted inputs, then in each of them alone, twice. */
export async function checkByDifferences(
  backend: Backend,
  problem: Problem,
  inputs: readonly (NdArray | null)[],
): Promise<void> {
  const random = createRandomSource(problem.name);
  const base = await solve(backend, "reference", problem, inputs);
  const forwardOnly: Problem = { ...problem, wanted: [], seeded: [] };
  for (const only of [undefined, ...problem.wanted, ...problem.wanted]) {
    const direction = inputs.map((input, at) => {
      const moves = problem.wanted.includes(at) && (only === undefined || only === at);
      return input && makeArray("f64", input.shape, () => (moves ? random.normal() : 0));
    });
    const solveAt = (distance: number): Promise<Solution> => {
      return solve(backend, "reference", forwardOnly, move(inputs, direction, distance));
    };
    const [ahead, behind] = [await solveAt(step), await solveAt(-step)];
    const terms = problem.seeded.flatMap((at) => {
      const seed = seedGradient("f64", base.outputs[at]!.shape, at);
      return products(seed, ahead.outputs[at]!).map(
        (term, i) => (term - products(seed, behind.outputs[at]!)[i]!) / (2 * step),
      );
    });
    const slopes = base.gradients.flatMap((gradient, i) => products(gradient, direction[problem.wanted[i]!]!));
    const [measured, computed] = [total(terms), total(slopes)];
    const size =
      total(terms.map(Math.abs)) +
      total(slopes.map(Math.abs)) +
      total(base.outputs.flatMap((o) => [...o.values].map(Math.abs)));
    expectThat(
      Math.abs(measured - computed) <= tolerance * size,
      `expected a slope of ${measured} along ${only === undefined ? "a direction in all inputs" : `input ${only}`}, got ${computed} from the gradients`,
    );
  }
}

function move(
  inputs: readonly (NdArray | null)[],
  direction: readonly (NdArray | null)[],
  distance: number,
): (NdArray | null)[] {
  return inputs.map((input, at) => {
    if (input === null || input.dtype !== "f64") return input;
    return makeArray("f64", input.shape, (i) => input.values[i]! + distance * direction[at]!.values[i]!);
  });
}

function products(a: NdArray | undefined, b: NdArray): number[] {
  return a === undefined ? [] : Array.from(a.values, (value, i) => value * b.values[i]!);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
