/**
 * Composites: operations with a mandatory differentiable reference (in `composites/`) and an optional fused kernel per backend.
 *
 * This file is the contract between both: what goes in and comes out of each, and what a fused kernel has to declare.
 * `null` among inputs is an absent optional tensor.
 */
import type { DType } from "../dtype.ts";
import type { Shape } from "../shape.ts";
import type { View } from "./backend.ts";

/** Shape and dtype of a tensor, without its data. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The activations that ModernBERT configs name. `gelu` is exact (erf), `gelu_tanh` its tanh approximation. */
export type Activation = "gelu" | "gelu_tanh" | "silu" | "relu";

/**
 * Dropout inside a composite: an element is 0 where its number of the draw is below `rate`, else divided by 1 - rate. The draw is
 * `randomBits` of this key and counter (and the step u32 [2] among the inputs, where there is one) in the shape of the elements.
 */
export interface DropoutAttrs {
  readonly rate: number;
  readonly key: readonly [number, number];
  readonly counter: readonly [number, number];
}

/** The attributes of each composite. Its comment says: inputs → outputs. T counts tokens, H heads, D numbers per head. */
export interface CompositeAttrs {
  /** x [T, d], weight [d], bias [d] | null → y [T, d] in `dtype`: (x - mean) / sqrt(var + eps) · weight + bias, biased variance. */
  layerNorm: { readonly eps: number; readonly dtype: DType };
  /**
   * x [T, d], delta [T, d], weight [d], bias [d] | null, step u32 [2] | null → sum [T, d] = x + delta, y [T, d] in `dtype` = layerNorm(sum).
   * With `dropout`, delta is dropped first; no mask is held, the backward draws again.
   */
  residualLayerNorm: { readonly eps: number; readonly dtype: DType; readonly dropout: DropoutAttrs | null };
  /** x [T, 2I] → y [T, I] = activation(x[:, :I]) · x[:, I:]. */
  glu: { readonly activation: Activation };
  /**
   * qkv [T, 3, H, D], cos [P, D/2], sin [P, D/2], positions i32 [T] → [T, 3, H, D]: q and k rotated by halves (NeoX), v copied.
   * Positions lie in 0…P-1. Not differentiable in cos and sin.
   */
  rope: Record<never, never>;
  /**
   * x [T, d], wi [n, d], bi [n] | null, wo [d', I], bo [d'] | null → y [T, d'] = linear(hidden, wo, bo), where h = linear(x, wi, bi) and hidden
   * [T, I] = glu(h) if `gated` (n = 2I), else activation(h) (n = I).
   */
  mlp: { readonly activation: Activation; readonly gated: boolean };
  /**
   * qkv [T, 3, H, D], cuSeqlens i32 [N + 1] (0 first, T last, not decreasing), cos | null, sin | null [P, D/2], positions i32 [T] | null,
   * keyCounts i32 [N] | null, step u32 [2] | null → out [T, H, D].
   * softmax(q·k · scale) · v inside each sequence; with `window` w only keys with |i - j| ≤ w (inclusive). `maxSeqlen` ≥ the longest sequence.
   * With cos and sin, q and k are turned first as by `rope`, the position of a token being its index in the sequence; `positions` says the
   * same to whoever turns by `rope`. With keyCounts only the first keyCounts[n] keys of sequence n are seen; below 1 all rows of it are 0.
   * With `dropout` the probabilities are dropped, as elements of [T, H, maxSeqlen]: token, head, key in its sequence.
   */
  varlenAttention: {
    readonly scale: number;
    readonly window: number | null;
    readonly maxSeqlen: number;
    readonly dropout: DropoutAttrs | null;
  };
  /**
   * hidden [M, d], weight [V, d], bias [V] | null, labels i32 [M] → lossSum [1], correct [1].
   * lossSum = Σ cross-entropy of hidden·weightᵀ + bias; correct = rows whose largest logit (first on ties) is the label.
   * Rows with a negative label count for neither. `correct` carries no gradient.
   */
  linearCrossEntropy: Record<never, never>;
  /**
   * p, g, m, v (all one shape), control f32 [5], gradScale f32 [1] → p, m, v, updated in place (outputs are the buffers of inputs 0, 2, 3).
   * control = [lr, β̂1, β̂2, eps, decay]. With g' = g · gradScale: m ← β̂1 m + (1-β̂1) g', v ← β̂2 v + (1-β̂2) g'²,
   * η = lr / max(1, sqrt(mean(g'² / max(v, eps²)))), p ← p (1 - η · decay) - η m / (sqrt(v) + eps). (optimi StableAdamW; facts in `composites/`.)
   * gradScale 0 (found a NaN or Inf) means skip: nothing changes.
   */
  stableAdamW: Record<never, never>;
  /**
   * gradScale f32 [1], controls f32 [G, 5], then for each tensor p, g, m, v and copy | null (all five one shape) → p, m, v and the copies that
   * are there, updated in place: `stableAdamW` with row `groups[i]` of controls for tensor i, then copy = p in the copy's dtype.
   */
  stableAdamWAll: { readonly groups: readonly number[] };
  /** Tensors of any shapes, f32 or shorter → norm f32 [1] = sqrt(Σ of all squares), added in an order fixed by the shapes. Not differentiable. */
  globalNorm: Record<never, never>;
  /**
   * x [T, k], weight [n, k], bias [n] | null → y [T, n] = x · weightᵀ + bias in the dtype of x, accumulated in at least f32.
   * The weight has the dtype of x or a shorter one; a kernel never holds a widened copy of all of it. Where both have one dtype that the
   * device accelerates, a kernel is only worth while if it beats the primitive `matmul` (an epilogue with the bias, say).
   */
  linear: Record<never, never>;
  /**
   * x [T, k], weight i32 [n, ⌈k / 4⌉], scales f32 [n], bias [n] | null → y [T, n] in the dtype of x; in f32 inside. Not differentiable.
   * A word of `weight` holds four signed bytes, the first of them lowest; beyond k they are 0 (`quantizeInt8` makes both).
   * Each row of x is rounded to bytes too, a = max|x|, q = round(x · (127 / a)) with ties to even (zeros where a ≤ 1e-30), and
   * y = (Σ q · w) · scales · (a / 127) + bias, the sum in whole numbers. A row with a NaN or an infinity becomes NaN.
   */
  int8Linear: Record<never, never>;
  /**
   * x [T, k], weight i32 [n, 16 · ⌈k / 128⌉], scales f32 [n, ⌈k / 128⌉], bias [n] | null → y [T, n] in the dtype of x; in f32 inside. Not
   * differentiable. 16 words of `weight` are 128 columns, byte j of them w + 8 of columns j (lower half) and j + 64, 8 beyond k (`quantizeInt4`).
   * Rows of x are rounded as for `int8Linear`: y = (Σ over groups of scale · (Σ q · w)) · (a / 127) + bias, the inner sum in whole numbers.
   */
  int4Linear: Record<never, never>;
}

