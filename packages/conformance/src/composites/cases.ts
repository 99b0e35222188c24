/**
 * Composites: the reference on this backend, the fused kernel on this backend (forced, so that falling back fails), both against the
 * reference in f64; and the reference's own gradients against central differences.
 */
import { UnsupportedError } from "@modernbert-ts/tensor-core";
import type { Backend, DType, FusionMode } from "@modernbert-ts/tensor-core";
import type { CaseContext, ConformanceCase, Coverage } from "../case.ts";
import { checkByDifferences } from "../gradients/central-differences.ts";
import { unitRoundoff } from "../numbers.ts";
import { expectSolution, makeInputs, solve, widen } from "../problem.ts";
import type { Bounds, Solution } from "../problem.ts";
import { badValueCases } from "./bad-values.ts";
import { fusedDeterminismCases } from "./determinism.ts";
import { compositeProblems } from "./problem-list.ts";
import type { CompositeProblem } from "./problems.ts";
import { wideningCases } from "./widening.ts";

type Inputs = ReturnType<typeof makeInputs>;

/** Well inside the project's promise (5e-5 and 5e-4 of the largest number) for one operation in f32; a few roundings for 16 bits. */
function boundsOf(dtype: DType, problem: CompositeProblem, { tolerances }: CaseContext): Bounds {
  const looseness = (problem.looseness ?? 1) * (tolerances.accumulation ?? 1);
  const short = dtype === "f32" ? 0 : unitRoundoff[dtype];
  return { outputs: looseness * (4e-6 + 4 * short), gradients: looseness * (1e-5 + 8 * short) };
}

function covers({ composite, wanted }: CompositeProblem, mode: Coverage["mode"], dtype: DType): Coverage[] {
  const passes = wanted.length > 0 ? (["forward", "backward"] as const) : (["forward"] as const);
  return passes.map((pass) => ({ operation: composite, pass, mode, dtype }));
}

/** Solutions in f64, each worked out once per oracle: the reference and the fused kernel are compared with the same one. */
const solutions = new WeakMap<Backend, Map<string, Promise<Solution>>>();

function solveInF64(engine: Backend, key: string, problem: CompositeProblem, inputs: Inputs): Promise<Solution> {
  const known = solutions.get(engine) ?? new Map<string, Promise<Solution>>();
  solutions.set(engine, known);
  const solution = known.get(key) ?? solve(engine, "reference", problem, widen(inputs));
  known.set(key, solution);
  return solution;
}

async function check(context: CaseContext, problem: CompositeProblem, dtype: DType, fusion: FusionMode): Promise<void> {
  const { backend, oracle = backend } = context;
  const inputs = makeInputs(problem, dtype, problem.name);
  const got = await solveOrSkip(context, problem, dtype, fusion, inputs);
  const want = await solveInF64(oracle, `${problem.composite} ${problem.name} ${dtype}`, problem, inputs);
  expectSolution(got, want, boundsOf(dtype, problem, context));
}

/** A refusal is a failure for what ModernBERT needs, and a visible skip for what it does not. */
async function solveOrSkip(
  { backend, skip }: CaseContext,
  problem: CompositeProblem,
  dtype: DType,
  fusion: FusionMode,
  inputs: Inputs,
): Promise<Solution> {
  try {
    return await solve(backend, fusion, problem, inputs);
  } catch (error) {
    const optional = problem.mayRefuse === true || dtype !== "f32";
    if (optional && error instanceof UnsupportedError) return skip(`refused: ${error.reason}`);
    throw error;
  }
}

function casesOf(problem: CompositeProblem): ConformanceCase[] {
  const name = `composites / ${problem.composite} / ${problem.name}`;
  const { composite } = problem;
  const cases: ConformanceCase[] = [
    {
      name: `${name} / reference f32`,
      covers: covers(problem, "reference", "f32"),
      requires: { arithmetic: ["f32", "i32"], oracle: true },
      run: (context) => check(context, problem, "f32", "reference"),
    },
  ];
  for (const dtype of problem.halves ? (["f32", "f16", "bf16"] as const) : (["f32"] as const)) {
    cases.push({
      name: `${name} / fused ${dtype}`,
      covers: covers(problem, "fused", dtype),
      requires: { arithmetic: [dtype, "i32"], oracle: true, fused: composite },
      run: (context) => check(context, problem, dtype, "fused"),
    });
  }
  if (problem.differences) {
    cases.push({
      name: `${name} / central differences`,
      covers: covers(problem, "reference", "f64"),
      requires: { arithmetic: ["f64", "i32"] },
      run: ({ backend }) => checkByDifferences(backend, problem, makeInputs(problem, "f64", problem.name)),
    });
  }
  return cases;
}

export function compositeCases(): ConformanceCase[] {
  return [...compositeProblems().flatMap(casesOf), ...badValueCases(), ...fusedDeterminismCases(), ...wideningCases()];
}
