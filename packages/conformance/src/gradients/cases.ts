/** Gradient rules: against central differences where the backend has f64, and in f32 against the f64 engine. */
import type { ConformanceCase } from "../case.ts";
import { expectSolution, makeInputs, solve, widen } from "../problem.ts";
import { checkByDifferences } from "./central-differences.ts";
import { gradientProblems } from "./problems.ts";

/** Far above what f32 loses on these small problems, far below any real mistake. */
const bounds = { outputs: 1e-5, gradients: 2e-5 };

export function gradientCases(): ConformanceCase[] {
  return gradientProblems().flatMap((problem): ConformanceCase[] => [
    {
      name: `gradients / ${problem.rule} / ${problem.name} / central differences`,
      covers: [{ operation: problem.rule, pass: "backward", mode: "primitive", dtype: "f64" }],
      requires: { arithmetic: ["f64"] },
      async run({ backend }) {
        await checkByDifferences(backend, problem, makeInputs(problem, "f64", problem.name));
      },
    },
    {
      name: `gradients / ${problem.rule} / ${problem.name} / f32 against f64`,
      covers: [{ operation: problem.rule, pass: "backward", mode: "primitive", dtype: "f32" }],
      requires: { arithmetic: ["f32", "i32"], oracle: true },
      async run({ backend, oracle }) {
        const inputs = makeInputs(problem, "f32", problem.name);
        const want = await solve(oracle ?? backend, "reference", problem, widen(inputs));
        expectSolution(await solve(backend, "reference", problem, inputs), want, bounds);
      },
    },
  ]);
}
