/* What the two backward kernels of 16-bit numbers share. Both work out the probabilities again from lse, P = 2^(score · scale_log2 - lse), and
 * with them the gradient of the scores, P ∘ (grad_out·vᵀ - delta), in slices of 16 columns that go from one product to the next in registers. */
#ifndef MB_ATTENTION_BACKWARD_SHAPE_H
#define MB_ATTENTION_BACKWARD_SHAPE_H

#include "kernels/attention/dropout.h"
#include "kernels/attention/rotary.h"
#include "kernels/attention/scores.h"
#include "kernels/attention/visits.h"

/* T is mb_bf16 or mb_f16, D the head size. A block has 64 rows of one head, each warp 16 of them, and meets 64 others at a time. */
template <typename T_, int D_, bool DROPS_> struct mb_backward_shape {
  using T = T_;
  static constexpr int D = D_, warps = 4, rows = 64, threads = warps * 32;
  static constexpr bool drops = DROPS_;
  static constexpr int tile_bytes = mb_tile<D>::bytes(rows);
};

/* Two fragments of 16 rows by 16 columns. */
typedef float mb_slice[2][4];

/* to = a·bᵀ of 16 rows (all of D as `a`) and rows `row` to `row + 15` of a tile. */
template <typename S>
static __device__ __forceinline__ void multiply_rows(mb_slice &to, const uint32_t (&a)[S::D / 16][4], const mb_tile<S::D> &b, int row) {
#pragma unroll
  for (int e = 0; e < 8; e++) to[e / 4][e % 4] = 0;
#pragma unroll
  for (int k = 0; k < S::D / 16; k++) {
    uint32_t fragment[4];
    load_b(fragment, b, row, k);
    S::T::mma(to[0], a[k], fragment[0], fragment[1]);
    S::T::mma(to[1], a[k], fragment[2], fragment[3]);
  }
}

/* sums += slice·b of rows `row` to `row + 15` of a tile. */
template <typename S>
static __device__ __forceinline__ void add_rows(float (&sums)[S::D / 8][4], const mb_slice &slice, const mb_tile<S::D> &b, int row) {
  uint32_t a[4];
  pack_a<typename S::T>(a, slice[0], slice[1]);
#pragma unroll
  for (int n = 0; n < S::D / 16; n++) {
    uint32_t fragment[4];
    load_b_across(fragment, b, row, n);
    S::T::mma(sums[2 * n], a, fragment[0], fragment[1]);
    S::T::mma(sums[2 * n + 1], a, fragment[2], fragment[3]);
  }
}

/* Scales a gradient, turns it back and stores it as part 0 (q), 1 (k) or 2 (v) of grad_qkv. */
template <typename S, int PART>
static __device__ __forceinline__ void store_gradient(const mb_attention &p, const mb_slot &slot, int own, float (&d)[S::D / 8][4], float scale,
                                                      const mb_tile<S::D> &tile) {
#pragma unroll
  for (int e = 0; e < S::D / 2; e++) d[e / 4][e % 4] *= scale;
  const int row = slot.first + own;
  if (PART < 2) turn_back<S::D>(p, d, row, slot.length);
  uint16_t *const to = (uint16_t *)p.grad_qkv + (slot.start + row) * p.qkv_stride() + PART * p.out_stride() + blockIdx.y * S::D;
  store_rows<typename S::T, S::D>(to, p.qkv_stride(), slot.length - row, tile, own, d);
}

#endif