export type CompositeName = keyof CompositeAttrs;

/** What a fused kernel is asked before it is used. */
export interface CompositeQuery<K extends CompositeName> {
  readonly attrs: CompositeAttrs[K];
  /** null where absent. */
  readonly inputs: readonly (TensorSpec | null)[];
  /** As the composite's definition infers them. */
  readonly outputs: readonly TensorSpec[];
  /** A gradient will be asked for, so `saved` must be written. */
  readonly training: boolean;
}

/** What a forward kernel gets. */
export interface ForwardCall<K extends CompositeName> {
  readonly attrs: CompositeAttrs[K];
  /** In the order of the composite's comment; null where absent. */
  readonly inputs: readonly (View | null)[];
  /** To be written, as the query's `outputs` describe them. */
  readonly outputs: readonly View[];
  /** As declared by `saved`; empty unless training. */
  readonly saved: readonly View[];
}

/** What a backward kernel gets. */
export interface BackwardCall<K extends CompositeName> {
  readonly attrs: CompositeAttrs[K];
  /** null where not listed in `backwardReads.inputs` or absent. */
  readonly inputs: readonly (View | null)[];
  /** null where not listed in `backwardReads.outputs`. */
  readonly outputs: readonly (View | null)[];
  /** What the forward left behind. */
  readonly saved: readonly View[];
  /** One for each output, in its shape and dtype; null is a zero gradient. */
  readonly gradOutputs: readonly (View | null)[];
  /** One for each input, in its shape and dtype (or see `wideGradients`), to be written (not accumulated); null where nobody asks. */
  readonly gradInputs: readonly (View | null)[];
}

/** All views are dense. Every kernel must say how it is differentiated: there is no default. */
export interface FusedKernel<K extends CompositeName> {
  /** true, or why not; the reason is counted and shown by `fusedReport()`. */
  supports(query: CompositeQuery<K>): true | { readonly reason: string };
  /** Tensors that the forward leaves behind for the backward: made only in training, kept until the backward ran. */
  saved(query: CompositeQuery<K>): readonly TensorSpec[];
  /** Which inputs and outputs (by index) the backward reads; the others are not kept alive for it. */
  readonly backwardReads: { readonly inputs: readonly number[]; readonly outputs: readonly number[] };
  /** The backward writes gradients of 16-bit inputs in f32 where that is asked for; else they are cast. */
  readonly wideGradients?: true;
  /** Queues the kernel; called where `supports` said true. */
  forward(call: ForwardCall<K>): void;
  /** `recompute` differentiates the reference instead; `none` is only for composites that have no gradient (`stableAdamW`, `int8Linear`, `int4Linear`). */
  readonly backward: ((call: BackwardCall<K>) => void) | "recompute" | "none";
}

/** One kernel per composite. A backend has some of them (`Backend.fused`). */
export type FusedImplementations = { readonly [K in CompositeName]: FusedKernel<K> };

/** Made of other composites and primitives at no great loss: where there is no kernel for the whole, these run. */
export type CompoundName = "mlp" | "stableAdamWAll" | "globalNorm";

/** For memory that is scarce and a processor that is there anyway: kernels of devices need not have it. */
export type HostCompositeName = "int4Linear";

/** What a backend of a device has. */
export type DeviceFusedImplementations = Omit<FusedImplementations, HostCompositeName>;

/** What a backend has that fuses everything which would be slow otherwise. */
export type BasicFusedImplementations = Omit<DeviceFusedImplementations, CompoundName>;
