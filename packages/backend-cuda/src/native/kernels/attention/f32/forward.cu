/* Attention of f32: a block has a tile of queries of one head and walks over the keys that any of them sees, a tile at a time. */
#include "kernels/attention/f32/tile.h"
#include "kernels/attention/kernels.h"
#include "kernels/attention/scores.h"

/* Of this thread's rows; the threads of a row agree. */
template <typename S> struct mb_f32_softmax {
  float largest[S::side], sum[S::side];
};

/* Scores become weights of the keys from `key` on, and `sums` what they are beside the largest score so far. */
template <typename S>
static __device__ __forceinline__ void soften(const mb_attention &p, mb_f32_softmax<S> &softmax, float (&scores)[S::side][S::side],
                                              float (&sums)[S::side][S::columns], const mb_slot &slot, int key) {
#pragma unroll
  for (int i = 0; i < S::side; i++) {
    const int row = slot.first + thread_y() * S::side + i;
    float largest = softmax.largest[i];
#pragma unroll
    for (int j = 0; j < S::side; j++) {
      if (!seen(p, row, key + thread_x() + 16 * j, slot.keys)) scores[i][j] = MB_NONE;
      largest = fmaxf(largest, scores[i][j]);
    }
    largest = largest_of_16(largest);
    const float shift = largest == MB_NONE ? 0 : largest;
    const float shrink = exp2f((softmax.largest[i] - shift) * p.scale_log2);
    softmax.largest[i] = largest;
    float sum = 0;
#pragma unroll
    for (int j = 0; j < S::side; j++) sum += scores[i][j] = exp2f((scores[i][j] - shift) * p.scale_log2);
    softmax.sum[i] = softmax.sum[i] * shrink + sum_of_16(sum);
#pragma unroll
    for (int j = 0; j < S::columns; j++) sums[i][j] *= shrink;
  }
}

/* Weights of keys that the draw drops become 0, others grow for them. */
template <typename S>
static __device__ __forceinline__ void drop(const mb_attention &p, float (&weights)[S::side][S::side], const mb_slot &slot, int key) {
  mb_drawn draw;
#pragma unroll
  for (int i = 0; i < S::side; i++)
#pragma unroll
    for (int j = 0; j < S::side; j++) {
      const int token = slot.start + slot.first + thread_y() * S::side + i;
      weights[i][j] = draw.kept(p, draw_element(p, token, key + thread_x() + 16 * j)) ? weights[i][j] / (1 - p.drop_rate) : 0;
    }
}

template <typename S> static __global__ void __launch_bounds__(S::threads, 1) attention_forward_f32_kernel(mb_attention p) {
  MB_DYNAMIC_SHARED(memory);
  const mb_slot slot = find_slot(p, S::rows);
  check_ends(p);
  if (slot.empty) return;
  float *const q = reinterpret_cast<float *>(memory), *const k = q + S::tile, *const v = k + S::tile, *const weights = v + S::tile;
  const float *const source = (const float *)p.qkv + slot.start * p.qkv_stride() + (int64_t)blockIdx.y * p.width;
  const mb_range keys = seen_of(p, slot.first, min(slot.first + S::rows, slot.length), slot.keys);
  float sums[S::side][S::columns] = {};
  mb_f32_softmax<S> softmax;
#pragma unroll
  for (int i = 0; i < S::side; i++) softmax.largest[i] = MB_NONE, softmax.sum[i] = 0;
  load_rows<S>(p, q, source, p.qkv_stride(), slot.first, slot.length, true);
  for (int key = keys.first; key < keys.end; key += S::rows) {
    __syncthreads();
    load_rows<S>(p, k, source + p.out_stride(), p.qkv_stride(), key, slot.keys, true);
    load_rows<S>(p, v, source + 2 * p.out_stride(), p.qkv_stride(), key, slot.keys, false);
    __syncthreads();
    MB_VISIT();
    float scores[S::side][S::side];
    multiply_rows<S>(scores, q, k);
    soften<S>(p, softmax, scores, sums, slot, key);
    if (p.drop_rate > 0) drop<S>(p, scores, slot, key);
    put_weights<S>(weights, scores);
    __syncwarp();
    add_rows<S, false>(sums, weights, v);
  }
  float *const out = (float *)p.out + slot.start * p.out_stride() + (int64_t)blockIdx.y * p.width;
#pragma unroll
  for (int i = 0; i < S::side; i++) {
    const int row = slot.first + thread_y() * S::side + i;
    if (row >= slot.length) continue;
    const float sum = softmax.sum[i];
    if (p.lse && thread_x() == 0)
      p.lse[(int64_t)blockIdx.y * p.tokens + slot.start + row] = sum == 0 ? INFINITY : softmax.largest[i] * p.scale_log2 + log2f(sum);
#pragma unroll
    for (int j = 0; j < S::columns; j++) {
      const int c = thread_x() + 16 * j;
      if (c < p.width) out[row * p.out_stride() + c] = sum == 0 ? 0 : sums[i][j] / sum;
    }
  }
}

void attention_forward_f32(const mb_attention &p, cudaStream_t stream) {
  for_width(p, [&](auto shape) {
    using S = decltype(shape);
    launch_shared(attention_forward_f32_kernel<S>, slots_of(p, S::rows), S::threads, S::bytes(3), stream, p);
  });
}
