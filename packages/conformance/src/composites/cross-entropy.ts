/** Problems for `linearCrossEntropy`: no rows, one row, ignored labels, ties for the largest logit, logits that overflow exp. */
import { linearCrossEntropy } from "@modernbert-ts/tensor-core";
import { given, normal, normalAround } from "../problem.ts";
import type { Input } from "../problem.ts";
import type { CompositeProblem } from "./problems.ts";

/** Labels in 0 … classes-1, every `every`-th ignored. */
function labels(rows: number, classes: number, every: number): Input {
  return {
    shape: [rows],
    kind: "i32",
    values: (random) => (at) => (every > 0 && at % every === 0 ? -100 : random.whole(0, classes - 1)),
  };
}

function crossEntropy(
  name: string,
  inputs: CompositeProblem["inputs"],
  more: Partial<CompositeProblem> = {},
): CompositeProblem {
  return {
    composite: "linearCrossEntropy",
    name,
    inputs,
    run: ([hidden, weight, bias, label]) => {
      const { lossSum, correct } = linearCrossEntropy(hidden!, weight!, bias!, label!);
      return [lossSum, correct];
    },
    seeded: [0],
    wanted: inputs[2] === null ? [0, 1] : [0, 1, 2],
    ...more,
  };
}

function zeros(rows: number, width: number): Input {
  return given("float", [rows, width], new Float64Array(rows * width));
}

export function crossEntropyProblems(): CompositeProblem[] {
  const sizes = [
    [1, 17, 64],
    [3, 5, 4],
    [0, 33, 64],
    [7, 1, 8],
    [33, 257, 64],
    [5, 1000, 65],
    [65, 129, 32],
    [9, 5003, 48],
  ] as const;
  const plain = sizes.flatMap(([rows, classes, width]) =>
    [normal(classes), null].map((bias) => {
      const name = `[${rows}, ${width}] over ${classes}${bias ? " with bias" : ""}`;
      const extra = {
        ...(rows === 3 ? { differences: true as const } : {}),
        ...(rows === 33 ? { halves: true as const } : {}),
      };
      return crossEntropy(
        name,
        [normal(rows, width), normalAround(0, 0.3, classes, width), bias, labels(rows, classes, 0)],
        extra,
      );
    }),
  );
  return [
    ...plain,
    crossEntropy("some labels ignored", [normal(40, 64), normal(70, 64), normal(70), labels(40, 70, 3)]),
    crossEntropy("all labels ignored", [normal(9, 64), normal(70, 64), null, labels(9, 70, 1)]),
    crossEntropy("equal logits: only label 0 is right", [
      zeros(6, 64),
      normal(50, 64),
      null,
      given("i32", [6], [0, 1, 0, 49, 7, 0]),
    ]),
    crossEntropy(
      "logits in the hundreds",
      [normalAround(0, 8, 12, 64), normalAround(0, 4, 90, 64), null, labels(12, 90, 0)],
      {
        looseness: 10,
      },
    ),
    crossEntropy("gradient of the hidden states alone", [normal(8, 64), normal(70, 64), null, labels(8, 70, 0)], {
      wanted: [0],
    }),
    crossEntropy("gradient of the weight alone", [normal(8, 64), normal(70, 64), null, labels(8, 70, 0)], {
      wanted: [1],
    }),
  ];
}
