/**
 * The primitives: a closed, small set. Everything else is views (free), `map` expressions or composites.
 *
 * Rules for all: shapes are already checked and broadcast by the core; extents may be 0 (then nothing is read; `reduce` writes its
 * identity, `matmul` writes zeros); floats accumulate in at least f32. Outputs are dense unless the line below says "strided".
 * Inputs are strided for `copy`, `map`, `reduce` and `matmul`, dense for the rest. Left to the device: which operand `max` and `min`
 * return when one is NaN, `reduce max` of nothing in integer types, and float→integer casts out of range.
 */
import type { Expression } from "../scalar/expression.ts";

/** The attributes of each primitive. Its comment says: inputs → outputs. */
export interface PrimitiveAttrs {
  /** () → out (strided). Every element becomes `value`. */
  fill: { readonly value: number };
  /** () → out. Element = `start + step * index` along the last axis, in f64 before the cast. */
  iota: { readonly start: number; readonly step: number };
  /**
   * () or (step u32 [2]) → out u32 or f32. Philox4x32-10: element i is word i % 4 of the block with counter
   * (i / 4 low, i / 4 high, counter[0] + step[0], counter[1] + step[1]) and the given key, each sum modulo 2^32. f32 gets (word >>> 8) · 2^-24, in [0, 1). The same bits on every backend. (Salmon et al., SC'11.)
   */
  randomBits: { readonly key: readonly [number, number]; readonly counter: readonly [number, number] };
  /** x → out (strided), same shape, any dtypes: float→float rounds to nearest even, float→int truncates toward zero. */
  copy: Record<never, never>;
  /** 1-6 inputs, each broadcast (stride 0) to the shape of out. Arithmetic in f32, in f64 when out is f64; cast at the end as in `copy`. */
  map: { readonly expression: Expression };
  /**
   * x → out: same rank, extent 1 along `axes`. Identity 0 for sum, -Infinity for max. The order of addition is fixed by the shape.
   * @example { kind: "sum", axes: [1] } // [T, d] → [T, 1]
   */
  reduce: { readonly kind: "sum" | "max"; readonly axes: readonly number[] };
  /**
   * a [B…, M, K], b [B…, K, N] → out [B…, M, N] (strided): `alpha · a·b`, plus the old content of out when `accumulate`.
   * Batch axes are equal or have stride 0. Transposes come as strides. a and b have one float dtype; out has it
   * too, or is f32 where they are f16 or bf16.
   */
  matmul: { readonly alpha: number; readonly accumulate: boolean };
  /** table [V, D], ids i32 [N] → out [N, D]. An id outside 0…V-1 writes zeros and makes the next `read` or `synchronize` reject. */
  gather: Record<never, never>;
  /** values [N, D], ids i32 [N] → out [V, D]: out[v] = Σ values[i] over ids[i] = v, added in an order fixed by ids and shape (no atomics). Bad ids as in `gather`. */
  segmentSum: Record<never, never>;
  /** x [R, K], ids i32 [R, J] → out [R, J]: out[r, j] = x[r, ids[r, j]]. Bad ids as in `gather`. */
  takeAlong: Record<never, never>;
  /** values [R, J], ids i32 [R, J] → out [R, K]: zeros, plus values[r, j] at column ids[r, j], in order of j. Bad ids as in `gather`. */
  putAlong: Record<never, never>;
}

export type PrimitiveName = keyof PrimitiveAttrs;

/** One function per primitive: `satisfies PrimitiveKernels` makes a backend that lacks one fail to compile. */
export type PrimitiveKernels<View> = {
  readonly [K in PrimitiveName]: (outputs: readonly View[], inputs: readonly View[], attrs: PrimitiveAttrs[K]) => void;
};
