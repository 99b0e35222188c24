/** The composites' problems: what ModernBERT needs, and the corners around it. */
import { cast, glu, layerNorm, mlp, residualLayerNorm, rope } from "@modernbert-ts/tensor-core";
import type { Activation, CompositeName, Tensor } from "@modernbert-ts/tensor-core";
import { given, ids, normal, normalAround } from "../problem.ts";
import type { Input, Problem } from "../problem.ts";

export interface CompositeProblem extends Problem {
  readonly composite: CompositeName;
  /** A fused kernel may refuse it: ModernBERT never asks for this shape. */
  readonly mayRefuse?: true;
  /** Small and smooth enough for central differences. */
  readonly differences?: true;
  /** The fused kernel is tried in f16 and bf16 too. */
  readonly halves?: true;
  /** Scales the bounds where a problem is ill-conditioned on purpose. */
  readonly looseness?: number;
}

const eps = 1e-5;

export function normProblems(): CompositeProblem[] {
  const sizes = [
    [1, 64],
    [3, 7],
    [2, 1],
    [0, 64],
    [33, 128],
    [67, 96],
    [5, 1155],
  ] as const;
  const single = sizes.flatMap(([rows, width]) =>
    [normal(width), null].map((bias): CompositeProblem => {
      return {
        composite: "layerNorm",
        name: `[${rows}, ${width}]${bias ? " with bias" : ""}`,
        inputs: [normalAround(0.5, 2, rows, width), normalAround(1, 0.5, width), bias],
        run: ([input, weight, shift]) => [layerNorm(input!, weight!, shift!, eps)],
        seeded: [0],
        wanted: bias ? [0, 1, 2] : [0, 1],
        ...(width === 1 ? { looseness: 20 } : {}),
        ...(rows === 3 ? { differences: true } : {}),
        ...(rows === 33 ? { halves: true } : {}),
      };
    }),
  );
  const offset: CompositeProblem = {
    ...single.find(({ name }) => name === "[33, 128]")!,
    name: "rows far from zero",
    inputs: [normalAround(100, 1, 33, 128), normal(128), null],
    looseness: 40,
  };
  const residual = sizes.flatMap(([rows, width]) =>
    (
      [
        ["both outputs", [0, 1]],
        ["only the norm", [1]],
        ["only the sum", [0]],
      ] as const
    ).map(([name, seeded]): CompositeProblem => {
      const bias = width === 128 ? normal(width) : null;
      return {
        composite: "residualLayerNorm",
        name: `[${rows}, ${width}]${bias ? " with bias" : ""}, gradient of ${name}`,
        inputs: [normal(rows, width), normalAround(0.2, 2, rows, width), normalAround(1, 0.5, width), bias],
        run: ([input, delta, weight, shift]) => {
          const { sum, normed } = residualLayerNorm(input!, delta!, weight!, shift!, { eps });
          return [sum, normed];
        },
        seeded,
        wanted: bias ? [0, 1, 2, 3] : [0, 1, 2],
        // One column: every row is its own mean, and the gradient is what is left of two large numbers.
        ...(width === 1 ? { looseness: 20 } : {}),
        ...(rows === 3 ? { differences: true } : {}),
        ...(rows === 33 ? { halves: true } : {}),
      };
    }),
  );
  const dropped = [7, [7, 0]].map((step): CompositeProblem => {
    return {
      composite: "residualLayerNorm",
      name: `delta dropped, the step ${typeof step === "number" ? "in the attributes" : "on the device"}`,
      inputs: [
        normal(5, 16),
        normalAround(0.2, 2, 5, 16),
        normalAround(1, 0.5, 16),
        null,
        ...(typeof step === "number" ? [] : [given("u32", [2], step)]),
      ],
      run: ([input, delta, weight, , device]) => {
        const draw = { seed: 3, stream: 4, step: device ?? 7 };
        const { sum, normed } = residualLayerNorm(input!, delta!, weight!, null, {
          eps,
          dropout: { rate: 0.25, draw },
        });
        return [sum, normed];
      },
      seeded: [0, 1],
      wanted: [0, 1, 2],
      differences: true,
    };
  });
  // The f64 solution rounds to f16 too: now and then to the other side, by 2^-10 of a value.
  const narrow = { looseness: 500, mayRefuse: true } as const;
  const narrowNorm: CompositeProblem = {
    ...single.find(({ name }) => name === "[67, 96] with bias")!,
    ...narrow,
    name: "from f32 to f16",
    run: ([input, weight, shift]) => [cast(layerNorm(input!, weight!, shift!, eps, "f16"), input!.dtype)],
  };
  const narrowResidual: CompositeProblem = {
    ...residual.find(({ name }) => name.startsWith("[67, 96]"))!,
    ...narrow,
    name: "from f32 to f16",
    run: ([input, delta, weight, shift]) => {
      const { sum, normed } = residualLayerNorm(input!, delta!, weight!, shift!, { eps, dtype: "f16" });
      return [sum, cast(normed, input!.dtype)];
    },
  };
  const frozenWeight: CompositeProblem = { ...single[0]!, name: "gradient of the input alone", wanted: [0] };
  const frozenInput: CompositeProblem = { ...single[9]!, name: "gradient of the weight alone", wanted: [1] };
  return [...single, offset, narrowNorm, frozenWeight, frozenInput, ...residual, ...dropped, narrowResidual];
}

