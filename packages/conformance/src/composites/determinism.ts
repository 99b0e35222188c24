/** Fused kernels, forward and backward, give the same bits each time: no race decides an order of addition. */
import { sizeOf } from "@modernbert-ts/tensor-core";
import type { CompositeName } from "@modernbert-ts/tensor-core";
import type { ConformanceCase } from "../case.ts";
import { expectThat } from "../case.ts";
import { makeInputs, solve } from "../problem.ts";
import type { Problem, Solution } from "../problem.ts";
import { compositeProblems } from "./problem-list.ts";

function sizeOfInputs({ inputs }: Problem): number {
  return inputs.reduce((total, input) => total + (input === null ? 0 : sizeOf(input.shape)), 0);
}

/** For each composite the problem whose inputs are largest: the one with most work to share out. */
function largestProblems(): [CompositeName, Problem][] {
  const largest = new Map<CompositeName, Problem>();
  for (const problem of compositeProblems()) {
    const before = largest.get(problem.composite);
    if (!problem.mayRefuse && (before === undefined || sizeOfInputs(problem) > sizeOfInputs(before)))
      largest.set(problem.composite, problem);
  }
  return [...largest];
}

function tensorsOf({ outputs, gradients }: Solution): Float64Array[] {
  return [...outputs, ...gradients].flatMap((array) => array?.values ?? []);
}

export function fusedDeterminismCases(): ConformanceCase[] {
  return largestProblems().map(([composite, problem]) => ({
    name: `determinism / fused ${composite}`,
    requires: { arithmetic: ["f32", "i32"], deterministic: true, fused: composite },
    async run({ backend }) {
      const inputs = makeInputs(problem, "f32", problem.name);
      const first = tensorsOf(await solve(backend, "fused", problem, inputs));
      for (let i = 0; i < 3; i++) {
        const again = tensorsOf(await solve(backend, "fused", problem, inputs));
        again.forEach((values, at) => {
          expectThat(
            values.every((value, j) => Object.is(value, first[at]![j])),
            `expected the same bits in tensor ${at} each time`,
          );
        });
      }
    },
  }));
}
