/* The gradients of 64 keys and values of one head, which walk over the queries that see them. Rows are keys here, columns queries. */
#ifndef MB_ATTENTION_BACKWARD_KEYS_H
#define MB_ATTENTION_BACKWARD_KEYS_H

#include "kernels/attention/backward_shape.h"

/* What a warp has of its keys. */
template <typename S> struct mb_key_rows {
  uint32_t k[S::D / 16][4], v[S::D / 16][4];
  float grad_k[S::D / 8][4] = {}, grad_v[S::D / 8][4] = {};
};

/* Shared memory beside the tiles: lse and delta of 64 queries, twice. */
template <typename S> constexpr int backward_keys_bytes = 6 * S::tile_bytes + 2 * 2 * S::rows * (int)sizeof(float);

/* Queries `query` to `query + 15`, of which lse and delta are given: scores become probabilities as they weigh v, gradients of probabilities
 * become gradients of scores (without the scale). Queries that are not there have an lse of infinity. */
template <typename S>
static __device__ __forceinline__ void differentiate_keys(const mb_attention &p, mb_slice &scores, mb_slice &grads, const float *lse, const float *delta,
                                                          const mb_slot &slot, int key, int query) {
  const int g = (int)threadIdx.x % 32 / 4, t = (int)threadIdx.x % 4;
  const int there = slot.keys - key - g, distance = query + 2 * t - key - g;
  const bool whole = key + 16 <= slot.keys && abs(query - key) + 15 <= p.window;
  mb_drawn draw;
#pragma unroll
  for (int n = 0; n < 2; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) {
      const int column = 8 * n + 2 * t + e % 2, down = e / 2 * 8;
      float probability = fast_exp2(scores[n][e] * p.scale_log2 - lse[column]);
      if (!whole && (down >= there || abs(distance + 8 * n + e % 2 - down) > p.window)) probability = 0;
      float kept = 1;
      if (S::drops) kept = draw.kept(p, draw_element(p, slot.start + query + column, key + g + down)) ? 1 / (1 - p.drop_rate) : 0;
      scores[n][e] = probability * kept;
      grads[n][e] = probability * (grads[n][e] * kept - delta[column]);
    }
}

template <typename S> static __global__ void __launch_bounds__(S::threads, S::drops ? 2 : 3) attention_backward_keys(mb_attention p) {
  using T = typename S::T;
  constexpr int D = S::D;
  MB_DYNAMIC_SHARED(memory);
  const mb_slot slot = find_slot(p, S::rows);
  if (slot.empty) return;
  const mb_tile<D> k = {place_of(memory), memory}, v = k.after(S::rows);
  const uint16_t *const q_rows = rows_of<D>(p.q, slot), *const k_rows = rows_of<D>(p.k, slot);
  const uint16_t *const v_rows = (const uint16_t *)p.qkv + slot.start * p.qkv_stride() + 2 * p.out_stride() + blockIdx.y * D;
  const uint16_t *const grad_out = (const uint16_t *)p.grad_out + slot.start * p.out_stride() + blockIdx.y * D;
  mb_range queries = seen_of(p, slot.first, min(slot.first + S::rows, slot.length), slot.length);
  if (slot.first >= slot.keys) queries.end = queries.first;
  const auto tile_of = [&](int stage) { return k.after(S::rows * (2 + 2 * stage)); };
  const auto begin_copy = [&](int query, int stage) {
    copy_rows<D, S::rows, S::threads>(tile_of(stage), q_rows, p.q.stride, query, slot.length);
    copy_rows<D, S::rows, S::threads>(tile_of(stage).after(S::rows), grad_out, p.out_stride(), query, slot.length);
    commit_copies();
  };
  /* Half of the threads hold lse of a tile of queries, half delta, until there is room for them. */
  float *const numbers = reinterpret_cast<float *>(k.after(6 * S::rows).data);
  const auto number_of = [&](int query) {
    const bool of_lse = (int)threadIdx.x < S::rows;
    const int at = query + (int)threadIdx.x % S::rows;
    return at < slot.length ? (of_lse ? p.lse : p.delta)[(int64_t)blockIdx.y * p.tokens + slot.start + at] : of_lse ? INFINITY : 0;
  };

  copy_rows<D, S::rows, S::threads>(k, k_rows, p.k.stride, slot.first, slot.keys);
  copy_rows<D, S::rows, S::threads>(v, v_rows, p.qkv_stride(), slot.first, slot.keys);
  commit_copies();
  begin_copy(queries.first, 0);
  numbers[threadIdx.x] = number_of(queries.first);
  wait_copies<1>();
  turn_rows<T, D, S::rows, S::threads>(p, p.k, k, slot.first, slot.keys);
  __syncthreads();
  const int own = (int)threadIdx.x / 32 * 16;
  mb_key_rows<S> rows;
#pragma unroll
  for (int slice = 0; slice < D / 16; slice++) load_a(rows.k[slice], k, own, slice), load_a(rows.v[slice], v, own, slice);

#pragma unroll 1
  for (int query = queries.first, stage = 0; query < queries.end; query += S::rows, stage ^= 1) {
    const mb_tile<D> q = tile_of(stage), grad = q.after(S::rows);
    wait_copies<0>();
    turn_rows<T, D, S::rows, S::threads>(p, p.q, q, query, slot.length);
    __syncthreads();
    const bool more = query + S::rows < queries.end;
    if (more) begin_copy(query + S::rows, stage ^ 1);
    const float next = more ? number_of(query + S::rows) : 0;
    const float *const lse = numbers + 2 * S::rows * stage;
    MB_VISIT();
#pragma unroll 1
    for (int at = 0; at < S::rows && query + at < slot.length; at += 16) {
      if (abs(query + at - slot.first - own) > p.window + 15) continue;
      mb_slice scores, grads;
      multiply_rows<S>(scores, rows.k, q, at);
      multiply_rows<S>(grads, rows.v, grad, at);
      differentiate_keys<S>(p, scores, grads, lse + at, lse + S::rows + at, slot, slot.first + own, query + at);
      add_rows<S>(rows.grad_v, scores, grad, at);
      add_rows<S>(rows.grad_k, grads, q, at);
    }
    numbers[2 * S::rows * (stage ^ 1) + threadIdx.x] = next;
  }
  store_gradient<S, 1>(p, slot, own, rows.grad_k, p.scale, k);
  store_gradient<S, 2>(p, slot, own, rows.grad_v, 1, v);
}

#endif