const activations: readonly Activation[] = ["gelu", "gelu_tanh", "silu", "relu"];

export function gluProblems(): CompositeProblem[] {
  const sizes = [
    [1, 1],
    [3, 7],
    [0, 16],
    [2, 64],
    [33, 130],
    [9, 1152],
  ] as const;
  const plain = activations.flatMap((activation) =>
    sizes.map(([rows, width]): CompositeProblem => {
      return {
        composite: "glu",
        name: `${activation} [${rows}, ${2 * width}]`,
        inputs: [normalAround(0, 2, rows, 2 * width)],
        run: ([input]) => [glu(input!, activation)],
        seeded: [0],
        wanted: [0],
        ...(rows === 3 ? { differences: true } : {}),
        ...(rows === 33 ? { halves: true } : {}),
      };
    }),
  );
  const extremes = [-1e4, -200, -100, -50, -20, -10, -6, -1e-3, -1e-30, 0, 1e-30, 1e-3, 6, 10, 20, 50, 100, 200, 1e4];
  const extreme = activations.map((activation): CompositeProblem => {
    return {
      composite: "glu",
      name: `${activation} of extreme numbers`,
      inputs: [
        given(
          "float",
          [extremes.length, 2],
          extremes.flatMap((value) => [value, 1]),
        ),
      ],
      run: ([input]) => [glu(input!, activation)],
      seeded: [0],
      wanted: [0],
    };
  });
  return [...plain, ...extreme];
}

export function mlpProblems(): CompositeProblem[] {
  return activations.flatMap((activation) =>
    [true, false].flatMap((gated) =>
      [true, false].map((biased): CompositeProblem => {
        const [rows, width, inner, outer] = [7, 6, 8, 5];
        const first = gated ? 2 * inner : inner;
        return {
          composite: "mlp",
          name: `${activation}${gated ? " gated" : ""}${biased ? " with biases" : ""}`,
          inputs: [
            normal(rows, width),
            normal(first, width),
            biased ? normal(first) : null,
            normal(outer, inner),
            biased ? normal(outer) : null,
          ],
          run: ([input, wi, bi, wo, bo]) => [mlp(input!, [wi!, bi!], [wo!, bo!], { activation, gated })],
          seeded: [0],
          wanted: biased ? [0, 1, 2, 3, 4] : [0, 1, 3],
          ...(activation === "relu" ? {} : { differences: true as const }),
        };
      }),
    ),
  );
}

/** cos and sin of the usual angles, so that q and k keep their length. */
export function table(of: (angle: number) => number, positions: number, half: number): Input {
  const angles = Array.from(
    { length: positions * half },
    (_, at) => Math.floor(at / half) * 10_000 ** (-(at % half) / half),
  );
  return given("f32", [positions, half], angles.map(of));
}

export function ropeProblems(): CompositeProblem[] {
  const sizes = [
    [1, 1, 64],
    [7, 3, 2],
    [5, 2, 6],
    [0, 2, 64],
    [33, 3, 64],
    [9, 12, 32],
  ] as const;
  return sizes.map(([tokens, heads, width]) => {
    const positions = 50;
    return {
      composite: "rope",
      name: `[${tokens}, 3, ${heads}, ${width}]`,
      inputs: [
        normal(tokens, 3, heads, width),
        table(Math.cos, positions, width / 2),
        table(Math.sin, positions, width / 2),
        ids(positions, tokens),
      ],
      run: (tensors) => [rope(...(tensors as [Tensor, Tensor, Tensor, Tensor]))],
      seeded: [0],
      wanted: [0],
      ...(width < 64 && tokens < 8 ? { differences: true as const } : {}),
      ...(tokens === 33 ? { halves: true as const } : {}),
    };
  });
}
