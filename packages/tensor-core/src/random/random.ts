/** Random tensors from Philox. A draw is named by a seed and a stream; the same name gives the same values on every backend. */
import type { DropoutAttrs } from "../backend/fused.ts";
import type { PrimitiveAttrs } from "../backend/primitives.ts";
import { applyPrimitive } from "../ops/apply-primitive.ts";
import { map } from "../ops/elementwise.ts";
import { x } from "../scalar/expression.ts";
import type { Expression } from "../scalar/expression.ts";
import { scalar } from "../scalar/functions.ts";
import { ShapeError } from "../errors.ts";
import { sameShape, showShape } from "../shape.ts";
import type { Shape } from "../shape.ts";
import type { Runtime } from "../tensor/runtime.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { erf } from "../scalar/erf.ts";

/** Names a draw: the same three numbers give the same bits on every backend, any other number gives others. */
export interface Draw {
  /** The run's, unsigned 32-bit. */
  readonly seed: number;
  /** Where in the program: one number for each place that draws (a parameter, a dropout), unsigned 32-bit. */
  readonly stream: number;
  /**
   * When: the number of the training step, below 2^53; or a dense tensor u32 [2] with its words, low first (`stepWords`), which a captured
   * step reads anew at each replay. The same number gives the same bits both ways. Default 0.
   */
  readonly step?: number | Tensor;
}

/** A step number as `Draw.step` has it on the device. @example runtime.write(step, stepWords(1000)) */
export function stepWords(step: number): Uint32Array {
  return Uint32Array.of(step % 2 ** 32, Math.floor(step / 2 ** 32));
}

/** A draw as primitives and composites take it: attributes, and the step where it lies on the device. */
export function drawAttrs({ seed, stream, step = 0 }: Draw): {
  readonly attrs: PrimitiveAttrs["randomBits"];
  readonly step: Tensor | null;
} {
  const [low, high] = typeof step === "number" ? stepWords(step) : [0, 0];
  const attrs = { key: [seed >>> 0, stream >>> 0], counter: [low!, high!] } as const;
  return { attrs, step: typeof step === "number" ? null : expectStep(step) };
}

/** Uniform in [0, 1), f32 with 24 random bits. */
export function uniform(runtime: Runtime, shape: Shape, draw: Draw): Tensor {
  const { attrs, step } = drawAttrs(draw);
  return randomNumbers(runtime, shape, attrs, step);
}

function randomNumbers(
  runtime: Runtime,
  shape: Shape,
  attrs: PrimitiveAttrs["randomBits"],
  step: Tensor | null,
): Tensor {
  return applyPrimitive("randomBits", runtime, { shape, dtype: "f32" }, step ? [step] : [], attrs);
}

function expectStep(step: Tensor): Tensor {
  if (step.dtype === "u32" && step.dense && sameShape(step.shape, [2])) return step;
  throw new ShapeError("uniform", `expected step as dense u32 [2], got ${step.dtype} ${showShape(step.shape)}`);
}

/** N(0, std²) cut at ±cutoff·std, by inversion: torch's `trunc_normal_`, which ModernBERT's initialisation uses with cutoff 2. */
export function truncatedNormal(runtime: Runtime, shape: Shape, std: number, cutoff: number, draw: Draw): Tensor {
  const bound = erf(cutoff * Math.SQRT1_2);
  return runtime.scope(() => {
    const z = scalar.mul(bound, scalar.sub(scalar.mul(2, x(0)), 1));
    const limited = scalar.max(-cutoff, scalar.min(cutoff, scalar.mul(Math.SQRT2, inverseErf(z))));
    return map(scalar.mul(std, limited), [uniform(runtime, shape, draw)]);
  });
}

/** Zeros each element with probability `rate` and divides the others by 1 - rate. */
export function dropout(input: Tensor, rate: number, draw: Draw): Tensor {
  if (rate === 0) return input;
  const { attrs, step } = drawAttrs(draw);
  return dropoutBy(input, { rate, ...attrs }, step);
}

/** The same as composites name it. */
export function dropoutBy(input: Tensor, { rate, key, counter }: DropoutAttrs, step: Tensor | null): Tensor {
  const kept = scalar.select(scalar.lessEqual(rate, x(1)), scalar.div(x(0), 1 - rate), 0);
  const { runtime, shape } = input;
  return runtime.scope(() => map(kept, [input, randomNumbers(runtime, shape, { key, counter }, step)]));
}

/** erf⁻¹ by Giles' single-precision polynomials ("Approximating the erfinv function", 2010); relative error about 1e-7. */
function inverseErf(z: Expression): Expression {
  const w = scalar.neg(scalar.log(scalar.mul(scalar.sub(1, z), scalar.add(1, z))));
  const central = polynomial(scalar.sub(w, 2.5), centralCoefficients);
  const tail = polynomial(scalar.sub(scalar.sqrt(w), 3), tailCoefficients);
  return scalar.mul(z, scalar.select(scalar.less(w, 5), central, tail));
}

const centralCoefficients = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3,
  0.246640727, 1.50140941,
];
const tailCoefficients = [
  -2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406,
  2.83297682,
];

function polynomial(at: Expression, coefficients: readonly number[]): Expression {
  return coefficients.slice(1).reduce<Expression>((sum, c) => scalar.add(scalar.mul(sum, at), c), {
    kind: "constant",
    value: coefficients[0]!,
  });
}
