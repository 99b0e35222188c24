/** The composites as functions. Shapes are documented with `CompositeAttrs`. */
import type { Activation } from "../backend/fused.ts";
import type { DType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { reshape } from "../ops/views.ts";
import { showShape } from "../shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { applyComposite } from "./apply-composite.ts";

/**
 * input [T…, K], weight [N, K], bias [N] | null → input · weightᵀ + bias [T…, N] in the input's dtype. The weight has that dtype or a
 * shorter one, and is read as it is.
 * @throws ShapeError, DTypeError when the three do not fit.
 */
export function linear(input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  const [outputs, inputs] = weight.shape;
  if (weight.rank !== 2 || input.shape.at(-1) !== inputs) {
    throw new ShapeError(
      "linear",
      `expected input [T…, K] and weight [N, K], got ${showShape(input.shape)} and ${showShape(weight.shape)}`,
    );
  }
  const apply = (rows: Tensor): Tensor => applyComposite("linear", [rows, weight, bias], {})[0]!;
  if (input.rank === 2) return apply(input);
  return input.runtime.scope(() => {
    return reshape(apply(reshape(input, [-1, inputs!])), [...input.shape.slice(0, -1), outputs!]);
  });
}

/** input [T, k] f32 times weights of 8 bits: words i32 [n, ⌈k / 4⌉] and scales [n] as `quantizeInt8` makes them → [T, n]. For inference only. */
export function int8Linear(input: Tensor, words: Tensor, scales: Tensor, bias: Tensor | null = null): Tensor {
  return applyComposite("int8Linear", [input, words, scales, bias], {})[0]!;
}

/** x [T, d] → [T, d] in `dtype`. */
export function layerNorm(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  eps: number,
  dtype: DType = input.dtype,
): Tensor {
  return applyComposite("layerNorm", [input, weight, bias], { eps, dtype })[0]!;
}

/** x, delta [T, d] → x + delta and its layer norm in `dtype`. */
export function residualLayerNorm(
  input: Tensor,
  delta: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  eps: number,
  dtype: DType = input.dtype,
): { readonly sum: Tensor; readonly normed: Tensor } {
  const [sum, normed] = applyComposite("residualLayerNorm", [input, delta, weight, bias], { eps, dtype });
  return { sum: sum!, normed: normed! };
}

/** x [T, 2I] → activation(first half) · second half [T, I]. */
export function glu(input: Tensor, activation: Activation): Tensor {
  return applyComposite("glu", [input], { activation })[0]!;
}

/** qkv [T, 3, H, D] with q and k rotated; cos, sin [P, D/2], positions i32 [T]. */
export function rope(qkv: Tensor, cos: Tensor, sin: Tensor, positions: Tensor): Tensor {
  return applyComposite("rope", [qkv, cos, sin, positions], {})[0]!;
}

export interface VarlenAttentionOptions {
  readonly scale: number;
  /** Inclusive half-width of the sliding window, or null for all keys of the sequence. */
  readonly window: number | null;
  readonly maxSeqlen: number;
}

/** qkv [T, 3, H, D], cuSeqlens i32 [N + 1] → [T, H, D]. */
export function varlenAttention(qkv: Tensor, cuSeqlens: Tensor, options: VarlenAttentionOptions): Tensor {
  return applyComposite("varlenAttention", [qkv, cuSeqlens], options)[0]!;
}

/** hidden [M, d], weight [V, d], bias [V] | null, labels i32 [M] → Σ cross-entropy [1] and the count of right rows [1]. */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  labels: Tensor,
): { readonly lossSum: Tensor; readonly correct: Tensor } {
  const [lossSum, correct] = applyComposite("linearCrossEntropy", [hidden, weight, bias, labels], {});
  return { lossSum: lossSum!, correct: correct! };
}

/** One optimizer step in place on parameter, m and v; control [5] from `stableAdamWControl`, gradScale [1]. */
export function stableAdamW(
  parameter: Tensor,
  gradient: Tensor,
  m: Tensor,
  v: Tensor,
  control: Tensor,
  gradScale: Tensor,
): void {
  applyComposite("stableAdamW", [parameter, gradient, m, v, control, gradScale], {});
}
