/* Attention of 16-bit numbers on tensor cores, flash style (Dao: FlashAttention-2, 2023): a block has WARPS · SLABS · 16 queries of one head, each
 * warp SLABS times 16 of them in registers, and walks over the keys that any of them sees, KEYS at a time. The next keys are copied meanwhile. */
#ifndef MB_ATTENTION_FORWARD_KERNEL_H
#define MB_ATTENTION_FORWARD_KERNEL_H

#include "kernels/attention/dropout.h"
#include "kernels/attention/rotary.h"
#include "kernels/attention/scores.h"
#include "kernels/attention/visits.h"

/* T is mb_bf16 or mb_f16, D the head size. */
template <typename T_, int D_, int WARPS_, int SLABS_, int KEYS_, bool DROPS_> struct mb_forward_shape {
  using T = T_;
  static constexpr int D = D_, warps = WARPS_, slabs = SLABS_, keys = KEYS_, threads = WARPS_ * 32, rows = WARPS_ * SLABS_ * 16;
  static constexpr bool drops = DROPS_;
  /* Two slabs leave no registers for it: their queries and keys are turned before, and each tile of keys reads the queries again, which serves
   * two products then. */
  static constexpr bool turns = slabs == 1, holds_queries = slabs == 1;
  /* At once on a multiprocessor: what their registers allow. */
  static constexpr int blocks = slabs == 2 || drops ? 2 : 12 / warps;
  /* Queries, and keys and values twice. */
  static constexpr int shared_bytes = mb_tile<D>::bytes(rows + 4 * keys);
};

/* What a warp has of its queries. */
template <typename S> struct mb_queries {
  uint32_t q[S::slabs][S::D / 16][4];
  float sums[S::slabs][S::D / 8][4] = {};
  mb_softmax softmax[S::slabs];
};

/* Slice `slice` of the queries, which begin at row `own` of the tile. */
template <typename S> static __device__ __forceinline__ void load_queries(mb_queries<S> &queries, const mb_tile<S::D> &tile, int own, int slice) {
#pragma unroll
  for (int slab = 0; slab < S::slabs; slab++) load_a(queries.q[slab][slice], tile, own + 16 * slab, slice);
}

/* scores = q·kᵀ of the tile's keys. */
template <typename S>
static __device__ __forceinline__ void score(float (&scores)[S::slabs][S::keys / 8][4], mb_queries<S> &queries, const mb_tile<S::D> &q, int own,
                                             const mb_tile<S::D> &k) {
#pragma unroll
  for (int slab = 0; slab < S::slabs; slab++)
#pragma unroll
    for (int n = 0; n < S::keys / 8; n++)
#pragma unroll
      for (int e = 0; e < 4; e++) scores[slab][n][e] = 0;
#pragma unroll
  for (int slice = 0; slice < S::D / 16; slice++) {
    if (!S::holds_queries) load_queries(queries, q, own, slice);
#pragma unroll
    for (int n = 0; n < S::keys / 16; n++) {
      uint32_t b[4];
      load_b(b, k, 16 * n, slice);
#pragma unroll
      for (int slab = 0; slab < S::slabs; slab++) {
        S::T::mma(scores[slab][2 * n], queries.q[slab][slice], b[0], b[1]);
        S::T::mma(scores[slab][2 * n + 1], queries.q[slab][slice], b[2], b[3]);
      }
    }
  }
}

/* sums += weights·v. */
template <typename S>
static __device__ __forceinline__ void weigh(mb_queries<S> &queries, const float (&weights)[S::slabs][S::keys / 8][4], const mb_tile<S::D> &v) {
#pragma unroll
  for (int slice = 0; slice < S::keys / 16; slice++) {
    uint32_t a[S::slabs][4];
#pragma unroll
    for (int slab = 0; slab < S::slabs; slab++) pack_a<typename S::T>(a[slab], weights[slab][2 * slice], weights[slab][2 * slice + 1]);
#pragma unroll
    for (int n = 0; n < S::D / 16; n++) {
      uint32_t b[4];
      load_b_across(b, v, 16 * slice, n);
#pragma unroll
      for (int slab = 0; slab < S::slabs; slab++) {
        S::T::mma(queries.sums[slab][2 * n], a[slab], b[0], b[1]);
        S::T::mma(queries.sums[slab][2 * n + 1], a[slab], b[2], b[3]);
      }
    }
  }
}

/* Scores of 16 queries from `row` on and of keys from `key` on that do not count become MB_NONE. */
template <int N>
static __device__ __forceinline__ void mask(const mb_attention &p, float (&scores)[N][4], int row, int key, int end) {
  if (all_seen(p, row, key, N * 8, end)) return;
  const int g = (int)threadIdx.x % 32 / 4, t = (int)threadIdx.x % 4;
#pragma unroll
  for (int n = 0; n < N; n++)
#pragma unroll
    for (int e = 0; e < 4; e++)
      if (!seen(p, row + g + e / 2 * 8, key + 8 * n + 2 * t + e % 2, end)) scores[n][e] = MB_NONE;
}

