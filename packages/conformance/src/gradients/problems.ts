/** One or more problems for the gradient rule of each primitive, and for the derivative of each scalar function. */
import {
  add,
  concat,
  contiguous,
  expand,
  gather,
  linear,
  map,
  matmul,
  max,
  mul,
  permute,
  putAlong,
  reshape,
  scalar,
  scalarTable,
  segmentSum,
  slice,
  sum,
  takeAlong,
  transpose,
  x,
} from "@modernbert-ts/tensor-core";
import type { Expression, PrimitiveName, ScalarFunctionName, Tensor } from "@modernbert-ts/tensor-core";
import { expressions } from "../primitives/map.ts";
import { given, ids, normal, normalAround } from "../problem.ts";
import type { Input, Problem } from "../problem.ts";

export interface GradientProblem extends Problem {
  readonly rule: PrimitiveName;
}

type Program = (...tensors: Tensor[]) => Tensor;

function problem(rule: PrimitiveName, name: string, inputs: readonly Input[], program: Program): GradientProblem {
  return {
    rule,
    name,
    inputs,
    run: (tensors) => [program(...(tensors as Tensor[]))],
    seeded: [0],
    wanted: inputs.flatMap(({ kind }, at) => (kind === "float" ? [at] : [])),
  };
}

/** Where a function is smooth: away from its kinks and poles. */
const ranges: Partial<Record<ScalarFunctionName, Input>> = {
  log: normalAround(9, 1, 40),
  sqrt: normalAround(9, 1, 40),
  rsqrt: normalAround(9, 1, 40),
  abs: given("float", [6], [-3, -1, -0.5, 0.5, 1, 3]),
};

function functionProblems(): GradientProblem[] {
  const names = Object.keys(scalarTable) as ScalarFunctionName[];
  return names
    .filter((name) => scalarTable[name].derivative !== "none")
    .map((name) => {
      const { arity } = scalarTable[name];
      const build = scalar[name] as (...args: readonly Expression[]) => Expression;
      const inputs = Array.from({ length: arity }, (_, i) =>
        name === "div" && i === 1 ? normalAround(9, 1, 40) : (ranges[name] ?? normal(40)),
      );
      const args = inputs.map((_, i) => (name === "select" && i === 0 ? scalar.less(x(0), 0.25) : x(i)));
      return problem("map", `function ${name}`, inputs, (...tensors) => map(build(...args), tensors));
    });
}

function expressionProblems(): GradientProblem[] {
  return (["shared parts", "gelu, tanh form", "gated sigmoid", "three inputs", "forty steps"] as const).map((name) => {
    const counts = { "gated sigmoid": 2, "three inputs": 3 } as Record<string, number>;
    const inputs = Array.from({ length: counts[name] ?? 1 }, () => normal(50));
    return problem("map", name, inputs, (...tensors) => map(expressions[name]!, tensors));
  });
}

export function gradientProblems(): GradientProblem[] {
  return [
    ...functionProblems(),
    ...expressionProblems(),
    problem("map", "broadcast rows and columns", [normal(4, 5), normal(5), normal(4, 1)], (a, b, c) => {
      return map(scalar.mul(scalar.add(x(0), x(1)), x(2)), [a!, b!, c!]);
    }),
    problem("map", "one tensor used three times", [normal(7)], (a) => mul(add(a!, a!), a!)),
    problem("map", "a scalar over everything", [normal(3, 4), normal()], (a, b) => mul(a!, b!)),
    problem("copy", "dense copy of a transposed tensor", [normal(3, 5)], (a) =>
      mul(contiguous(transpose(a!)), contiguous(transpose(a!))),
    ),
    problem("copy", "slices and concatenation", [normal(4, 6), normal(4, 2)], (a, b) => {
      return concat([mul(slice(a!, 1, 3, 6), slice(a!, 1, 0, 3)), b!, slice(a!, 1, 1, 2)], 1);
    }),
    problem("copy", "expand, permute and reshape", [normal(3, 1, 4)], (a) => {
      const wide = permute(expand(a!, [3, 2, 4]), [1, 2, 0]);
      return reshape(mul(wide, wide), [8, 3]);
    }),
    problem("reduce", "sum over the last axis", [normal(4, 5)], (a) => mul(sum(a!, [1]), a!)),
    problem("reduce", "sum over several axes", [normal(2, 3, 4)], (a) => mul(sum(a!, [0, 2]), sum(a!))),
    problem("reduce", "max over the last axis", [normal(5, 6)], (a) => mul(max(a!, [1]), a!)),
    problem("reduce", "max over the first axis", [normal(5, 6)], (a) => max(a!, [0])),
    problem("matmul", "two matrices", [normal(5, 7), normal(7, 3)], (a, b) => matmul(a!, b!)),
    problem("matmul", "linear layer with bias", [normal(2, 5, 7), normal(3, 7), normal(3)], (a, weight, bias) =>
      linear(a!, weight!, bias!),
    ),
    problem("matmul", "transposed on both sides", [normal(7, 5), normal(3, 7)], (a, b) =>
      matmul(transpose(a!), transpose(b!)),
    ),
    problem("matmul", "batches", [normal(2, 3, 4, 5), normal(2, 3, 5, 2)], (a, b) => matmul(a!, b!)),
    problem("matmul", "broadcast batches", [normal(3, 1, 4, 5), normal(2, 5, 2)], (a, b) => matmul(a!, b!)),
    problem("matmul", "a product with itself", [normal(4, 4)], (a) => matmul(a!, matmul(a!, transpose(a!)))),
    problem(
      "gather",
      "repeated and unused rows",
      [normal(6, 3), given("i32", [7], [1, 5, 1, 0, 1, 5, 3])],
      (table, rows) => gather(table!, rows!),
    ),
    problem("gather", "ids of two axes", [normal(5, 2), ids(5, 3, 4)], (table, rows) =>
      mul(gather(table!, rows!), gather(table!, rows!)),
    ),
    problem(
      "segmentSum",
      "repeated and empty segments",
      [normal(7, 3), given("i32", [7], [1, 5, 1, 0, 1, 5, 3])],
      (values, rows) => {
        return mul(segmentSum(values!, rows!, 6), segmentSum(values!, rows!, 6));
      },
    ),
    problem("takeAlong", "repeated columns", [normal(3, 5), ids(5, 3, 4)], (a, columns) =>
      mul(takeAlong(a!, columns!), takeAlong(a!, columns!)),
    ),
    problem("putAlong", "repeated columns", [normal(3, 4), ids(5, 3, 4)], (a, columns) =>
      mul(putAlong(a!, columns!, 5), putAlong(a!, columns!, 5)),
    ),
  ];
}
