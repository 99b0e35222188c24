/* The gradient of 64 queries of one head, which walk over the keys that they see; and delta, which the keys' gradients need. */
#ifndef MB_ATTENTION_BACKWARD_QUERIES_H
#define MB_ATTENTION_BACKWARD_QUERIES_H

#include "kernels/attention/backward_shape.h"

/* What a warp has of its queries. */
template <typename S> struct mb_query_rows {
  uint32_t q[S::D / 16][4], grad_out[S::D / 16][4];
  float lse[2], delta[2];
  float sums[S::D / 8][4] = {};
};

/* Σ out · grad_out of rows g and g + 8, of which this thread has every fourth pair of columns. */
template <typename S>
static __device__ __forceinline__ void find_delta(float (&delta)[2], const uint32_t (&grad_out)[S::D / 16][4], const mb_tile<S::D> &out, int row) {
  delta[0] = delta[1] = 0;
#pragma unroll
  for (int k = 0; k < S::D / 16; k++) {
    uint32_t a[4];
    load_a(a, out, row, k);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float x0, x1, y0, y1;
      S::T::unpack(a[i], x0, x1);
      S::T::unpack(grad_out[k][i], y0, y1);
      delta[i % 2] += x0 * y0 + x1 * y1;
    }
  }
  delta[0] = sum_of_row(delta[0]);
  delta[1] = sum_of_row(delta[1]);
}

/* Keys `key` to `key + 15`, at row `at` of the tiles: scores and gradients of probabilities become gradients of scores (without the scale). */
template <typename S>
static __device__ __forceinline__ void differentiate(const mb_attention &p, mb_slice &scores, const mb_slice &grads, const mb_query_rows<S> &rows,
                                                     const mb_slot &slot, int row, int key) {
  const int g = (int)threadIdx.x % 32 / 4, t = (int)threadIdx.x % 4;
  const bool whole = all_seen(p, row, key, 16, slot.keys);
  mb_drawn draw;
#pragma unroll
  for (int half = 0; half < 2; half++)
#pragma unroll
    for (int n = 0; n < 2; n++)
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int e = 2 * half + i, query = row + g + 8 * half, column = key + 8 * n + 2 * t + i;
        float grad = grads[n][e];
        if (S::drops) grad = draw.kept(p, draw_element(p, slot.start + query, column)) ? grad / (1 - p.drop_rate) : 0;
        const float probability = fast_exp2(scores[n][e] * p.scale_log2 - rows.lse[half]);
        scores[n][e] = whole || seen(p, query, column, slot.keys) ? probability * (grad - rows.delta[half]) : 0;
      }
}

template <typename S> static __global__ void __launch_bounds__(S::threads, S::drops ? 2 : 3) attention_backward_queries(mb_attention p) {
  using T = typename S::T;
  constexpr int D = S::D;
  MB_DYNAMIC_SHARED(memory);
  const mb_slot slot = find_slot(p, S::rows);
  if (slot.empty) return;
  const mb_tile<D> q = {place_of(memory), memory}, grad_out = q.after(S::rows);
  const int64_t token = slot.start;
  const uint16_t *const q_rows = rows_of<D>(p.q, slot), *const k_rows = rows_of<D>(p.k, slot);
  const uint16_t *const v_rows = (const uint16_t *)p.qkv + token * p.qkv_stride() + 2 * p.out_stride() + blockIdx.y * D;
  const int64_t of_out = token * p.out_stride() + blockIdx.y * D;
  const mb_range keys = seen_of(p, slot.first, min(slot.first + S::rows, slot.length), slot.keys);
  const auto tile_of = [&](int stage) { return q.after(S::rows * (2 + 2 * stage)); };
  const auto begin_copy = [&](int key, int stage) {
    copy_rows<D, S::rows, S::threads>(tile_of(stage), k_rows, p.k.stride, key, slot.keys);
    copy_rows<D, S::rows, S::threads>(tile_of(stage).after(S::rows), v_rows, p.qkv_stride(), key, slot.keys);
    commit_copies();
  };

  copy_rows<D, S::rows, S::threads>(q, q_rows, p.q.stride, slot.first, slot.length);
  copy_rows<D, S::rows, S::threads>(grad_out, (const uint16_t *)p.grad_out + of_out, p.out_stride(), slot.first, slot.length);
  copy_rows<D, S::rows, S::threads>(tile_of(1), (const uint16_t *)p.out + of_out, p.out_stride(), slot.first, slot.length);
  commit_copies();
  begin_copy(keys.first, 0);
  wait_copies<1>();
  turn_rows<T, D, S::rows, S::threads>(p, p.q, q, slot.first, slot.length);
  __syncthreads();

  const int lane = (int)threadIdx.x % 32, own = (int)threadIdx.x / 32 * 16, row = slot.first + own;
  mb_query_rows<S> rows;
#pragma unroll
  for (int k = 0; k < D / 16; k++) load_a(rows.q[k], q, own, k), load_a(rows.grad_out[k], grad_out, own, k);
  find_delta<S>(rows.delta, rows.grad_out, tile_of(1), own);
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int at = row + lane / 4 + 8 * half;
    const int64_t place = (int64_t)blockIdx.y * p.tokens + slot.start + at;
    rows.lse[half] = at < slot.length ? p.lse[place] : INFINITY;
    if (lane % 4 == 0 && at < slot.length) p.delta[place] = rows.delta[half];
  }

#pragma unroll 1
  for (int key = keys.first, stage = 0; key < keys.end; key += S::rows, stage ^= 1) {
    const mb_tile<D> k = tile_of(stage), v = k.after(S::rows);
    wait_copies<0>();
    turn_rows<T, D, S::rows, S::threads>(p, p.k, k, key, slot.keys);
    __syncthreads();
    if (key + S::rows < keys.end) begin_copy(key + S::rows, stage ^ 1);
    MB_VISIT();
#pragma unroll
    for (int at = 0; at < S::rows; at += 16) {
      if (!any_seen(p, row, key + at, slot.keys)) continue;
      mb_slice scores, grads;
      multiply_rows<S>(scores, rows.q, k, at);
      multiply_rows<S>(grads, rows.grad_out, v, at);
      differentiate<S>(p, scores, grads, rows, slot, row, key + at);
      add_rows<S>(rows.sums, scores, k, at);
    }
  }
  store_gradient<S, 0>(p, slot, own, rows.sums, p.scale, q);
}

#endif
