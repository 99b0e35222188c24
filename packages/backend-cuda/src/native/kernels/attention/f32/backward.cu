/* The gradient of attention of f32: a kernel for queries, which also finds delta, then one for keys and values. */
#include "kernels/attention/f32/tile.h"
#include "kernels/attention/kernels.h"
#include "kernels/attention/scores.h"

/* Of keys from `key` on (columns) and queries from `query` on (rows): scores become probabilities as they weigh v, gradients of probabilities
 * become gradients of scores, without the scale. */
template <typename S>
static __device__ __forceinline__ void differentiate(const mb_attention &p, float (&scores)[S::side][S::side], float (&grads)[S::side][S::side],
                                                     const mb_slot &slot, int query, int key) {
  mb_drawn draw;
#pragma unroll
  for (int i = 0; i < S::side; i++) {
    const int row = query + thread_y() * S::side + i;
    const int64_t place = (int64_t)blockIdx.y * p.tokens + slot.start + row;
    const float lse = row < slot.length ? p.lse[place] : INFINITY, delta = row < slot.length ? p.delta[place] : 0;
#pragma unroll
    for (int j = 0; j < S::side; j++) {
      const int column = key + thread_x() + 16 * j;
      const bool counts = row < slot.length && seen(p, row, column, slot.keys);
      const float probability = counts ? exp2f(scores[i][j] * p.scale_log2 - lse) : 0;
      float kept = 1;
      if (p.drop_rate > 0) kept = draw.kept(p, draw_element(p, slot.start + row, column)) ? 1 / (1 - p.drop_rate) : 0;
      scores[i][j] = probability * kept;
      grads[i][j] = probability * (grads[i][j] * kept - delta);
    }
  }
}

/* delta of this block's queries. */
template <typename S> static __device__ __forceinline__ void find_delta(const mb_attention &p, const mb_slot &slot) {
  for (int i = 0; i < S::side; i++) {
    const int row = slot.first + thread_y() * S::side + i;
    const int64_t from = (slot.start + row) * p.out_stride() + (int64_t)blockIdx.y * p.width;
    float sum = 0;
    for (int c = thread_x(); c < p.width && row < slot.length; c += 16) sum += ((const float *)p.out)[from + c] * ((const float *)p.grad_out)[from + c];
    sum = sum_of_16(sum);
    if (thread_x() == 0 && row < slot.length) p.delta[(int64_t)blockIdx.y * p.tokens + slot.start + row] = sum;
  }
}

template <typename S> static __global__ void __launch_bounds__(S::threads, 1) attention_backward_queries_f32(mb_attention p) {
  MB_DYNAMIC_SHARED(memory);
  const mb_slot slot = find_slot(p, S::rows);
  if (slot.empty) return;
  float *const q = reinterpret_cast<float *>(memory), *const grad_out = q + S::tile, *const k = grad_out + S::tile, *const v = k + S::tile;
  float *const weights = v + S::tile;
  const float *const qkv = (const float *)p.qkv + slot.start * p.qkv_stride() + (int64_t)blockIdx.y * p.width;
  const float *const grads_out = (const float *)p.grad_out + slot.start * p.out_stride() + (int64_t)blockIdx.y * p.width;
  const mb_range keys = seen_of(p, slot.first, min(slot.first + S::rows, slot.length), slot.keys);
  float sums[S::side][S::columns] = {};
  find_delta<S>(p, slot);
  load_rows<S>(p, q, qkv, p.qkv_stride(), slot.first, slot.length, true);
  load_rows<S>(p, grad_out, grads_out, p.out_stride(), slot.first, slot.length, false);
  for (int key = keys.first; key < keys.end; key += S::rows) {
    __syncthreads();
    load_rows<S>(p, k, qkv + p.out_stride(), p.qkv_stride(), key, slot.keys, true);
    load_rows<S>(p, v, qkv + 2 * p.out_stride(), p.qkv_stride(), key, slot.keys, false);
    __syncthreads();
    MB_VISIT();
    float scores[S::side][S::side], grads[S::side][S::side];
    multiply_rows<S>(scores, q, k);
    multiply_rows<S>(grads, grad_out, v);
    differentiate<S>(p, scores, grads, slot, slot.first, key);
    put_weights<S>(weights, grads);
    __syncwarp();
    add_rows<S, false>(sums, weights, k);
  }
  __syncthreads();
  store_gradient<S, 0>(p, slot, sums, p.scale, q);
}

template <typename S> static __global__ void __launch_bounds__(S::threads, 1) attention_backward_keys_f32(mb_attention p) {
  MB_DYNAMIC_SHARED(memory);
  const mb_slot slot = find_slot(p, S::rows);
  if (slot.empty) return;
  float *const k = reinterpret_cast<float *>(memory), *const v = k + S::tile, *const q = v + S::tile, *const grad_out = q + S::tile;
  float *const weights = grad_out + S::tile;
  const float *const qkv = (const float *)p.qkv + slot.start * p.qkv_stride() + (int64_t)blockIdx.y * p.width;
  const float *const grads_out = (const float *)p.grad_out + slot.start * p.out_stride() + (int64_t)blockIdx.y * p.width;
  mb_range queries = seen_of(p, slot.first, min(slot.first + S::rows, slot.length), slot.length);
  if (slot.first >= slot.keys) queries.end = queries.first;
  float grad_k[S::side][S::columns] = {}, grad_v[S::side][S::columns] = {};
  load_rows<S>(p, k, qkv + p.out_stride(), p.qkv_stride(), slot.first, slot.keys, true);
  load_rows<S>(p, v, qkv + 2 * p.out_stride(), p.qkv_stride(), slot.first, slot.keys, false);
  for (int query = queries.first; query < queries.end; query += S::rows) {
    __syncthreads();
    load_rows<S>(p, q, qkv, p.qkv_stride(), query, slot.length, true);
    load_rows<S>(p, grad_out, grads_out, p.out_stride(), query, slot.length, false);
    __syncthreads();
    MB_VISIT();
    float scores[S::side][S::side], grads[S::side][S::side];
    multiply_rows<S>(scores, q, k);
    multiply_rows<S>(grads, grad_out, v);
    differentiate<S>(p, scores, grads, slot, query, slot.first);
    put_weights<S>(weights, scores);
    __syncthreads();
    add_rows<S, true>(grad_v, weights, grad_out);
    __syncthreads();
    put_weights<S>(weights, grads);
    __syncthreads();
    add_rows<S, true>(grad_k, weights, q);
  }
  __syncthreads();
  store_gradient<S, 1>(p, slot, grad_k, p.scale, k);
  store_gradient<S, 2>(p, slot, grad_v, 1, v);
}

void attention_backward_f32(const mb_attention &p, cudaStream_t stream) {
  for_width(p, [&](auto shape) {
    using S = decltype(shape);
    launch_shared(attention_backward_queries_f32<S>, slots_of(p, S::rows), S::threads, S::bytes(4), stream, p);
    launch_shared(attention_backward_keys_f32<S>, slots_of(p, S::rows), S::threads, S::bytes(4), stream, p);
  });
}
