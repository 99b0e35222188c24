/** Problems for `stableAdamW`: several steps in place, clipped updates, a skipped step whose gradient is NaN. */
import { cast, globalNorm, stableAdamW, stableAdamWAll, stableAdamWControl } from "@modernbert-ts/tensor-core";
import type { Tensor } from "@modernbert-ts/tensor-core";
import { given, normal, normalAround } from "../problem.ts";
import type { Input } from "../problem.ts";
import type { CompositeProblem } from "./problems.ts";

interface Setting {
  readonly name: string;
  readonly shape: readonly number[];
  readonly gradient: Input;
  readonly firstStep?: number;
  readonly steps?: number;
  readonly gradScale?: number;
  readonly zeroState?: true;
  readonly maxLearningRate?: number;
}

function step({
  name,
  shape,
  gradient,
  firstStep = 1,
  steps = 1,
  gradScale = 1,
  zeroState,
  maxLearningRate,
}: Setting): CompositeProblem {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const state = (deviation: number): Input => {
    if (zeroState) return given("float", shape, new Float64Array(size));
    return { shape, kind: "float", values: (random) => () => deviation * Math.abs(random.normal()) };
  };
  const controls = Array.from({ length: steps }, (_, i) => {
    const control = { learningRate: 1e-3, beta1: 0.9, beta2: 0.98, eps: 1e-6, weightDecay: 1e-2 };
    return given(
      "f32",
      [5],
      stableAdamWControl({ ...control, step: firstStep + i, maxLearningRate: maxLearningRate ?? null }),
    );
  });
  return {
    composite: "stableAdamW",
    name,
    inputs: [normal(...shape), gradient, state(0.1), state(0.01), given("f32", [1], [gradScale]), ...controls],
    run: (tensors) => {
      const [p, g, m, v, scaleBy, ...steered] = tensors as Tensor[];
      for (const control of steered) stableAdamW(p!, g!, m!, v!, control, scaleBy!);
      return [p!, m!, v!];
    },
    seeded: [],
    wanted: [],
  };
}

function positive(...shape: number[]): Input {
  return { shape, kind: "float", values: (random) => () => 0.1 * Math.abs(random.normal()) };
}

/** Tensors of several shapes and groups, with copies in 16 bits and without; the same as one after another. */
function many(name: string, gradScale: number): CompositeProblem {
  const shapes = [[7], [33, 65], [0], [3, 4, 5]] as const;
  const controls = [1e-2, 0].flatMap((weightDecay) => [
    ...stableAdamWControl({
      learningRate: 1e-3,
      beta1: 0.9,
      beta2: 0.98,
      eps: 1e-6,
      weightDecay,
      step: 4,
      maxLearningRate: 2e-3,
    }),
  ]);
  return {
    composite: "stableAdamWAll",
    name,
    inputs: [
      given("f32", [1], [gradScale]),
      given("f32", [2, 5], controls),
      ...shapes.flatMap((shape) => [normal(...shape), normal(...shape), positive(...shape), positive(...shape)]),
    ],
    run: ([scaleBy, rows, ...tensors]) => {
      const slots = shapes.map((_, at) => {
        const [parameter, gradient, m, v] = tensors.slice(4 * at, 4 * at + 4) as [Tensor, Tensor, Tensor, Tensor];
        const copy = at % 2 === 1 ? cast(parameter, parameter.dtype === "f64" ? "f32" : "bf16") : undefined;
        return { parameter, gradient, m, v, copy, group: at % 2 };
      });
      stableAdamWAll(slots, rows!, scaleBy!);
      const copies = slots.flatMap(({ copy, parameter }) => (copy ? [cast(copy, parameter.dtype)] : []));
      return [...slots.flatMap(({ parameter, m, v }) => [parameter, m, v]), ...copies];
    },
    seeded: [],
    wanted: [],
    looseness: 2000,
  };
}

/** Tensors of any shapes; a NaN in one is a NaN in the norm. */
function normProblem(name: string, inputs: readonly Input[]): CompositeProblem {
  return {
    composite: "globalNorm",
    name,
    inputs,
    run: (tensors) => [globalNorm(tensors as Tensor[])],
    seeded: [],
    wanted: [],
  };
}

export function globalNormProblems(): CompositeProblem[] {
  return [
    normProblem("of several shapes", [normal(7), normal(33, 65), normal(0), normal(3, 4, 5), normal(70_001)]),
    normProblem("of one number", [given("float", [1], [-3])]),
    normProblem("with a NaN", [normal(5), given("float", [2], [1, Number.NaN])]),
  ];
}

export function stableAdamWProblems(): CompositeProblem[] {
  const shapes = [[1], [7], [33, 65], [3, 4, 5], [70_001], [0]];
  return [
    many("tensors of two groups, with copies", 1),
    many("a step that is skipped", 0),
    ...shapes.map((shape) =>
      step({ name: `one step on [${shape.join(", ")}]`, shape, gradient: normal(...shape), firstStep: 5 }),
    ),
    step({ name: "first five steps from zero", shape: [300], gradient: normal(300), steps: 5, zeroState: true }),
    step({
      name: "an update large enough to be clipped",
      shape: [300],
      gradient: normalAround(0, 50, 300),
      firstStep: 20,
    }),
    step({ name: "tiny gradients, below eps", shape: [300], gradient: normalAround(0, 1e-9, 300), zeroState: true }),
    step({
      name: "scaled gradients",
      shape: [300],
      gradient: normalAround(0, 1024, 300),
      gradScale: 1 / 1024,
      firstStep: 3,
    }),
    step({
      name: "fully decoupled weight decay",
      shape: [300],
      gradient: normal(300),
      maxLearningRate: 2e-3,
      firstStep: 3,
    }),
    step({
      name: "a step that is skipped",
      shape: [300],
      gradient: {
        shape: [300],
        kind: "float",
        values: (random) => (at) => (at % 7 === 0 ? Number.NaN : random.normal()),
      },
      gradScale: 0,
    }),
  ];
}