/* Zeros where the draw says so. */
template <int N>
static __device__ __forceinline__ void drop(const mb_attention &p, float (&weights)[N][4], int token, int key) {
  const int g = (int)threadIdx.x % 32 / 4, t = (int)threadIdx.x % 4;
  mb_drawn draw;
#pragma unroll
  for (int half = 0; half < 2; half++)
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
      for (int e = 0; e < 2; e++)
        if (!draw.kept(p, draw_element(p, token + g + 8 * half, key + 8 * n + 2 * t + e))) weights[n][2 * half + e] = 0;
}

/* One tile of keys, for the queries of a warp from `row` on. */
template <typename S>
static __device__ __forceinline__ void attend(const mb_attention &p, mb_queries<S> &queries, const mb_slot &slot, int row, int key,
                                              const mb_tile<S::D> &q, int own, const mb_tile<S::D> &k, const mb_tile<S::D> &v) {
  float scores[S::slabs][S::keys / 8][4];
  score<S>(scores, queries, q, own, k);
#pragma unroll
  for (int slab = 0; slab < S::slabs; slab++) {
    mask(p, scores[slab], row + 16 * slab, key, slot.keys);
    soften(queries.softmax[slab], scores[slab], queries.sums[slab], p.scale_log2);
    if (S::drops) drop(p, scores[slab], slot.start + row + 16 * slab, key);
  }
  weigh<S>(queries, scores, v);
}

/* out and lse of 16 queries. */
template <typename S>
static __device__ __forceinline__ void finish(const mb_attention &p, mb_softmax &softmax, float (&sums)[S::D / 8][4], const mb_slot &slot, int row,
                                              const mb_tile<S::D> &tile, int tile_row) {
  const int lane = (int)threadIdx.x % 32;
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const float sum = sum_of_row(softmax.sum[half]);
    const int at = row + lane / 4 + 8 * half;
    if (p.lse && lane % 4 == 0 && at < slot.length)
      p.lse[(int64_t)blockIdx.y * p.tokens + slot.start + at] = sum == 0 ? INFINITY : softmax.largest[half] * p.scale_log2 + log2f(sum);
    const float whole = sum == 0 ? 0 : 1 / (S::drops ? sum * (1 - p.drop_rate) : sum);
#pragma unroll
    for (int n = 0; n < S::D / 8; n++) sums[n][2 * half] *= whole, sums[n][2 * half + 1] *= whole;
  }
  uint16_t *const out = (uint16_t *)p.out + (slot.start + row) * p.out_stride() + blockIdx.y * S::D;
  store_rows<typename S::T, S::D>(out, p.out_stride(), slot.length - row, tile, tile_row, sums);
}

template <typename S> static __global__ void __launch_bounds__(S::threads, S::blocks) attention_forward(mb_attention p) {
  using T = typename S::T;
  constexpr int D = S::D;
  MB_DYNAMIC_SHARED(memory);
  const mb_slot slot = find_slot(p, S::rows);
  check_ends(p);
  if (slot.empty) return;
  const mb_tile<D> q = {place_of(memory), memory};
  const uint16_t *const q_rows = rows_of<D>(p.q, slot), *const k_rows = rows_of<D>(p.k, slot);
  const uint16_t *const v_rows = (const uint16_t *)p.qkv + slot.start * p.qkv_stride() + 2 * p.out_stride() + blockIdx.y * D;
  const mb_range keys = seen_of(p, slot.first, min(slot.first + S::rows, slot.length), slot.keys);
  const auto tile_of = [&](int stage) { return q.after(S::rows + 2 * S::keys * stage); };
  const auto begin_copy = [&](int key, int stage) {
    copy_rows<D, S::keys, S::threads>(tile_of(stage), k_rows, p.k.stride, key, slot.keys);
    copy_rows<D, S::keys, S::threads>(tile_of(stage).after(S::keys), v_rows, p.qkv_stride(), key, slot.keys);
    commit_copies();
  };

  copy_rows<D, S::rows, S::threads>(q, q_rows, p.q.stride, slot.first, slot.length);
  commit_copies();
  begin_copy(keys.first, 0);
  wait_copies<1>();
  if (S::turns) turn_rows<T, D, S::rows, S::threads>(p, p.q, q, slot.first, slot.length);
  __syncthreads();
  const int own = (int)threadIdx.x / 32 * S::slabs * 16, row = slot.first + own;
  mb_queries<S> queries;
  if (S::holds_queries)
#pragma unroll
    for (int slice = 0; slice < D / 16; slice++) load_queries(queries, q, own, slice);

#pragma unroll 1
  for (int key = keys.first, stage = 0; key < keys.end; key += S::keys, stage ^= 1) {
    const mb_tile<D> k = tile_of(stage), v = k.after(S::keys);
    wait_copies<0>();
    if (S::turns) turn_rows<T, D, S::keys, S::threads>(p, p.k, k, key, slot.keys);
    __syncthreads();
    if (key + S::keys < keys.end) begin_copy(key + S::keys, stage ^ 1);
    MB_VISIT();
    attend<S>(p, queries, slot, row, key, q, own, k, v);
  }
  __syncwarp();
#pragma unroll
  for (int slab = 0; slab < S::slabs; slab++) finish<S>(p, queries.softmax[slab], queries.sums[slab], slot, row + 16 * slab, q, own + 16 * slab);
}

#endif
