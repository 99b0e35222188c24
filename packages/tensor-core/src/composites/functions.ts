/** The composites as functions. Shapes are documented with `CompositeAttrs`. */
import type { Activation, DropoutAttrs } from "../backend/fused.ts";
import type { DType } from "../dtype.ts";
import { ShapeError } from "../errors.ts";
import { reshape } from "../ops/views.ts";
import { drawAttrs } from "../random/random.ts";
import type { Draw } from "../random/random.ts";
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

/** input [T, k] times weights of 8 bits: words i32 [n, ⌈k / 4⌉] and scales [n] as `quantizeInt8` makes them → [T, n]. For inference only. */
export function int8Linear(input: Tensor, words: Tensor, scales: Tensor, bias: Tensor | null = null): Tensor {
  return applyComposite("int8Linear", [input, words, scales, bias], {})[0]!;
}

/** input [T, k] times weights of 4 bits as `quantizeInt4` makes them: words i32 [n, 16 · ⌈k / 128⌉] and scales [n, ⌈k / 128⌉] → [T, n]. For inference only. */
export function int4Linear(input: Tensor, words: Tensor, scales: Tensor, bias: Tensor | null = null): Tensor {
  return applyComposite("int4Linear", [input, words, scales, bias], {})[0]!;
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

/** Dropout with its draw; none where the rate is 0. */
export interface Dropout {
  readonly rate: number;
  readonly draw: Draw;
}

/** What composites get: attributes, and the step where it lies on the device. */
function dropoutParts(dropout: Dropout | undefined): { attrs: DropoutAttrs | null; step: Tensor | null } {
  if (!dropout || dropout.rate === 0) return { attrs: null, step: null };
  const { attrs, step } = drawAttrs(dropout.draw);
  return { attrs: { rate: dropout.rate, ...attrs }, step };
}

export interface ResidualLayerNormOptions {
  readonly eps: number;
  /** Of the normed rows. Default: that of x. */
  readonly dtype?: DType;
  /** Of delta, before it is added. */
  readonly dropout?: Dropout | undefined;
}

/** x, delta [T, d] → x + delta and its layer norm. */
export function residualLayerNorm(
  input: Tensor,
  delta: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { eps, dtype = input.dtype, dropout }: ResidualLayerNormOptions,
): { readonly sum: Tensor; readonly normed: Tensor } {
  const { attrs, step } = dropoutParts(dropout);
  const inputs = [input, delta, weight, bias, step];
  const [sum, normed] = applyComposite("residualLayerNorm", inputs, { eps, dtype, dropout: attrs });
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

/** x [T, d] → [T, d']: two linear layers (weights [out, in], biases or null) around an activation, gated if `wi` has two halves. */
export function mlp(
  input: Tensor,
  [wi, bi]: readonly [Tensor, Tensor | null],
  [wo, bo]: readonly [Tensor, Tensor | null],
  attrs: { readonly activation: Activation; readonly gated: boolean },
): Tensor {
  return applyComposite("mlp", [input, wi, bi, wo, bo], attrs)[0]!;
}

export interface VarlenAttentionOptions {
  readonly scale: number;
  /** Inclusive half-width of the sliding window, or null for all keys of the sequence. */
  readonly window: number | null;
  readonly maxSeqlen: number;
  /** Turns q and k inside, see `rope`. `positions` i32 [T] are those in the sequences. */
  readonly rope?: { readonly cos: Tensor; readonly sin: Tensor; readonly positions: Tensor };
  /** Keys of each sequence that are seen, from its beginning, i32 [N]. */
  readonly keyCounts?: Tensor;
  /** Of the probabilities. */
  readonly dropout?: Dropout | undefined;
}

/** qkv [T, 3, H, D], cuSeqlens i32 [N + 1] → [T, H, D]. */
export function varlenAttention(qkv: Tensor, cuSeqlens: Tensor, options: VarlenAttentionOptions): Tensor {
  const { scale, window, maxSeqlen, rope: tables, keyCounts = null, dropout } = options;
  const { attrs, step } = dropoutParts(dropout);
  const { cos = null, sin = null, positions = null } = tables ?? {};
  const inputs = [qkv, cuSeqlens, cos, sin, positions, keyCounts, step];
  return applyComposite("varlenAttention", inputs, { scale, window, maxSeqlen, dropout: attrs })[0]!;
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

/** A parameter with its gradient and moments, all of one shape. */
export interface AdamWSlot {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
  /** The parameter in another dtype, written with it. */
  readonly copy?: Tensor | undefined;
  /** Row of the controls. */
  readonly group: number;
}

/** `stableAdamW` over many parameters: controls [G, 5], gradScale [1]. */
export function stableAdamWAll(slots: readonly AdamWSlot[], controls: Tensor, gradScale: Tensor): void {
  const tensors = slots.flatMap(({ parameter, gradient, m, v, copy = null }) => [parameter, gradient, m, v, copy]);
  applyComposite("stableAdamWAll", [gradScale, controls, ...tensors], { groups: slots.map(({ group }) => group) });
}

/** sqrt(Σ over all tensors and elements of value²), f32 [1]. Not finite when any value is not, or when the sum exceeds f32. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  return applyComposite("globalNorm", tensors, {})[0]!;
}
